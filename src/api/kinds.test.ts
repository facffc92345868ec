import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeObject } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { created, createErrorsOf, given, rowOf, updated, warningsOf } from './kind-probe.ts';
import { kinds } from './kinds.ts';

/** Reference data beside the project; without it the empty objects alone are looked at. */
const samples = new URL('../../../shared/spec/roundtrip/', import.meta.url);
const nowMs = Date.UTC(2026, 0, 1);

/** An object with every field set, as upstream's own round-trip tests have it. */
function sampleOf(kind: ResourceKind): unknown {
  const file = new URL(`${kind.group === '' ? 'core' : kind.group}.${kind.version}.${kind.kind}.json`, samples);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as unknown) : undefined;
}

test('every kind shows a full object and an empty one in its columns', () => {
  for (const kind of kinds) {
    const objects: KubeObject[] = [decodeObject(kind, { metadata: { name: 'a' } })];
    const sample = sampleOf(kind);
    if (sample !== undefined) objects.push(decodeObject(kind, sample));
    for (const object of objects) {
      for (const [name, value] of Object.entries(rowOf(kind, object, nowMs))) {
        assert.notEqual(value, undefined, `${kind.kind} ${name}`);
        if (typeof value === 'string') assert.doesNotMatch(value, /undefined|NaN|\[object/, `${kind.kind} ${name}`);
      }
    }
  }
});

test('defaults that have run change nothing when they run again', () => {
  for (const kind of kinds) {
    const sample = sampleOf(kind) ?? {};
    const once = given(kind, sample);
    assert.deepEqual(JSON.parse(JSON.stringify(given(kind, once))), JSON.parse(JSON.stringify(once)), kind.kind);
  }
});

test('rules of every kind bear an empty object and a full one', () => {
  for (const kind of kinds) {
    for (const input of [{ metadata: { name: 'a' } }, sampleOf(kind)]) {
      if (input === undefined) continue;
      const object = given(kind, input as object) as unknown as KubeObject;
      for (const rule of kind.validate) assert.doesNotThrow(() => [...(rule as (object: KubeObject) => Iterable<unknown>)(object)], kind.kind);
      // What a sample's status says is nonsense; only that rules do not stumble over it counts.
      for (const rule of kind.validateStatusUpdate) assert.doesNotThrow(() => [...(rule as (object: KubeObject, old: KubeObject) => Iterable<unknown>)(object, object)], kind.kind);
      for (const rule of kind.validateUpdate) {
        const wrong = [...(rule as (object: KubeObject, old: KubeObject) => Iterable<unknown>)(object, object)];
        assert.deepEqual(wrong, [], `${kind.kind} may stay as it is`);
      }
    }
  }
});

test('what a write goes through bears an empty object and a full one', () => {
  for (const kind of kinds) {
    for (const input of [{ metadata: { name: 'a', uid: 'u' } }, sampleOf(kind)]) {
      if (input === undefined) continue;
      assert.doesNotThrow(() => {
        const object = created(kind, input as object);
        createErrorsOf(kind, object);
        warningsOf(kind, object);
        warningsOf(kind, object, object);
        updated(kind, object, input as object);
      }, kind.kind);
    }
  }
});

test('every kind names itself in its first column or is an event', () => {
  for (const kind of kinds) {
    if (kind.columns === undefined || kind.kind === 'Event') continue;
    assert.equal(kind.columns[0]?.name, 'Name', kind.kind);
    assert.equal(kind.columns[0].format, 'name', kind.kind);
  }
});
