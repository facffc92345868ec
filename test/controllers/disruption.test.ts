import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { timestamp } from '#client/timestamp.ts';
import { controllersFor } from '#controllers/index.ts';
import { podGcController } from '#controllers/pod-gc/pod-gc-controller.ts';
import { clusterRoleAggregationController } from '#controllers/rbac/cluster-role-aggregation-controller.ts';
import { startTestCluster } from './test-cluster.ts';

test('a budget allows as many evictions as there are pods to spare', async () => {
  const cluster = await startTestCluster(controllersFor());
  const { client, until, clock } = cluster;
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template } });
  const budget = await client.create(PodDisruptionBudget, { metadata: { name: 'web', namespace: 'default' }, spec: { maxUnavailable: '50%', selector: { matchLabels: { app: 'web' } } } });
  const pods = await until(async () => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    return items.length === 4 && items;
  });
  for (const pod of pods.slice(0, 3)) {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.nowMs()) }];
    await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', conditions } });
  }
  const { status } = await until(async () => {
    const found = await client.get(PodDisruptionBudget, budget.metadata);
    return found.status.currentHealthy === 3 && found;
  });
  assert.deepEqual([status.expectedPods, status.desiredHealthy, status.disruptionsAllowed], [4, 2, 1]);
  assert.equal(status.conditions?.[0]?.reason, 'SufficientPods');
  await cluster.close();
});

test('pods of a node that is gone are removed after a while', async () => {
  const clock = new SimulatedClock();
  const cluster = await startTestCluster([podGcController, ...controllersFor({ enabled: ['serviceaccount'] })], clock);
  const { client, until } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  await client.create(Node, { metadata: { name: 'a' } });
  await client.create(Pod, { metadata: { name: 'web', namespace: 'default' }, spec: { nodeName: 'a', containers: [{ name: 'c', image: 'i' }] } });
  await clock.advance(60_000);
  assert.equal((await client.list(Pod, { namespace: 'default' })).items.length, 1);
  await client.delete(Node, { name: 'a' });
  await clock.advance(30_000);
  assert.equal((await client.list(Pod, { namespace: 'default' })).items.length, 1);
  await clock.advance(20_000);
  await until(async () => (await client.list(Pod, { namespace: 'default' })).items.length === 0);
  await cluster.close();
});

test('an aggregated role gets the rules of a role that comes later', async () => {
  const cluster = await startTestCluster([clusterRoleAggregationController]);
  const { client, until } = cluster;
  const rule = { apiGroups: ['example.org'], resources: ['things'], verbs: ['get'] };
  await client.create(ClusterRole, { metadata: { name: 'things', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }, rules: [rule] });
  const has = async (name: string) => (await client.get(ClusterRole, { name })).rules.some(({ apiGroups }) => apiGroups?.includes('example.org'));
  // edit aggregates view, and admin aggregates edit.
  for (const name of ['view', 'edit', 'admin']) await until(() => has(name));
  await cluster.close();
});
