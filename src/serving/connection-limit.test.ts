import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionLimit } from './connection-limit.ts';

test('connections leave a quarter of the files to others, and end before memory does', () => {
  assert.deepEqual([1024, 20_000, 1_048_576, Infinity, 1].map((descriptors) => connectionLimit(descriptors)), [768, 15_000, 32_768, 32_768, 1]);
  assert.ok(connectionLimit() > 0);
});
