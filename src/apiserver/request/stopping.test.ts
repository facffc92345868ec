import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { answerStopping } from './stopping.ts';

function answered(path: string, headers: Readonly<Record<string, string>> = {}): { readonly isAnswered: boolean; readonly code: number; readonly head: object } {
  let [code, head]: [number, object] = [0, {}];
  const response = { writeHead: (status: number, given: object) => void ([code, head] = [status, given]), end: () => {} } as unknown as ServerResponse;
  const isAnswered = answerStopping({ path, headers, protocol: 'HTTP/1.1' } as unknown as ServerRequest, response);
  return { isAnswered, code, head };
}

test('whoever comes during the stop is told to come again', () => {
  assert.deepEqual(answered('/api/v1/pods'), { isAnswered: true, code: 429, head: { 'content-type': 'application/json', 'retry-after': '5', connection: 'close' } });
});

test('health and other API servers are answered as ever', () => {
  assert.equal(answered('/readyz/ping').isAnswered, false);
  assert.equal(answered('/api/v1/pods', { 'user-agent': 'kube-apiserver/v1.36' }).isAnswered, false);
});
