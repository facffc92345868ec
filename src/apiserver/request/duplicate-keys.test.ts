import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { duplicateKeys, inDocumentOrder } from './duplicate-keys.ts';

const paths = (text: string): unknown => duplicateKeys(text).map(({ path }) => path);

test('a key that stands twice is told with its path, once', () => {
  assert.deepEqual(duplicateKeys('{"a":1,\n"a":2,\n"a":3}'), [{ path: 'a', key: 'a', line: 2 }]);
  assert.deepEqual(paths('{"spec":{"ports":[{"name":"x"},{"name":"y","port":1,"name":"z"}]}}'), ['spec.ports[1].name']);
  assert.deepEqual(duplicateKeys('{"a":{"b":1},"c":{"b":1}}'), []);
});

test('an escaped spelling of a key is the same key', () => {
  assert.deepEqual(paths('{"a":1,"\\u0061":2}'), ['a']);
});

test('keys within values and escaped quotes do not count', () => {
  assert.deepEqual(duplicateKeys('{"a":"\\"a\\":1","b":"{\\"b\\":1}"}'), []);
});

test('what was printed from an object has no duplicates', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
    assert.deepEqual(duplicateKeys(JSON.stringify(value, undefined, indent)), []);
  }));
});

test('unknown fields and duplicate ones are told in the order of the document', () => {
  const text = '{"spec":{"x":1,"a":1,"a":2,"list":[{"y":1}],"x":3}}';
  const told = inDocumentOrder(text, ['nowhere', 'spec.list[0].y', 'spec.x']).map((each) => (typeof each === 'string' ? each : `twice ${each.path}`));
  assert.deepEqual(told, ['spec.x', 'twice spec.a', 'spec.list[0].y', 'twice spec.x', 'nowhere']);
});
