import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DecodeError } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import type { Random } from '#base/random.ts';
import { seededRandom } from '#base/random.ts';
import { createErrorsOf, given, rowOf, statusErrorsOf, updateErrorsOf, warningsOf } from './kind-probe.ts';
import { kinds } from './kinds.ts';

/** Reference data beside the project. */
const samples = new URL('../../../shared/spec/roundtrip/', import.meta.url);
const oddStrings = ['', 'a', '1', '10.0.0.1', 'a=b', '/', '*', '::1', '-1', 'A'.repeat(70)];
const oddNumbers = [0, -1, 1, 2 ** 31 - 1];

/** The document with parts of it gone, emptied, doubled or odd. */
function mutate(value: unknown, random: Random, likelihood: number): unknown {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T;
  const isHit = random.next() < likelihood;
  if (Array.isArray(value)) {
    const items = isHit ? pick([[], [...(value as unknown[]), ...(value as unknown[])]]) : (value as unknown[]);
    return items.map((item) => mutate(item, random, likelihood));
  }
  if (typeof value === 'string') return isHit ? pick(oddStrings) : value;
  if (typeof value === 'number') return isHit ? pick(oddNumbers) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isHit) return pick([{}, null]);
  return Object.fromEntries(Object.entries(value).filter(() => random.next() >= likelihood).map(([key, item]) => [key, mutate(item, random, likelihood)]));
}

/** As the server would have it after decoding; undefined where it says that it does not fit. */
function readMutated(kind: ResourceKind, document: object, random: Random, likelihood: number): Draft<KubeObject> | undefined {
  const mutated = mutate(document, random, likelihood) as { readonly metadata?: object } | null;
  const metadata = { ...mutated?.metadata, name: 'a', uid: 'u', ...(kind.scope === 'Namespaced' && { namespace: 'd' }) };
  try {
    return given(kind, { ...mutated, metadata });
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`no rule, hook or column stumbles over an odd object (seed ${seed})`, () => {
    const random = seededRandom(seed);
    for (const kind of kinds) {
      const file = new URL(`${kind.group === '' ? 'core' : kind.group}.${kind.version}.${kind.kind}.json`, samples);
      if (!existsSync(file)) continue;
      const document = JSON.parse(readFileSync(file, 'utf8')) as object;
      assert.doesNotThrow(() => {
        for (const likelihood of [0.02, 0.1, 0.3, 0.6]) {
          const old = readMutated(kind, document, random, likelihood);
          const next = readMutated(kind, document, random, likelihood);
          if (old === undefined || next === undefined) continue;
          kind.strategy.prepareForCreate?.(old);
          const stored = old as unknown as KubeObject;
          rowOf(kind, stored, 0);
          // What is refused comes no further.
          if (createErrorsOf(kind, stored).length > 0) continue;
          warningsOf(kind, stored);
          kind.strategy.prepareForUpdate?.(next, stored);
          updateErrorsOf(kind, next as unknown as KubeObject, stored);
          const status = readMutated(kind, document, random, likelihood);
          if (status !== undefined) statusErrorsOf(kind, { ...stored, ...('status' in status && { status: status.status }) }, stored);
        }
      }, `${kind.group} ${kind.kind}`);
    }
  });
}
