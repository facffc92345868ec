import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { Service } from '#api/core/service.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { serviceCidrController } from '#controllers/service-cidr-controller.ts';
import { startTestCluster } from './test-cluster.ts';

test('a range of addresses is ready when it is there, and is kept until the last Service has let go of it', async (t) => {
  const clock = new SimulatedClock();
  const cluster = await startTestCluster([serviceCidrController], clock);
  t.after(() => cluster.close());
  const { client, until } = cluster;
  const key = { name: 'more' };
  const condition = async (): Promise<string> => {
    const found = await client.get(ServiceCIDR, key).catch(() => undefined);
    const ready = found?.status.conditions?.[0];
    return found === undefined ? 'gone' : `${ready?.status ?? ''} ${ready?.reason ?? ''}`;
  };
  await client.create(ServiceCIDR, { metadata: key, spec: { cidrs: ['10.50.0.0/24'] } });
  await until(async () => (await condition()) === 'True ');
  await client.create(Service, { metadata: { namespace: 'default', name: 'held' }, spec: { clusterIP: '10.50.0.9', ports: [{ port: 80 }] } });
  await client.delete(ServiceCIDR, key);
  await until(async () => (await condition()) === 'False Terminating');
  await client.delete(Service, { namespace: 'default', name: 'held' });
  await until(async () => {
    await clock.advance(1000);
    return (await condition()) === 'gone';
  });
  assert.deepEqual((await client.list(ServiceCIDR)).items.map(({ metadata }) => metadata.name), ['kubernetes']);
});
