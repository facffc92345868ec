import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { FieldSet } from './field-set.ts';
import { sharedSet } from './shared-sets.ts';

const keys = fc.constantFrom('f:a', 'f:b', '.', 'k:{"name":"1:x"}', '2:f:', '__proto__');
let set: fc.Arbitrary<FieldSet> = fc.constant({});
for (let depth = 0; depth < 4; depth++) set = fc.dictionary(keys, set, { maxKeys: 3, noNullPrototype: true });

test('a shared set says the same, and equal sets are one', () => {
  fc.assert(fc.property(set, set, (one, other) => {
    const shared = sharedSet(one);
    assert.deepEqual(shared, one);
    assert.equal(sharedSet(structuredClone(one)), shared);
    assert.equal(sharedSet(other) === shared, JSON.stringify(other) === JSON.stringify(one));
  }));
});
