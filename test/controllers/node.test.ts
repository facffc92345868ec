import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { Lease } from '#api/coordination/lease.ts';
import { Event } from '#api/core/event.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { findCondition, isReady } from '#api/core/pod-status.ts';
import { microTimestamp, timestamp } from '#client/timestamp.ts';
import { serviceAccountController } from '#controllers/namespace/service-account-controller.ts';
import { startTestCluster } from './test-cluster.ts';
import { CidrRange } from '#controllers/node/cidr-range.ts';
import { nodeIpamController } from '#controllers/node/node-ipam-controller.ts';
import { nodeLifecycleController } from '#controllers/node/node-lifecycle-controller.ts';
import { evictionRate, signsOfLife, zoneState } from '#controllers/node/plan-node.ts';
import { evictionTimeMs, taintEvictionController } from '#controllers/node/taint-eviction-controller.ts';

test('a range is cut into subnets that know their number', () => {
  const range = new CidrRange('10.244.0.0/16', 24);
  assert.equal(range.size, 256);
  assert.deepEqual([range.at(0), range.at(1), range.at(255)], ['10.244.0.0/24', '10.244.1.0/24', '10.244.255.0/24']);
  assert.equal(range.indexOf('10.244.7.0/24'), 7);
  assert.equal(range.indexOf('10.245.0.0/24'), undefined);
  const wide = new CidrRange('fd00:10:244::/56', 64);
  assert.equal(wide.size, 256);
  assert.equal(wide.at(3), 'fd00:10:244:3::/64');
  assert.equal(wide.indexOf('fd00:10:244:3::/64'), 3);
  assert.throws(() => new CidrRange('10.0.0.0/24', 16), RangeError);
});

test('when the pod must go follows from what it tolerates', () => {
  const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' } as const;
  const atMs = Date.parse('2026-01-01T00:00:10Z');
  const since = [{ taint, sinceMs: atMs }];
  assert.equal(evictionTimeMs([], since, 0), atMs);
  assert.equal(evictionTimeMs([{ operator: 'Exists' }], since, 0), Infinity);
  assert.equal(evictionTimeMs([{ key: taint.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }], since, 0), atMs + 300_000);
  assert.equal(evictionTimeMs([{ key: taint.key, operator: 'Exists', tolerationSeconds: 300 }], since, atMs + 5000), atMs + 305_000);
  assert.equal(evictionTimeMs([], [{ taint: { ...taint, effect: 'NoSchedule' }, sinceMs: atMs }], 0), Infinity);
});

test('evictions slow down or stop when the fault is likely not the nodes\'', () => {
  assert.equal(zoneState(10, 2), 'Normal');
  assert.equal(zoneState(4, 5), 'PartialDisruption');
  assert.equal(zoneState(0, 1), 'FullDisruption');
  assert.equal(evictionRate(new Map([['a', 'Normal']]), 'a', 9), 0.1);
  assert.equal(evictionRate(new Map([['a', 'PartialDisruption']]), 'a', 9), 0);
  assert.equal(evictionRate(new Map([['a', 'PartialDisruption']]), 'a', 90), 0.01);
  assert.equal(evictionRate(new Map([['a', 'FullDisruption'], ['b', 'Normal']]), 'a', 9), 0.1);
  assert.equal(evictionRate(new Map([['a', 'FullDisruption']]), 'a', 9), 0);
});

test('the clock of a node is trusted between two looks only', () => {
  const node = { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, status: { conditions: [] } } as unknown as Node;
  const first = signsOfLife(node, '2026-01-01T00:00:00.000000Z', undefined, 1_000_000);
  assert.equal(first.heardMs, 1_000_000);
  assert.equal(signsOfLife(node, '2036-01-01T00:00:00.000000Z', first, 1_040_000).heardMs, 1_040_000);
  assert.equal(signsOfLife(node, '1970-01-01T00:00:00.000000Z', first, 1_040_000).heardMs, 1_000_000);
  assert.equal(signsOfLife(node, first.renewTime, first, 1_040_000).heardMs, 1_000_000);
});

const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ok' };

test('nodes get pod ranges, each its own', async () => {
  const cluster = await startTestCluster([nodeIpamController({})]);
  const { client, until } = cluster;
  for (const name of ['a', 'b', 'c']) await client.create(Node, { metadata: { name } });
  const nodes = await until(async () => {
    const { items } = await client.list(Node);
    return items.every(({ spec }) => spec.podCIDR !== undefined) && items;
  });
  assert.deepEqual(nodes.map(({ spec }) => spec.podCIDR ?? '').sort(), ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']);
  assert.deepEqual(nodes[0]?.spec.podCIDRs, [nodes[0]?.spec.podCIDR]);
  await cluster.close();
});

test('a node that goes silent becomes unreachable; its pods go when they tolerate it no longer', async () => {
  const clock = new SimulatedClock();
  const cluster = await startTestCluster([nodeLifecycleController({}), taintEvictionController(), serviceAccountController], clock);
  const { client, until } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  const beat = async (name: string): Promise<void> => {
    const lease = await client.get(Lease, { namespace: 'kube-node-lease', name });
    await client.update(Lease, { ...lease, spec: { ...lease.spec, renewTime: microTimestamp(clock.nowMs()) } });
  };
  const report = (name: string) => {
    const now = timestamp(clock.nowMs());
    const conditions = [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }];
    return until(() => client.patch(Node, { name }, { type: 'strategic', patch: { status: { conditions } } }, { subresource: 'status' }).catch(() => undefined));
  };
  for (const name of ['quiet', 'well']) {
    await client.create(Node, { metadata: { name } });
    await report(name);
    await client.create(Lease, { metadata: { name, namespace: 'kube-node-lease' }, spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestamp(clock.nowMs()) } });
  }
  const pod = await client.create(Pod, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { nodeName: 'quiet', serviceAccountName: 'default', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0, tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] },
  });
  await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.nowMs()) }] } });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 5) {
      await clock.advance(5000);
      await beat('well');
    }
  };
  await pass(40);
  assert.equal(findCondition((await client.get(Node, { name: 'quiet' })).status.conditions, 'Ready')?.status, 'True');
  await pass(30);
  const quiet = await client.get(Node, { name: 'quiet' });
  const condition = findCondition(quiet.status.conditions, 'Ready');
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.']);
  assert.deepEqual(quiet.spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort(), ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']);
  assert.equal(isReady(await client.get(Pod, pod.metadata)), false);
  assert.equal((await client.get(Node, { name: 'well' })).spec.taints?.length ?? 0, 0);
  await pass(80);
  const left = await client.list(Pod, { namespace: 'default' });
  assert.ok(left.items.every(({ metadata }) => metadata.deletionTimestamp !== undefined));
  const reasons = new Set((await client.list(Event)).items.map(({ reason }) => reason));
  for (const reason of ['RegisteredNode', 'NodeNotReady', 'TaintManagerEviction']) assert.ok(reasons.has(reason), reason);
  await beat('quiet');
  await report('quiet');
  await until(async () => ((await client.get(Node, { name: 'quiet' })).spec.taints?.length ?? 0) === 0);
  await cluster.close();
});
