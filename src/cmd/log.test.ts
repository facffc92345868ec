import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StatusError } from '#apimachinery/status-error.ts';
import { StoreError } from '#store/store.ts';
import { createLog } from './log.ts';

function logged(error: Error): Record<string, unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-log-'));
  try {
    const file = join(directory, 'log');
    createLog({ level: 'info', file }).warn({ error }, 'it failed');
    return (JSON.parse(readFileSync(file, 'utf8')) as { error: Record<string, unknown> }).error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('an answer of the API and a word of the store are logged without a stack', () => {
  assert.deepEqual(logged(new StatusError(422, 'Invalid', 'no good')), { type: 'StatusError', code: 422, reason: 'Invalid', message: 'no good' });
  assert.deepEqual(logged(new StoreError('unavailable', 'gone')), { type: 'StoreError', message: 'gone' });
});

test('what may be a bug is logged with its stack and its cause', () => {
  assert.match(String(logged(new TypeError('x is not a function'))['stack']), /log\.test\.ts/);
  const { stack, cause } = logged(new StatusError(500, 'InternalError', 'oh', undefined, { cause: new Error('why') }));
  assert.match(String(stack), /log\.test\.ts/);
  assert.equal((cause as Error).message, 'why');
});
