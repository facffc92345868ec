import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import { withDeadline } from './deadlines.ts';
import { withMaxInFlight } from './max-in-flight.ts';
import { requestInfo } from './request-info.ts';

const call = (method: string, path: string, groups: readonly string[] = []): ApiCall => ({
  info: requestInfo(method, path, path.includes('watch')), user: { name: 'anna', groups }, query: {}, body: () => undefined, contentType: '', userAgent: '', accept: '', signal: new AbortController().signal, warn: () => {},
});
const done: ApiResult = { is: 'json', code: 200, body: {} };
const never = (): Promise<ApiResult> => new Promise(() => {});
const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: unknown) => (error as { readonly code: number }).code.toString());

test('a request that takes too long is a 504; one that does not, and a watch, go on', async () => {
  const clock = new SimulatedClock();
  const slow = outcome(withDeadline(never, { clock, timeoutMs: 60_000 })(call('GET', '/api/v1/pods')));
  let isWatchOver = false;
  void withDeadline(never, { clock, timeoutMs: 60_000 })(call('GET', '/api/v1/watch/pods')).then(() => (isWatchOver = true));
  assert.equal(await outcome(withDeadline(() => Promise.resolve(done), { clock, timeoutMs: 60_000 })(call('GET', '/api/v1/pods'))), 'done');
  await clock.advance(61_000);
  assert.equal(await slow, '504');
  assert.equal(isWatchOver, false);
});

test('a request may allow less time than the server, and no more', async () => {
  const clock = new SimulatedClock();
  const handle = withDeadline(never, { clock, timeoutMs: 60_000 });
  const within = (timeout: string): Promise<string> => outcome(handle({ ...call('GET', '/api/v1/pods'), query: { timeout } }));
  const results: string[] = [];
  for (const timeout of ['5s', '1h', '0s', '-1s']) void within(timeout).then((code) => results.push(`${timeout} ${code}`));
  await clock.advance(5000);
  assert.deepEqual(results, ['5s 504']);
  await clock.advance(56_000);
  assert.deepEqual(results, ['5s 504', '1h 504', '0s 504', '-1s 504']);
  for (const [timeout, fault] of [['soon', 'invalid duration "soon"'], ['5', 'missing unit in duration "5"'], ['5parsecs', 'unknown unit "parsecs" in duration "5parsecs"']] as const) {
    await assert.rejects(handle({ ...call('GET', '/api/v1/pods'), query: { timeout } }), { code: 400, message: `invalid timeout specified in the request URL - time: ${fault}` });
  }
  assert.equal(await outcome(withDeadline(() => Promise.resolve(done), { clock })({ ...call('GET', '/api/v1/pods'), query: { timeout: '5s' } })), 'done');
  assert.equal(clock.nextDueMs(), undefined, 'no timer is left');
});

test('so many of either sort run at once, the others are refused; administrators are let through', async () => {
  const open: (() => void)[] = [];
  const handle = withMaxInFlight(() => new Promise((resolve) => open.push(() => resolve(done))), { readOnly: 1, mutating: 0 });
  const first = outcome(handle(call('GET', '/api/v1/pods')));
  assert.equal(await outcome(handle(call('GET', '/api/v1/pods'))), '429');
  const others = [handle(call('POST', '/api/v1/namespaces/a/pods')), handle(call('POST', '/api/v1/namespaces/a/pods')), handle(call('GET', '/api/v1/pods', ['system:masters'])), handle(call('GET', '/api/v1/watch/pods'))].map(outcome);
  for (const each of open) each();
  assert.deepEqual(await Promise.all([first, ...others]), ['done', 'done', 'done', 'done', 'done']);
});
