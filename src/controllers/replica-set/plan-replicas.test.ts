import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject } from '#apimachinery/decode.ts';
import { Pod } from '#api/core/pod.ts';
import { planReplicas, planStatus } from './plan-replicas.ts';
import { podsToDelete } from './rank-pods.ts';

const nowMs = Date.UTC(2026, 0, 1, 12);
interface Shape {
  readonly node?: string;
  readonly phase?: string;
  readonly readySeconds?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly ageSeconds?: number;
}
const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();

function pod(name: string, { node, phase = 'Running', readySeconds, cost, restarts = 0, ageSeconds = 600 }: Shape = {}): Pod {
  return decodeObject(Pod, {
    metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: ago(ageSeconds), labels: { app: 'web' }, ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...(node !== undefined && { nodeName: node }) },
    status: {
      phase,
      ...(readySeconds !== undefined && { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readySeconds) }] }),
      containerStatuses: [{ name: 'c', ready: readySeconds !== undefined, restartCount: restarts, image: 'i', imageID: '' }],
    },
  });
}
const first = (...pods: Pod[]): string | undefined => podsToDelete(pods, pods, 1, nowMs)[0]?.metadata.name;

for (const [what, loser, winner] of [
  ['without a node', {}, { node: 'a' }],
  ['that is pending', { node: 'a', phase: 'Pending' }, { node: 'a' }],
  ['that is not ready', { node: 'a' }, { node: 'a', readySeconds: 5 }],
  ['that costs less', { node: 'a', readySeconds: 500, cost: '-5' }, { node: 'a', readySeconds: 5, cost: '0' }],
  ['that was ready for a shorter time', { node: 'a', readySeconds: 5 }, { node: 'a', readySeconds: 500 }],
  ['that restarted more often', { node: 'a', readySeconds: 5, restarts: 3 }, { node: 'a', readySeconds: 5 }],
  ['that is younger', { node: 'a', readySeconds: 5, ageSeconds: 10 }, { node: 'a', readySeconds: 5, ageSeconds: 1000 }],
] as const) {
  test(`a pod ${what} goes first`, () => {
    assert.equal(first(pod('stays', winner), pod('goes', loser)), 'goes');
    assert.equal(first(pod('goes', loser), pod('stays', winner)), 'goes');
  });
}

test('a pod on a node with more of its kind goes first', () => {
  const [a, b, c] = [pod('a', { node: 'one', readySeconds: 9 }), pod('b', { node: 'two', readySeconds: 9 }), pod('c', { node: 'two', readySeconds: 9 })];
  assert.notEqual(first(a, b, c), 'a');
});

test('missing pods are created and surplus ones removed, at most 500 at once, none by an owner that goes', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 40 }), fc.boolean(), (replicas, has, isTerminating) => {
    const pods = Array.from({ length: has }, (_, index) => pod(`p${index}`));
    const plan = planReplicas({ replicas, isTerminating }, pods, () => pods, nowMs);
    assert.equal(plan.create, isTerminating ? 0 : Math.min(500, Math.max(0, replicas - has)));
    assert.equal(plan.remove.length, isTerminating ? 0 : Math.min(500, Math.max(0, has - replicas)));
    assert.equal(new Set(plan.remove).size, plan.remove.length);
  }), { numRuns: 50 });
});

test('the status counts, and says when the next pod becomes available', () => {
  const { status, recheckAfterMs } = planStatus({
    generation: 4, minReadySeconds: 30, templateLabels: { app: 'web' }, terminating: 2, conditions: undefined, failure: undefined, nowMs,
    active: [pod('a', { readySeconds: 60 }), pod('b', { readySeconds: 20 }), pod('c')],
  });
  assert.deepEqual(status, { replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 2, availableReplicas: 1, terminatingReplicas: 2, observedGeneration: 4 });
  assert.equal(recheckAfterMs, 10_000);
});

test('a failure is told as a condition until it is over', () => {
  const input = { generation: 1, minReadySeconds: 0, templateLabels: {}, terminating: 0, active: [], nowMs };
  const failed = planStatus({ ...input, conditions: undefined, failure: { reason: 'FailedCreate', message: 'quota' } }).status;
  assert.deepEqual(failed.conditions, [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: '2026-01-01T12:00:00Z' }]);
  const still = planStatus({ ...input, nowMs: nowMs + 5000, conditions: failed.conditions, failure: { reason: 'FailedCreate', message: 'other' } }).status;
  assert.deepEqual(still.conditions, failed.conditions);
  assert.equal(planStatus({ ...input, conditions: failed.conditions, failure: undefined }).status.conditions, undefined);
});
