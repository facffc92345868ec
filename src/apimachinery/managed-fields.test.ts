import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject } from './decode.ts';
import type { FieldSet } from './field-set.ts';
import { difference, hasPath, insertPath, intersection, members, pathText, union } from './field-set.ts';
import type { JsonObject } from './json.ts';
import { trackUpdate } from './managed-fields.ts';
import { inOneVersion } from './object-versions.ts';
import type { KubeObject, ManagedFieldsEntry } from './object-meta.ts';
import { defineResource, status } from './resource.ts';
import { int32, list, map, object, pointer, string, struct } from './schema.ts';

const Port = struct('test.Port', { containerPort: int32(1, { required: true }), protocol: string(2, { default: 'TCP' }), name: string(3) });
const Container = struct('test.Container', {
  name: string(1, { required: true }),
  image: string(2),
  args: list(3, 'string', { listType: 'atomic' }),
  ports: list(4, Port, { listType: 'map', keys: ['containerPort', 'protocol'] }),
  resources: object(5, struct('test.Resources', { limits: map(1, 'quantity') })),
});
const Rolling = struct('test.Rolling', { maxSurge: int32(1) });
const Spec = struct('test.Spec', {
  replicas: int32(1, { pointer: true }),
  selector: pointer(2, struct('test.Selector', { matchLabels: map(1, 'string') }, { atomic: true })),
  containers: list(3, Container, { required: true, listType: 'map', keys: ['name'] }),
  rolling: pointer(4, Rolling),
  groups: list(5, 'string', { listType: 'set' }),
});
const Thing = defineResource({
  group: 'test', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Namespaced',
  fields: { spec: object(2, Spec), status: object(3, struct('test.Status', { ready: int32(1) })) },
  subresources: [status()],
});

function thing(parts: JsonObject, managedFields?: readonly ManagedFieldsEntry[]): KubeObject {
  const metadata = { name: 'a', namespace: 'b', ...(parts['metadata'] as JsonObject | undefined), ...(managedFields !== undefined && { managedFields }) };
  return decodeObject(Thing, { ...parts, metadata });
}
let clock = 0;
function track(live: KubeObject | undefined, updated: KubeObject, manager: string, subresource = ''): readonly ManagedFieldsEntry[] {
  clock++;
  return inOneVersion(trackUpdate({ struct: Thing, live, updated, manager, apiVersion: 'test/v1', subresource, nowIso: `2026-01-01T00:00:${String(clock % 60).padStart(2, '0')}Z` }));
}
const web = { spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, containers: [{ name: 'web', image: '1', args: ['x'], ports: [{ containerPort: 80 }] }], rolling: { maxSurge: 1 }, groups: ['a'] }, status: { ready: 0 } };

test('a create owns all that is set, and names what came to be as a whole with a dot', () => {
  const entries = track(undefined, thing({ ...web, metadata: { labels: { app: 'web' }, creationTimestamp: '2026-01-01T00:00:00Z', uid: '1' } }), 'kubectl-create');
  assert.equal(entries.length, 1);
  const { time: _, ...entry } = entries[0] ?? {};
  assert.deepEqual(entry, {
    manager: 'kubectl-create',
    operation: 'Update',
    apiVersion: 'test/v1',
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:containers': {
          'k:{"name":"web"}': {
            '.': {}, 'f:name': {}, 'f:image': {}, 'f:args': {}, 'f:resources': {},
            'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
          },
        },
        'f:rolling': { '.': {}, 'f:maxSurge': {} },
        'f:groups': { '.': {}, 'v:"a"': {} },
      },
    },
  });
});

function created(): KubeObject {
  return thing(web, track(undefined, thing(web), 'creator'));
}
function changedSpec(changes: JsonObject): JsonObject {
  return { ...web, spec: { ...web.spec, ...changes } };
}
function owned(entries: readonly ManagedFieldsEntry[], manager: string): string[] {
  const entry = entries.find((each) => each.manager === manager);
  return [...members((entry?.fieldsV1 ?? {}) as FieldSet)].map(pathText);
}

test('who changes a field takes it from its owner', () => {
  const live = created();
  const entries = track(live, thing(changedSpec({ replicas: 2, groups: ['a', 'b'] })), 'scaler');
  assert.deepEqual(owned(entries, 'scaler'), ['.spec.replicas', '.spec.groups[="b"]']);
  assert.ok(!owned(entries, 'creator').includes('.spec.replicas'));
  assert.ok(owned(entries, 'creator').includes('.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort'));
});

test('what is removed has no owner, and an owner of nothing no entry', () => {
  const live = created();
  const removed = track(live, thing(changedSpec({ replicas: null, rolling: null })), 'remover');
  assert.deepEqual(owned(removed, 'remover'), []);
  assert.ok(!owned(removed, 'creator').some((path) => path.startsWith('.spec.replicas') || path.startsWith('.spec.rolling')));
  const all = track(live, thing(changedSpec({ replicas: null, rolling: null, selector: null, groups: null, containers: [] })), 'remover');
  assert.deepEqual(all, []);
});

test('a label called as a method of objects is a label like any other', () => {
  const entries = track(created(), thing({ ...web, metadata: { labels: { constructor: 'x' } } }), 'labeler');
  assert.deepEqual(owned(entries, 'labeler'), ['.metadata.labels', '.metadata.labels.constructor']);
});

test('a write that changes nothing leaves the entries as they are', () => {
  const live = created();
  assert.equal(track(live, thing(web), 'other'), live.metadata.managedFields);
  assert.equal(track(live, live, 'other'), live.metadata.managedFields);
});

test('the status subresource owns the status only, under an entry of its own', () => {
  const live = created();
  const entries = track(live, thing({ ...web, status: { ready: 1 } }), 'creator', 'status');
  assert.deepEqual(entries.map(({ manager, subresource }) => [manager, subresource]), [['creator', undefined], ['creator', 'status']]);
  assert.deepEqual([...members((entries[1]?.fieldsV1 ?? {}) as FieldSet)].map(pathText), ['.status.ready']);
});

test('an object without managed fields stays without, and [{}] resets them', () => {
  assert.deepEqual(track(thing(web), thing(changedSpec({ replicas: 3 })), 'x'), []);
  const live = created();
  assert.deepEqual(track(live, thing(changedSpec({ replicas: 3 }), [{}]), 'x'), []);
});

test('of more than ten updating managers the oldest become one', () => {
  clock = 0;
  let live = created();
  for (let index = 1; index <= 14; index++) {
    const parts = { ...web, metadata: { labels: Object.fromEntries(Array.from({ length: index }, (_, each) => [`l${each}`, 'x'])) } };
    live = thing(parts, track(live, thing(parts), `manager-${index}`));
  }
  const entries = live.metadata.managedFields ?? [];
  assert.equal(entries.length, 10);
  assert.equal(entries[0]?.manager, 'ancient-changes');
  assert.ok(owned(entries, 'ancient-changes').includes('.metadata.labels.l0'));
  assert.deepEqual(owned(entries, 'manager-14'), ['.metadata.labels.l13']);
});

const paths = fc.array(fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'v:"x"'), { minLength: 1, maxLength: 3 }), { maxLength: 8 });
function setOf(all: readonly (readonly string[])[]): FieldSet {
  const set = {};
  for (const path of all) insertPath(set, path);
  return set;
}
function texts(set: FieldSet): Set<string> {
  return new Set([...members(set)].map((path) => path.join('|')));
}

test('sets of fields behave as sets of paths do', () => {
  fc.assert(fc.property(paths, paths, (a, b) => {
    const left = setOf(a);
    const right = setOf(b);
    const mine = new Set(a.map((path) => path.join('|')));
    const other = new Set(b.map((path) => path.join('|')));
    assert.deepEqual([...texts(left)].sort(), [...mine].sort());
    assert.deepEqual([...texts(union(left, right))].sort(), [...mine.union(other)].sort());
    assert.deepEqual([...texts(difference(left, right))].sort(), [...mine.difference(other)].sort());
    assert.deepEqual([...texts(intersection(left, right))].sort(), [...mine.intersection(other)].sort());
    for (const path of a) assert.ok(hasPath(left, path));
  }));
});
