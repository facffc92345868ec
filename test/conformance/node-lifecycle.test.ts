/** Runtime classes, taints that evict, and what else ties pods to nodes. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { RuntimeClass } from '#api/node/runtime-class.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import { isReady, workspaceTests } from './cluster.ts';
import { programs } from './programs.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 2, clock: 'simulated', behaviour: programs });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

describe('conformance: nodes', { concurrency: false }, () => {
  inCluster('[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]', async (w) => {
    const nodes = (await w.client.list(Node)).items.filter(({ spec, status }) => (spec.taints ?? []).length === 0 && status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true);
    assert.ok(nodes.length >= 2);
  });
  const taint = async (name: string, taints: readonly object[]): Promise<void> => {
    await cluster.client.patch(Node, { name }, { type: 'merge', patch: { spec: { taints } } });
  };
  const evicting = { key: 'kubernetes.io/e2e-evict-taint-key', value: 'evictTaintVal', effect: 'NoExecute' };
  const tolerating = (seconds: number, node: string): Given<Pod['spec']> => ({
    nodeSelector: { 'kubernetes.io/hostname': node }, terminationGracePeriodSeconds: 0,
    tolerations: [{ key: evicting.key, value: evicting.value, operator: 'Equal', effect: 'NoExecute', tolerationSeconds: seconds }], containers: [{ name: 'c', image: 'pause' }],
  });
  inCluster('[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('taint-eviction-4', { spec: tolerating(60, 'node-2') }));
    await w.until(Pod, 'taint-eviction-4', isReady);
    await taint('node-2', [evicting]);
    await cluster.advance(30_000);
    assert.equal((await w.client.get(Pod, w.key('taint-eviction-4'))).metadata.deletionTimestamp, undefined);
    await taint('node-2', []);
    await cluster.advance(120_000);
    assert.equal((await w.client.get(Pod, w.key('taint-eviction-4'))).metadata.deletionTimestamp, undefined);
  });
  inCluster('[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive] [Conformance]', async (w) => {
    for (const [name, seconds] of [['taint-eviction-b1', 5], ['taint-eviction-b2', 25]] as const) {
      await w.client.create(Pod, w.pod(name, { spec: tolerating(seconds, 'node-2') }));
      await w.until(Pod, name, isReady);
    }
    // However long they have been there: what they tolerate counts from the taint, which does not say since when it is there.
    await cluster.advance(60_000);
    await taint('node-2', [evicting]);
    await cluster.advance(4_000);
    assert.equal((await w.pods()).length, 2);
    await cluster.advance(11_000);
    assert.deepEqual((await w.pods()).map((each) => each.metadata.name), ['taint-eviction-b2']);
    await w.untilGone(Pod, 'taint-eviction-b2');
    await taint('node-2', []);
  });
});

describe('conformance: runtime classes', { concurrency: false }, () => {
  const runtimeClass = (name: string, more: object = {}): Promise<RuntimeClass> => cluster.client.create(RuntimeClass, { metadata: { name }, handler: 'test-handler', ...more });
  const isScheduled = ({ spec }: Pod): boolean => (spec.nodeName ?? '') !== '';
  inCluster('[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance] [Conformance]', async (w) => {
    await assert.rejects(w.client.create(Pod, w.pod('p', { spec: { runtimeClassName: 'nonexistent' } })), (error) => hasReason(error, 'Forbidden'));
  });
  inCluster('[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance] [Conformance]', async (w) => {
    await runtimeClass('delete-me');
    await w.client.delete(RuntimeClass, { name: 'delete-me' });
    await assert.rejects(w.client.create(Pod, w.pod('p', { spec: { runtimeClassName: 'delete-me' } })), (error) => hasReason(error, 'Forbidden') && String(error).includes('RuntimeClass "delete-me" not found'));
  });
  inCluster('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]', async (w) => {
    await runtimeClass('preconfigured');
    const made = await w.client.create(Pod, w.pod('p', { spec: { runtimeClassName: 'preconfigured' } }));
    assert.equal(made.spec.overhead, undefined);
    await w.until(Pod, 'p', isScheduled);
  });
  inCluster('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]', async (w) => {
    await runtimeClass('overhead', { overhead: { podFixed: { cpu: '10m', memory: '1Mi' } } });
    const made = await w.client.create(Pod, w.pod('p', { spec: { runtimeClassName: 'overhead' } }));
    assert.deepEqual(made.spec.overhead, { cpu: '10m', memory: '1Mi' });
    await w.until(Pod, 'p', isScheduled);
  });
});

describe('conformance: generations of pods', { concurrency: false }, () => {
  inCluster('[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]', async (w) => {
    const made = await w.client.create(Pod, w.pod('p', { spec: { activeDeadlineSeconds: 5000 } }));
    assert.equal(made.metadata.generation, 1);
    await w.until(Pod, 'p', isReady);
    for (let count = 1; count < 500; count++) await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { spec: { activeDeadlineSeconds: 5000 - count } } });
    await w.until(Pod, 'p', ({ metadata, status }) => metadata.generation === 500 && status.observedGeneration === 500);
  });
});
