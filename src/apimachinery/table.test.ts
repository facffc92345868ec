import assert from 'node:assert/strict';
import { test } from 'node:test';
import { column, defineResource } from './resource.ts';
import type { KubeObject } from './object-meta.ts';
import { tableFor } from './table.ts';

const nowMs = Date.parse('2026-01-01T00:05:00Z');
const object: KubeObject = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', uid: '1', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' } };
const Plain = defineResource({ group: '', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Cluster', fields: {} });

test('a kind without columns shows names and ages', () => {
  const table = tableFor(Plain, [object], { nowMs });
  assert.deepEqual(table.columnDefinitions.map(({ name, type, format, priority }) => [name, type, format, priority]), [['Name', 'string', 'name', 0], ['Age', 'string', '', 0]]);
  assert.deepEqual(table.rows, [{ cells: ['a', '5m'], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } }]);
});

test('a kind shows the columns it declares, and a row carries what was asked for', () => {
  const Thing = defineResource({
    group: '', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Cluster', fields: {},
    columns: [column('Version', (each: KubeObject) => each.metadata.resourceVersion, { wide: true })],
  });
  const whole = tableFor(Thing, [object], { nowMs, includeObject: 'Object' });
  assert.equal(whole.columnDefinitions[0]?.priority, 1);
  assert.deepEqual(whole.rows, [{ cells: ['7'], object }]);
  assert.equal(tableFor(Thing, [object], { nowMs, includeObject: 'None' }).rows[0]?.object, null);
});
