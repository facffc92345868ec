import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { CborError, decodeCbor, encodeCbor } from './cbor.ts';

test('what is encoded is decoded again', () => {
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
    const json = JSON.parse(JSON.stringify(value));
    assert.deepEqual(decodeCbor(encodeCbor(json)), json);
  }));
});

test('a document begins with the tag that says what it is, and text is sent as bytes', () => {
  assert.deepEqual([...encodeCbor({ a: 'b' })], [0xd9, 0xd9, 0xf7, 0xa1, 0x41, 0x61, 0x41, 0x62]);
});

test('text may also come as text, and bytes with a tag become base64', () => {
  assert.deepEqual(decodeCbor(Uint8Array.of(0xa1, 0x61, 0x61, 0xd6, 0x42, 1, 2)), { a: 'AQI=' });
});

test('numbers of all sizes are read', () => {
  assert.deepEqual(decodeCbor(Uint8Array.of(0x83, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0x20, 0xf9, 0x3e, 0)), [2 ** 32, -1, 1.5]);
});

test('what is no document is refused', () => {
  for (const bytes of [[], [0xa1], [0xa1, 0x01, 0x01], [0xf7], [0xf9, 0x7e, 0x00], [0x00, 0x00], [0x41, 0xff]]) {
    assert.throws(() => decodeCbor(Uint8Array.from(bytes)), CborError, String(bytes));
  }
});
