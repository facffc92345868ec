import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonSet } from '#api/apps/daemon-set.ts';
import { ControllerRevision } from '#api/apps/controller-revision.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { timestamp } from '#client/timestamp.ts';
import { serviceAccountController } from '#controllers/namespace/service-account-controller.ts';
import { startTestCluster } from './test-cluster.ts';
import { daemonSetController } from '#controllers/daemon-set/daemon-set-controller.ts';
import { nodeOf } from '#controllers/daemon-set/plan-daemon-set.ts';

test('a DaemonSet has a pod on every node that fits, and is updated node by node', async () => {
  const cluster = await startTestCluster([daemonSetController, serviceAccountController]);
  const { client, until, clock } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  for (const name of ['a', 'b', 'c', 'd']) {
    const node = await client.create(Node, { metadata: { name, labels: { disk: name === 'd' ? 'none' : 'ssd' } } });
    // Admission made it not ready.
    await client.update(Node, { ...node, spec: { ...node.spec, taints: name === 'c' ? [{ key: 'example.org/gpu', effect: 'NoSchedule' }] : [] } });
  }
  const template = { metadata: { labels: { app: 'agent' } }, spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'c', image: 'agent:1' }] } };
  const made = await client.create(DaemonSet, { metadata: { name: 'agent', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'agent' } }, template } });
  let mostAway = 0;
  const settled = (image: string) => until(async () => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    const live = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const away = 2 - live.filter(({ status }) => status.phase === 'Running').length;
    if (image === 'agent:2') mostAway = Math.max(mostAway, away);
    for (const pod of items) {
      if (pod.metadata.deletionTimestamp !== undefined) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(() => {});
      else if (pod.status.phase !== 'Running') {
        const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.nowMs()) }];
        await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', conditions } }).catch(() => {});
      }
    }
    const { status } = await client.get(DaemonSet, made.metadata);
    return status.numberAvailable === 2 && status.updatedNumberScheduled === 2 && items.length === 2 && items.every(({ spec }) => spec.containers[0]?.image === image) && items;
  });
  const pods = await settled('agent:1');
  assert.deepEqual(pods.map(nodeOf).sort(), ['a', 'b']);
  assert.ok(pods.every(({ spec }) => spec.tolerations?.some(({ key }) => key === 'node.kubernetes.io/unschedulable')));
  const { status } = await client.get(DaemonSet, made.metadata);
  assert.deepEqual([status.desiredNumberScheduled, status.currentNumberScheduled, status.numberMisscheduled], [2, 2, 0]);
  await client.patch(DaemonSet, made.metadata, { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: 'agent:2' }] } } } } });
  await settled('agent:2');
  assert.equal(mostAway, 1);
  assert.deepEqual((await client.list(ControllerRevision, { namespace: 'default' })).items.map(({ revision }) => revision).sort((x, y) => x - y), [1, 2]);
  await client.patch(Node, { name: 'b' }, { type: 'strategic', patch: { metadata: { labels: { disk: 'none' } } } });
  await until(async () => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    return items.some((pod) => nodeOf(pod) === 'b' && pod.metadata.deletionTimestamp !== undefined) || items.every((pod) => nodeOf(pod) === 'a');
  });
  await cluster.close();
});
