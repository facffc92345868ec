import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { SortedKeys } from './sorted-keys.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 5 });

test('keys come in order, each once, whatever was added and removed before', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), key)), key, key, (steps, prefix, from) => {
    const keys = new SortedKeys();
    const model = new Set<string>();
    for (const [isAdded, each] of steps) {
      if (isAdded) {
        keys.add(each);
        model.add(each);
      } else {
        keys.remove(each);
        model.delete(each);
      }
    }
    assert.equal(keys.length, model.size);
    const expected = [...model].filter((each) => each.startsWith(prefix)).sort();
    assert.deepEqual([...keys.withPrefix(prefix)], expected);
    assert.deepEqual([...keys.withPrefix(prefix, from)], expected.filter((each) => each >= from));
  }));
});
