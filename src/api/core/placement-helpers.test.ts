import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesNodeWishes, namedNodes } from './node-selector.ts';
import { podLimits, podRequests, resourceAmounts } from './pod-resources.ts';
import { isAvailable, withCondition } from './pod-status.ts';
import type { PodCondition } from './pod.ts';
import { qosClassOf } from './qos.ts';
import type { NodeSelectorRequirement, Toleration } from './scheduling.ts';
import { findUntolerated, tolerates } from './taints.ts';

const container = (requests: Record<string, string>, limits: Record<string, string> = {}): { resources: { requests: Record<string, string>; limits: Record<string, string> } } => ({ resources: { requests, limits } });

test('containers add up, init containers count by the largest, sidecars run beside the rest', () => {
  assert.deepEqual(podRequests({ containers: [container({ cpu: '100m' }), container({ cpu: '1', memory: '1Gi' })] }), { cpu: '1100m', memory: '1Gi' });
  assert.deepEqual(podRequests({ containers: [container({ cpu: '100m' })], initContainers: [container({ cpu: '2' }), container({ cpu: '1' })] }), { cpu: '2' });
  const sidecar = { ...container({ cpu: '300m' }), restartPolicy: 'Always' };
  assert.deepEqual(podRequests({ containers: [container({ cpu: '100m' })], initContainers: [sidecar, container({ cpu: '200m' })] }), { cpu: '500m' });
  assert.deepEqual(podRequests({ containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '200m' }), sidecar] }), { cpu: '1300m' });
});

test('overhead comes on top, pod-level requests win', () => {
  assert.deepEqual(podRequests({ containers: [container({ cpu: '1' })], overhead: { cpu: '250m', memory: '64Mi' } }), { cpu: '1250m', memory: '64Mi' });
  assert.deepEqual(podRequests({ containers: [container({ cpu: '1' })], resources: { requests: { cpu: '3' } } }), { cpu: '3' });
  assert.deepEqual(podLimits({ containers: [container({}, { cpu: '1' })], overhead: { cpu: '250m', memory: '64Mi' } }), { cpu: '1250m' });
});

test('amounts are numbers in the units that scheduling counts in', () => {
  assert.deepEqual(resourceAmounts({ cpu: '1500m', memory: '1Ki', 'example.com/gpu': '2', 'ephemeral-storage': '1M' }), {
    cpuMillis: 1500, memoryBytes: 1024, ephemeralStorageBytes: 1_000_000, scalars: { 'example.com/gpu': 2 },
  });
});

test('the class of service follows from requests and limits', () => {
  const both = { cpu: '1', memory: '1Gi' };
  assert.equal(qosClassOf({ containers: [container({})] }), 'BestEffort');
  assert.equal(qosClassOf({ containers: [container(both, both)] }), 'Guaranteed');
  assert.equal(qosClassOf({ containers: [container(both, both), container({})] }), 'Burstable');
  assert.equal(qosClassOf({ containers: [container({ cpu: '1' })] }), 'Burstable');
  assert.equal(qosClassOf({ containers: [container({ cpu: '500m', memory: '1Gi' }, both)] }), 'Burstable');
});

test('a toleration bears the taints it fits', () => {
  const taint = { key: 'gpu', value: 'a', effect: 'NoSchedule' } as const;
  const table: readonly (readonly [Toleration, boolean])[] = [
    [{ operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', value: 'a' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'b' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'gpu', value: 'a', effect: 'NoSchedule' }, true],
  ];
  for (const [toleration, expected] of table) assert.equal(tolerates(toleration, taint), expected, JSON.stringify(toleration));
  assert.equal(tolerates({ key: 'n', operator: 'Gt', value: '5' }, { key: 'n', value: '7', effect: 'NoSchedule' }), true);
  assert.equal(findUntolerated([taint], [], ['NoExecute']), undefined);
  assert.equal(findUntolerated([taint], undefined, ['NoSchedule']), taint);
});

test('node selectors and affinity say which nodes will do', () => {
  const node = { metadata: { name: 'n1', labels: { zone: 'a', cores: '8' } } };
  const by = (...matchExpressions: NodeSelectorRequirement[]): Parameters<typeof matchesNodeWishes>[0] => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } } },
  });
  assert.equal(matchesNodeWishes({ nodeSelector: { zone: 'a' } }, node), true);
  assert.equal(matchesNodeWishes({ nodeSelector: { zone: 'b' } }, node), false);
  assert.equal(matchesNodeWishes(by({ key: 'zone', operator: 'In', values: ['a', 'b'] }, { key: 'cores', operator: 'Gt', values: ['4'] }), node), true);
  assert.equal(matchesNodeWishes(by({ key: 'zone', operator: 'NotIn', values: ['a'] }), node), false);
  assert.equal(matchesNodeWishes(by({ key: 'gpu', operator: 'DoesNotExist' }), node), true);
  assert.equal(matchesNodeWishes(by(), node), false);
  const named = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['n2'] }] }] };
  assert.deepEqual(namedNodes(named), new Set(['n2']));
  assert.equal(matchesNodeWishes({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: named } } }, node), false);
});

test('a condition keeps the time of its last transition until its status changes', () => {
  const first: readonly PodCondition[] = withCondition<PodCondition>(undefined, { type: 'Ready', status: 'False' }, 't1');
  assert.deepEqual([...first], [{ type: 'Ready', status: 'False', lastTransitionTime: 't1' }]);
  assert.equal(withCondition(first, { type: 'Ready', status: 'False' }, 't2'), first);
  assert.equal(withCondition(first, { type: 'Ready', status: 'False', reason: 'X' }, 't2')[0]?.lastTransitionTime, 't1');
  assert.equal(withCondition(first, { type: 'Ready', status: 'True' }, 't3')[0]?.lastTransitionTime, 't3');
});

test('a pod is available when it has been ready long enough', () => {
  const pod = { status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } };
  const start = Date.UTC(2026, 0, 1);
  assert.equal(isAvailable(pod, 0, start), true);
  assert.equal(isAvailable(pod, 10, start + 9_999), false);
  assert.equal(isAvailable(pod, 10, start + 10_000), true);
});
