import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { planService } from './plan-service.ts';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';
import { ServiceHealthPorts, healthOf } from './service-health.ts';

const asked = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 } as const;

test('load balancers are told of ready endpoints on this node, each once', () => {
  const ports = [{ name: 'a', port: 1, protocol: 'TCP' as const }];
  const slices = [sliceOf('web', [endpoint('10.244.1.1'), endpoint('10.244.2.1', { nodeName: 'n2' }), endpoint('10.244.1.2', { ready: false })]), sliceOf('web', [endpoint('10.244.1.1')], ports)];
  assert.equal(healthOf(serviceOf('web', asked), slices, 'n1')?.localEndpoints, 1);
  assert.equal(healthOf(serviceOf('web', { ...asked, externalTrafficPolicy: 'Cluster' }), slices, 'n1'), undefined);
  assert.equal(healthOf(serviceOf('web', { ...asked, type: 'NodePort' }), slices, 'n1'), undefined);
});

test('a policy Local with endpoints only elsewhere is a gap, without any endpoint it is none', () => {
  const options = { node: { name: 'n1' }, clusterName: 't', clusterCidrs: [] };
  const gaps = (nodeNames: readonly string[]): readonly unknown[] =>
    planService(serviceOf('web', { internalTrafficPolicy: 'Local' }), [sliceOf('web', nodeNames.map((nodeName, n) => endpoint(`10.244.1.${n}`, { nodeName })))], options).gaps;
  assert.deepEqual(gaps(['n2']), [{ family: 'ip', policy: 'internal' }]);
  assert.deepEqual(gaps(['n1', 'n2']), []);
  assert.deepEqual(gaps([]), []);
});

test('the port answers 200 with endpoints, 503 without or when the proxy is not well, and closes with the service', async () => {
  let isWell = true;
  const ports = new ServiceHealthPorts({ clock: systemClock, isProxyHealthy: () => isWell, onFailure: (_, error) => { throw error; } });
  const port = await freePort();
  const service = serviceOf('web', { ...asked, healthCheckNodePort: port });
  const ask = async (): Promise<{ readonly code: number; readonly weight: string | null; readonly body: unknown }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    return { code: answer.status, weight: answer.headers.get('x-load-balancing-endpoint-weight'), body: await answer.json() };
  };
  const body = (localEndpoints: number) => ({ service: { namespace: 'default', name: 'web' }, localEndpoints, serviceProxyHealthy: isWell });
  try {
    await ports.update(new Map([['default/web', { service, port, localEndpoints: 2 }]]));
    assert.deepEqual(await ask(), { code: 200, weight: '2', body: body(2) });
    await ports.update(new Map([['default/web', { service, port, localEndpoints: 0 }]]));
    assert.deepEqual(await ask(), { code: 503, weight: '0', body: body(0) });
    await ports.update(new Map([['default/web', { service, port, localEndpoints: 1 }]]));
    isWell = false;
    assert.deepEqual(await ask(), { code: 503, weight: '1', body: body(1) });
    await ports.update(new Map([['default/web', undefined]]));
    await assert.rejects(ask());
    assert.deepEqual([...ports.keys()], []);
  } finally {
    await ports.close();
  }
});

test('a port that somebody else has is reported', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, resolve));
  const { port } = taken.address() as AddressInfo;
  const failures: number[] = [];
  const ports = new ServiceHealthPorts({ clock: systemClock, isProxyHealthy: () => true, onFailure: (health) => void failures.push(health.port) });
  await ports.update(new Map([['default/web', { service: serviceOf('web', asked), port, localEndpoints: 1 }]]));
  assert.deepEqual(failures, [port]);
  taken.close();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
