import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Endpoints } from '#api/core/endpoints.ts';
import { Event } from '#api/core/event.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { findCondition } from '#api/core/pod-status.ts';
import { Service } from '#api/core/service.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { timestamp } from '#client/timestamp.ts';
import type { TestCluster } from './test-cluster.ts';
import { startTestCluster } from './test-cluster.ts';
import { controllersFor } from '#controllers/index.ts';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }] } };

async function makeReady({ client, clock }: TestCluster, pod: Pod, ip: string): Promise<void> {
  const now = timestamp(clock.nowMs());
  const status = { ...pod.status, phase: 'Running' as const, podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }] };
  await client.updateStatus(Pod, { ...pod, status });
}

test('a Deployment becomes a ReplicaSet, pods, and a Service\'s endpoints', async () => {
  const cluster = await startTestCluster(controllersFor({ rootCaPem: 'ca' }));
  const { client, until } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  await until(async () => (await client.get(ConfigMap, { namespace: 'default', name: 'kube-root-ca.crt' })).data?.['ca.crt'] === 'ca');
  await client.create(Service, { metadata: { name: 'web', namespace: 'default' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] } });
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template } });
  const pods = await until(async () => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    return items.length === 3 && items;
  });
  for (const [index, pod] of pods.entries()) await makeReady(cluster, pod, `10.0.0.${index + 1}`);
  const deployment = await until(async () => {
    const found = await client.get(Deployment, { namespace: 'default', name: 'web' });
    return found.status.availableReplicas === 3 && findCondition(found.status.conditions, 'Progressing')?.reason === 'NewReplicaSetAvailable' && found;
  });
  assert.equal(deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  assert.equal(deployment.status.observedGeneration, 1);
  const slice = await until(async () => {
    const { items } = await client.list(EndpointSlice, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' });
    return items[0]?.endpoints.length === 3 && items[0];
  });
  assert.deepEqual(slice.ports, [{ name: '', protocol: 'TCP', port: 8080 }]);
  assert.deepEqual(slice.endpoints[0]?.conditions, { ready: true, serving: true, terminating: false });
  const endpoints = await until(async () => {
    const found = await client.get(Endpoints, { namespace: 'default', name: 'web' });
    return found.subsets?.[0]?.addresses?.length === 3 && found;
  });
  assert.deepEqual(endpoints.subsets?.[0]?.addresses?.map(({ ip }) => ip), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const messages = await until(async () => {
    const all = (await client.list(Event, { namespace: 'default' })).items.map(({ message }) => message ?? '');
    return all.length >= 4 && all;
  });
  const [replicaSet] = (await client.list(ReplicaSet, { namespace: 'default' })).items;
  assert.ok(messages.includes(`Scaled up replica set ${replicaSet?.metadata.name} from 0 to 3`), messages.join('\n'));
  assert.ok(messages.includes(`Created pod: ${pods[0]?.metadata.name}`));
  await cluster.close();
});

test('a new template is rolled out step by step and the old pods go', async () => {
  const cluster = await startTestCluster(controllersFor());
  const { client, until } = cluster;
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template } });
  let address = 0;
  const allReady = async (image: string): Promise<boolean> => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    for (const pod of items) {
      if (pod.metadata.deletionTimestamp !== undefined) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(() => {});
      else if (pod.status.phase !== 'Running') await makeReady(cluster, pod, `10.0.1.${++address}`).catch(() => {});
    }
    const found = await client.get(Deployment, { namespace: 'default', name: 'web' });
    return findCondition(found.status.conditions, 'Progressing')?.reason === 'NewReplicaSetAvailable' && found.status.updatedReplicas === 4
      && items.length === 4 && items.every(({ spec }) => spec.containers[0]?.image === image);
  };
  await until(() => allReady('web:1'));
  const made = await client.get(Deployment, { namespace: 'default', name: 'web' });
  const containers = [{ ...template.spec.containers[0], image: 'web:2' }];
  await client.patch(Deployment, made.metadata, { type: 'strategic', patch: { spec: { template: { spec: { containers } } } } });
  await until(() => allReady('web:2'));
  const sets = (await client.list(ReplicaSet, { namespace: 'default' })).items;
  assert.deepEqual(sets.map(({ spec }) => spec.replicas).sort((a, b) => (a ?? 0) - (b ?? 0)), [0, 4]);
  await cluster.close();
});

test('a deleted namespace is emptied and goes', async () => {
  const cluster = await startTestCluster(controllersFor({ rootCaPem: 'ca' }));
  const { client, until } = cluster;
  await client.create(Namespace, { metadata: { name: 'shop' } });
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'shop' }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template } });
  await until(async () => (await client.list(Pod, { namespace: 'shop' })).items.length === 2);
  await client.delete(Namespace, { name: 'shop' });
  await until(async () => client.get(Namespace, { name: 'shop' }).then(() => false, (error: unknown) => hasReason(error, 'NotFound')));
  assert.equal((await client.list(ConfigMap, { namespace: 'shop' })).items.length, 0);
  await cluster.close();
});
