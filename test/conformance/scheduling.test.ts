/** Which node a pod gets, and who has to go for it. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { LimitRange } from '#api/core/limit-range.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, template, workspaceTests } from './cluster.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: [{ capacity: { cpu: '4', 'example.com/fakecpu': '1000' } }, { capacity: { cpu: '4' } }] });
  for (const [name, value] of [['low-priority', 1], ['medium-priority', 50], ['high-priority', 100], ['p1', 11], ['p2', 12], ['p3', 13], ['p4', 14]] as const) await cluster.client.create(PriorityClass, { metadata: { name }, value });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster, async (w) => {
  await w.client.deleteCollection(ReplicaSet, { namespace: w.namespace });
  await w.client.deleteCollection(Pod, { namespace: w.namespace, gracePeriodSeconds: 0 });
  await w.eventually(async () => (await w.pods()).length === 0);
});

const asks = (requests: Record<string, string>) => ({ name: 'c', image: 'pause:3.10', resources: { requests, limits: requests } });
const cannotRun = ({ status }: Pod): boolean => status.conditions?.some((each) => each.type === 'PodScheduled' && each.status === 'False' && each.reason === 'Unschedulable') === true;

describe('conformance: scheduler predicates', { concurrency: false }, () => {
  inCluster('[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run [Conformance]', async (w) => {
    for (const node of ['node-1', 'node-2']) {
      await w.client.create(Pod, w.pod(`filler-${node}`, { spec: { nodeSelector: { 'kubernetes.io/hostname': node }, containers: [asks({ cpu: '2800m' })] } }));
      await w.until(Pod, `filler-${node}`, isReady);
    }
    await w.client.create(Pod, w.pod('additional', { spec: { containers: [asks({ cpu: '2' })] } }));
    const refused = await w.until(Pod, 'additional', cannotRun);
    assert.match(refused.status.conditions?.find((each) => each.type === 'PodScheduled')?.message ?? '', /^0\/2 nodes are available: 2 Insufficient cpu/);
  });
  inCluster('[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('restricted', { spec: { nodeSelector: { label: 'nonempty' } } }));
    await w.until(Pod, 'restricted', cannotRun);
  });
  inCluster('[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching [Conformance]', async (w) => {
    await w.client.patch(Node, { name: 'node-2' }, { type: 'merge', patch: { metadata: { labels: { 'kubernetes.io/e2e': '42' } } } });
    await w.client.create(Pod, w.pod('with-labels', { spec: { nodeSelector: { 'kubernetes.io/e2e': '42' } } }));
    assert.equal((await w.until(Pod, 'with-labels', isReady)).spec.nodeName, 'node-2');
    await w.client.patch(Node, { name: 'node-2' }, { type: 'merge', patch: { metadata: { labels: { 'kubernetes.io/e2e': null } } } });
  });
  inCluster('[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [Conformance]', async (w) => {
    const on = (hostIP: string) => ({ nodeSelector: { 'kubernetes.io/hostname': 'node-1' }, containers: [{ name: 'c', image: 'agnhost', ports: [{ containerPort: 8080, hostPort: 54_322, protocol: 'TCP' as const, hostIP }] }] });
    await w.client.create(Pod, w.pod('pod4', { spec: on('') }));
    await w.until(Pod, 'pod4', isReady);
    await w.client.create(Pod, w.pod('pod5', { spec: on('192.168.0.2') }));
    await w.until(Pod, 'pod5', cannotRun);
  });
  inCluster('[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]', async (w) => {
    const on = (hostIP: string, protocol: 'TCP' | 'UDP') => ({ nodeSelector: { 'kubernetes.io/hostname': 'node-1' }, containers: [{ name: 'c', image: 'agnhost', ports: [{ containerPort: 8080, hostPort: 54_323, protocol, hostIP }] }] });
    for (const [name, hostIP, protocol] of [['pod1', '127.0.0.1', 'TCP'], ['pod2', '192.168.0.2', 'TCP'], ['pod3', '192.168.0.2', 'UDP']] as const) {
      await w.client.create(Pod, w.pod(name, { spec: on(hostIP, protocol) }));
      assert.equal((await w.until(Pod, name, isReady)).spec.nodeName, 'node-1');
    }
  });
});

describe('conformance: preemption', { concurrency: false }, () => {
  /** Both nodes are filled with two pods each, of which one has low priority. */
  const fill = async (w: Workspace): Promise<void> => {
    for (const [name, node, priorityClassName] of [['pod0-0', 'node-1', 'low-priority'], ['pod0-1', 'node-1', 'medium-priority'], ['pod1-0', 'node-2', 'medium-priority'], ['pod1-1', 'node-2', 'medium-priority']] as const) {
      await w.client.create(Pod, w.pod(name, { spec: { terminationGracePeriodSeconds: 0, priorityClassName, nodeSelector: { 'kubernetes.io/hostname': node }, containers: [asks({ cpu: '1800m' })] } }));
    }
    for (const name of ['pod0-0', 'pod0-1', 'pod1-0', 'pod1-1']) await w.until(Pod, name, isReady);
  };
  const onlyVictim = async (w: Workspace): Promise<void> => {
    await w.untilGone(Pod, 'pod0-0');
    for (const name of ['pod0-1', 'pod1-0', 'pod1-1']) assert.equal((await w.client.get(Pod, w.key(name))).metadata.deletionTimestamp, undefined, `${name} should stay`);
  };
  inCluster('[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works [Conformance]', async (w) => {
    await fill(w);
    await w.client.create(Pod, w.pod('preemptor-pod', { spec: { priorityClassName: 'high-priority', containers: [asks({ cpu: '1800m' })] } }));
    assert.equal((await w.until(Pod, 'preemptor-pod', isReady)).spec.nodeName, 'node-1');
    await onlyVictim(w);
  });
  inCluster('[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod [Conformance]', async (w) => {
    await fill(w);
    await w.client.create(Pod, { ...w.pod('critical-pod', { spec: { priorityClassName: 'system-cluster-critical', containers: [asks({ cpu: '1800m' })] } }), metadata: { namespace: 'kube-system', name: 'critical-pod' } });
    const critical = await cluster.until(Pod, { namespace: 'kube-system', name: 'critical-pod' }, (pod) => pod !== undefined && isReady(pod));
    assert.equal(critical?.spec.nodeName, 'node-1');
    await onlyVictim(w);
    await w.client.delete(Pod, { namespace: 'kube-system', name: 'critical-pod' }, { gracePeriodSeconds: 0 });
  });
  inCluster('[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]', async (w) => {
    const victim = w.pod('victim-pod', { spec: { terminationGracePeriodSeconds: 0, priorityClassName: 'low-priority', containers: [asks({ 'example.com/fakecpu': '1000' })] } });
    await w.client.create(Pod, { ...victim, metadata: { ...victim.metadata, finalizers: ['example.com/test-finalizer'] } });
    await w.until(Pod, 'victim-pod', isReady);
    await w.client.create(Pod, w.pod('preemptor-pod', { spec: { priorityClassName: 'high-priority', containers: [asks({ 'example.com/fakecpu': '1000' })] } }));
    const condition = (await w.until(Pod, 'victim-pod', ({ metadata }) => metadata.deletionTimestamp !== undefined)).status.conditions?.find((each) => each.type === 'DisruptionTarget');
    assert.deepEqual([condition?.status, condition?.reason], ['True', 'PreemptionByScheduler']);
    await w.client.patch(Pod, w.key('victim-pod'), { type: 'merge', patch: { metadata: { finalizers: null } } });
    await w.untilGone(Pod, 'victim-pod');
  });
  inCluster('[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path [Conformance]', async (w) => {
    const set = (name: string, replicas: number, amount: string) => w.replicaSet(name, replicas, { template: { ...template(name), spec: { terminationGracePeriodSeconds: 0, priorityClassName: name, nodeSelector: { 'kubernetes.io/hostname': 'node-1' }, containers: [asks({ 'example.com/fakecpu': amount })] } } });
    for (const [name, replicas, amount] of [['p1', 1, '200'], ['p2', 1, '300'], ['p3', 1, '450']] as const) {
      await w.client.create(ReplicaSet, set(name, replicas, amount));
      await w.until(ReplicaSet, name, ({ status }) => status.readyReplicas === replicas);
    }
    await w.client.create(ReplicaSet, set('p4', 1, '500'));
    await w.until(ReplicaSet, 'p4', ({ status }) => status.readyReplicas === 1);
    // Those of priority 1 and 2 went; the one of priority 3 stays.
    await w.until(ReplicaSet, 'p1', ({ status }) => status.readyReplicas === undefined || status.readyReplicas === 0);
    await w.until(ReplicaSet, 'p2', ({ status }) => status.readyReplicas === undefined || status.readyReplicas === 0);
    for (const name of ['p1', 'p2', 'p3', 'p4']) await w.until(ReplicaSet, name, ({ status }) => status.replicas === 1);
    assert.equal((await w.client.get(ReplicaSet, w.key('p3'))).status.readyReplicas, 1);
  });
  inCluster('[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods [Conformance]', async (w) => {
    const own = (await w.client.list(PriorityClass)).items.filter((each) => /^p[1-4]$/.test(each.metadata.name));
    assert.equal(own.length, 4);
    for (const { metadata: { name }, value } of own) {
      const patched = await w.client.patch(PriorityClass, { name }, { type: 'merge', patch: { metadata: { annotations: { patched: 'true' } } } });
      assert.equal(patched.metadata.annotations?.['patched'], 'true');
      assert.equal((await w.client.update(PriorityClass, { ...patched, description: 'updated' })).description, 'updated');
      await assert.rejects(w.client.patch(PriorityClass, { name }, { type: 'merge', patch: { value: value * 10 } }), (error) => hasReason(error, 'Invalid'));
      await assert.rejects(w.client.update(PriorityClass, { ...await w.client.get(PriorityClass, { name }), value: value * 10 }), (error) => hasReason(error, 'Invalid'));
    }
  });
});

describe('conformance: limit ranges', { concurrency: false }, () => {
  inCluster('[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied. [Conformance]', async (w) => {
    const limits = (least: string) => [{ type: 'Container' as const, min: { cpu: least, memory: '100Mi' }, max: { cpu: '500m', memory: '500Mi' }, default: { cpu: '500m', memory: '500Mi' }, defaultRequest: { cpu: '100m', memory: '200Mi' }, maxLimitRequestRatio: {} }];
    await w.client.create(LimitRange, { metadata: w.key('limit-range'), spec: { limits: limits('50m') } });
    const resourcesOf = async (name: string, resources: object): Promise<unknown> => {
      const made = await w.client.create(Pod, w.pod(name, { spec: { containers: [{ name: 'c', image: 'pause:3.10', resources }] } }));
      return made.spec.containers[0]?.resources;
    };
    assert.deepEqual(await resourcesOf('no-resources', {}), { limits: { cpu: '500m', memory: '500Mi' }, requests: { cpu: '100m', memory: '200Mi' } });
    // What is limited is also asked for; only where there is neither, the range's request counts.
    assert.deepEqual(await resourcesOf('partial', { requests: { memory: '150Mi' }, limits: { cpu: '300m' } }), { limits: { cpu: '300m', memory: '500Mi' }, requests: { cpu: '300m', memory: '150Mi' } });
    const tooLittle = w.pod('too-little', { spec: { containers: [asks({ cpu: '10m', memory: '200Mi' })] } });
    await assert.rejects(w.client.create(Pod, tooLittle), (error) => hasReason(error, 'Forbidden'));
    await assert.rejects(w.client.create(Pod, w.pod('too-much', { spec: { containers: [asks({ cpu: '600m', memory: '200Mi' })] } })), (error) => hasReason(error, 'Forbidden'));
    const found = await w.client.get(LimitRange, w.key('limit-range'));
    await w.client.update(LimitRange, { ...found, spec: { limits: limits('9m') } });
    await w.eventually(() => w.client.create(Pod, tooLittle).then(() => true, () => false));
    await w.client.delete(LimitRange, w.key('limit-range'));
    await w.untilGone(LimitRange, 'limit-range');
    assert.deepEqual(await resourcesOf('free', {}), {});
  });
});
