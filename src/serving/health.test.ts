import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { systemClock } from '#base/clock.ts';
import { answerDiagnostics } from './diagnostics.ts';
import type { Diagnostics } from './diagnostics.ts';
import { pingCheck, reportCheck, reportHealth } from './health.ts';
import type { HealthCheck } from './health.ts';
import { createPlainServer } from './plain-server.ts';
import { registerProcessMetrics } from './process-metrics.ts';

const store: HealthCheck = { name: 'etcd', check: () => 'no quorum' };
const thrower: HealthCheck = { name: 'informer-sync', check: () => { throw new Error('2 informers not started yet'); } };

test('all well is one word, or a line per check when asked', async () => {
  const quiet = await reportHealth('livez', [pingCheck], { isVerbose: false, excluded: [] });
  assert.deepEqual(quiet, { status: 200, text: 'ok', failures: [] });
  const verbose = await reportHealth('livez', [pingCheck], { isVerbose: true, excluded: [] });
  assert.equal(verbose.text, '[+]ping ok\nlivez check passed\n');
});

test('a failure is always told line by line, without its cause', async () => {
  const report = await reportHealth('readyz', [pingCheck, store, thrower], { isVerbose: false, excluded: [] });
  assert.equal(report.status, 500);
  assert.equal(report.text, '[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed: reason withheld\nreadyz check failed\n');
  assert.deepEqual(report.failures, [{ name: 'etcd', cause: 'no quorum' }, { name: 'informer-sync', cause: '2 informers not started yet' }]);
});

test('an excluded check is not run, and an unknown name is warned about', async () => {
  const report = await reportHealth('readyz', [pingCheck, store], { isVerbose: true, excluded: ['etcd', 'z', 'a"'] });
  assert.equal(report.text, '[+]ping ok\n[+]etcd excluded: ok\nwarn: some health checks cannot be excluded: no matches for "a\\"","z"\nreadyz check passed\n');
});

test('a single check tells its cause', async () => {
  assert.deepEqual(await reportCheck(store), { status: 500, text: 'internal server error: no quorum\n' });
  assert.deepEqual(await reportCheck(pingCheck), { status: 200, text: 'ok' });
});

test('health and metrics are served on a plain port, other paths are left to the caller', async (t) => {
  const stop = new AbortController();
  const registry = new Registry();
  registerProcessMetrics({ registry, clock: systemClock, signal: stop.signal });
  const diagnostics: Diagnostics = { healthz: [pingCheck], readyz: [pingCheck, store], metrics: registry };
  const server = createPlainServer({
    clock: systemClock,
    async handler(request, response) {
      if (await answerDiagnostics(diagnostics, request, response)) return;
      response.writeHead(404);
      response.end();
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => {
    stop.abort();
    await server.close({ drainMs: 0 });
  });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  assert.deepEqual(await get('/healthz'), { status: 200, type: 'text/plain; charset=utf-8', text: 'ok' });
  assert.partialDeepStrictEqual(await get('/readyz?verbose&exclude=etcd'), { status: 200, text: '[+]ping ok\n[+]etcd excluded: ok\nreadyz check passed\n' });
  assert.partialDeepStrictEqual(await get('/readyz/etcd'), { status: 500, text: 'internal server error: no quorum\n' });
  assert.partialDeepStrictEqual(await get('/readyz/nothing'), { status: 404 });
  assert.partialDeepStrictEqual(await get('/livez'), { status: 404 });
  const metrics = await get('/metrics');
  assert.equal(metrics.type, 'text/plain; version=0.0.4; charset=utf-8');
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds', 'nodejs_eventloop_lag_max_seconds', 'nodejs_eventloop_lag_p99_seconds']) {
    assert.match(metrics.text, new RegExp(`^${name} [0-9.e-]+$`, 'm'));
  }
});
