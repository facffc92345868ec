import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import type { HttpServer } from '#serving/http-server.ts';
import type { ProxyHealth, RunningProxy } from './proxy.ts';
import { ProxyMetrics } from './proxy-metrics.ts';
import { createHealthServer, createMetricsServer } from './proxy-server.ts';

function proxyOf(health: Partial<ProxyHealth>): RunningProxy {
  const all = { lastSyncedMs: 0, waitingSinceMs: undefined, isWell: true, isNodeEligible: true, ...health };
  return { health: all, metrics: new ProxyMetrics(), ready: Promise.resolve(), close: async () => undefined };
}

async function ask(server: HttpServer, ...paths: readonly string[]): Promise<readonly string[]> {
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  try {
    return await Promise.all(paths.map(async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
      return `${answer.status} ${await answer.text()}`;
    }));
  } finally {
    await server.close({ drainMs: 0 });
  }
}

const clock = new SimulatedClock();
const times = `"lastUpdated":"1970-01-01T00:00:00.000Z","currentTime":"${new Date(clock.nowMs()).toISOString()}"`;

test('load balancers are told of a node that goes, supervisors are not', async () => {
  const proxy = proxyOf({ isNodeEligible: false });
  assert.deepEqual(await ask(createHealthServer(proxy, { clock }), '/healthz', '/livez', '/metrics'), [
    `503 {${times},"nodeEligible":false}`, `200 {${times}}`, '404 404 page not found\n',
  ]);
  const metrics = await proxy.metrics.registry.metrics();
  assert.match(metrics, /^kubeproxy_proxy_healthz_total\{code="503"\} 1$/m);
  assert.match(metrics, /^kubeproxy_proxy_livez_total\{code="200"\} 1$/m);
});

test('a proxy that writes no rules any more is unwell to both', async () => {
  assert.deepEqual(await ask(createHealthServer(proxyOf({ isWell: false }), { clock }), '/healthz', '/livez'), [`503 {${times},"nodeEligible":true}`, `503 {${times}}`]);
});

test('metrics and mode have a port of their own', async () => {
  const [health, mode, metrics, other] = await ask(createMetricsServer(proxyOf({}), { clock }), '/healthz', '/proxyMode', '/metrics', '/x');
  assert.deepEqual([health, mode, other], ['200 ok', '200 nftables', '404 404 page not found\n']);
  assert.match(metrics ?? '', /^200 .*^# TYPE kubeproxy_sync_proxy_rules_duration_seconds histogram$/ms);
});
