import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { duplicateKeys } from './duplicate-keys.ts';

test('a key that stands twice is told with its path, once', () => {
  assert.deepEqual(duplicateKeys('{"a":1,"a":2,"a":3}'), ['a']);
  assert.deepEqual(duplicateKeys('{"spec":{"ports":[{"name":"x"},{"name":"y","port":1,"name":"z"}]}}'), ['spec.ports[1].name']);
  assert.deepEqual(duplicateKeys('{"a":{"b":1},"c":{"b":1}}'), []);
});

test('an escaped spelling of a key is the same key', () => {
  assert.deepEqual(duplicateKeys('{"a":1,"\\u0061":2}'), ['a']);
});

test('keys within values and escaped quotes do not count', () => {
  assert.deepEqual(duplicateKeys('{"a":"\\"a\\":1","b":"{\\"b\\":1}"}'), []);
});

test('what was printed from an object has no duplicates', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
    assert.deepEqual(duplicateKeys(JSON.stringify(value, undefined, indent)), []);
  }));
});
