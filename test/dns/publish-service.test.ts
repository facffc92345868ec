import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Namespace } from '#api/core/namespace.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Client } from '#client/client.ts';
import { publishDnsService } from '#dns/publish-service.ts';
import { startApiServer } from '../support/api-server.ts';

const server = { nodeName: 'n1', address: '192.0.2.10', port: 10_053, metricsPort: 9153, clusterIp: '10.96.0.10' };
const name = { namespace: 'kube-system', name: 'kube-dns' };

async function withClient(run: (client: Client) => Promise<void>): Promise<void> {
  const api = await startApiServer();
  try {
    await api.client.get(Namespace, { name: 'kube-system' }).catch(() => api.client.create(Namespace, { metadata: { name: 'kube-system' } }));
    await run(api.client);
  } finally {
    await api.close();
  }
}

test('pods find the server at kube-system/kube-dns; publishing it again changes nothing', () => withClient(async (client) => {
  assert.equal(await publishDnsService(client, server), true);
  const service = await client.get(Service, name);
  assert.equal(service.spec.clusterIP, '10.96.0.10');
  assert.equal(service.metadata.labels?.['k8s-app'], 'kube-dns');
  assert.deepEqual(service.spec.ports?.map(({ name: port, protocol, port: number }) => `${port} ${protocol} ${number}`), ['dns UDP 53', 'dns-tcp TCP 53', 'metrics TCP 9153']);
  const slice = await client.get(EndpointSlice, { ...name, name: 'kube-dns-n1' });
  assert.deepEqual(slice.endpoints[0]?.addresses, ['192.0.2.10']);
  await publishDnsService(client, server);
  assert.equal((await client.get(Service, name)).metadata.resourceVersion, service.metadata.resourceVersion);
  assert.equal((await client.get(EndpointSlice, { ...name, name: 'kube-dns-n1' })).metadata.resourceVersion, slice.metadata.resourceVersion);
}));

test('a server that moved is followed, and those of other nodes stay', () => withClient(async (client) => {
  await publishDnsService(client, server);
  await publishDnsService(client, { ...server, nodeName: 'n2', address: '192.0.2.11' });
  await publishDnsService(client, { ...server, address: '192.0.2.12', port: 40_000, metricsPort: undefined });
  const { items } = await client.list(EndpointSlice, { namespace: 'kube-system', labelSelector: 'kubernetes.io/service-name=kube-dns' });
  assert.deepEqual(items.map(({ endpoints, ports }) => [endpoints[0]?.addresses[0], ...ports.map(({ port }) => port)]), [['192.0.2.12', 40_000, 40_000], ['192.0.2.11', 10_053, 10_053, 9153]]);
}));

test('a DNS server that runs in pods takes over', () => withClient(async (client) => {
  await publishDnsService(client, server);
  await client.patch(Service, name, { type: 'merge', patch: { spec: { selector: { 'k8s-app': 'kube-dns' } } } });
  assert.equal(await publishDnsService(client, server), false);
  assert.deepEqual((await client.get(Service, name)).spec.selector, { 'k8s-app': 'kube-dns' });
  const { items } = await client.list(EndpointSlice, { namespace: 'kube-system', labelSelector: 'kubernetes.io/service-name=kube-dns' });
  assert.deepEqual(items, []);
}));
