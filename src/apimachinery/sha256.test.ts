import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sha256 } from './sha256.ts';

test('the hash is the one that the platform makes', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
    assert.deepEqual(Buffer.from(sha256(text)), createHash('sha256').update(text).digest());
  }));
});
