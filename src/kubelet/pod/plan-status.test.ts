import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planStatus } from './plan-status.ts';
import type { StatusView } from './plan-status.ts';
import { podOf, record, runtimeOf } from './pod.fixture.ts';
import type { PodRuntime } from './pod-runtime.ts';
import { planStatusPatch } from './status-manager.ts';

const main = { name: 'main', image: 'x' };

function statusOf(pod: ReturnType<typeof podOf>, runtime: PodRuntime, traits: Partial<StatusView> = {}) {
  return planStatus({
    pod, runtime, nowMs: Date.UTC(2026, 0, 1, 10), runtimeName: 'containerd', hostIps: ['192.0.2.1'], waiting: new Map(), lastWords: new Map(),
    isStarted: () => true, isReady: () => true, isOver: false, ...traits,
  });
}

const conditionOf = (status: ReturnType<typeof statusOf>, type: string) => status.conditions?.find((condition) => condition.type === type);

test('before anything runs the pod is pending and its containers are being created', () => {
  const status = statusOf(podOf({ containers: [main] }), { sandboxes: [], containers: [] });
  assert.equal(status.phase, 'Pending');
  assert.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  assert.equal(conditionOf(status, 'PodReadyToStartContainers')?.status, 'False');
  assert.equal(conditionOf(status, 'ContainersReady')?.message, 'containers with unready status: [main]');
});

test('a running pod has its addresses, its container ids, and is ready when its containers are', () => {
  const status = statusOf(podOf({ containers: [main] }), runtimeOf([record('main')]));
  assert.deepEqual([status.phase, status.podIP, status.hostIP], ['Running', '10.0.0.5', '192.0.2.1']);
  assert.equal(status.containerStatuses?.[0]?.containerID, 'containerd://main-0');
  assert.equal(conditionOf(status, 'Ready')?.status, 'True');
});

test('a restarted container shows how the one before it ended', () => {
  const before = record('main', { state: 'exited', exitCode: 137, reason: 'OOMKilled' });
  const [status] = statusOf(podOf({ containers: [main] }), runtimeOf([record('main', { attempt: 1 }), before])).containerStatuses ?? [];
  assert.equal(status?.restartCount, 1);
  assert.deepEqual([status?.lastState.terminated?.reason, status?.lastState.terminated?.exitCode], ['OOMKilled', 137]);
});

test('a container that waits for its restart shows why, and its end as the last state', () => {
  const waiting = new Map([['main', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }]]);
  const status = statusOf(podOf({ containers: [main] }), runtimeOf([record('main', { state: 'exited', exitCode: 1 })]), { waiting });
  assert.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } });
  assert.equal(status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 1);
  assert.equal(status.phase, 'Running');
});

test('readiness gates hold the pod back, not its containers', () => {
  const status = statusOf(podOf({ containers: [main], readinessGates: [{ conditionType: 'example.com/gate' }] }), runtimeOf([record('main')]));
  assert.equal(conditionOf(status, 'ContainersReady')?.status, 'True');
  assert.equal(conditionOf(status, 'Ready')?.reason, 'ReadinessGatesNotReady');
});

test('times of transitions and conditions of others are kept', () => {
  const conditions = [
    { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z' }, { type: 'example.com/gate', status: 'True', lastTransitionTime: '2026-01-01T02:00:00Z' },
  ];
  const status = statusOf(podOf({ containers: [main] }, { conditions }), runtimeOf([record('main')]));
  assert.equal(conditionOf(status, 'Ready')?.lastTransitionTime, '2026-01-01T01:00:00Z');
  assert.equal(conditionOf(status, 'example.com/gate')?.status, 'True');
});

test('a deleted pod that has stopped has failed unless everything ended well', () => {
  const ended = (exitCode: number) => statusOf(podOf({ containers: [main] }), runtimeOf([record('main', { state: 'exited', exitCode })], []), { isOver: true }).phase;
  assert.deepEqual([ended(0), ended(143)], ['Succeeded', 'Failed']);
});

test('the verdict of the node makes the pod fail with its reason', () => {
  const verdict = { reason: 'DeadlineExceeded', message: 'too long' };
  const status = statusOf(podOf({ containers: [main] }), runtimeOf([record('main', { state: 'exited' })], []), { isOver: true, verdict });
  assert.deepEqual([status.phase, status.reason], ['Failed', 'DeadlineExceeded']);
});

test('a container the runtime has lost is said to be unknown', () => {
  const pod = podOf({ containers: [main] }, { containerStatuses: [{ name: 'main', state: { running: { startedAt: '2026-01-01T00:00:00Z' } }, ready: true, restartCount: 2, image: 'x', imageID: 'x' }] });
  const [status] = statusOf(pod, runtimeOf([], []), { isOver: true }).containerStatuses ?? [];
  assert.deepEqual([status?.state.terminated?.reason, status?.state.terminated?.exitCode, status?.restartCount], ['ContainerStatusUnknown', 137, 2]);
});

test('only what differs is written, and what a condition no longer says is taken away', () => {
  const pod = podOf({ containers: [main] });
  const unready = statusOf(pod, runtimeOf([record('main')]), { isReady: () => false });
  const same = podOf({ containers: [main] }, unready);
  assert.equal(planStatusPatch(same, unready), undefined);
  const patch = planStatusPatch(same, statusOf(same, runtimeOf([record('main')]))) as { metadata: { uid: string }; status: { conditions: { type: string; reason?: null }[] } };
  assert.deepEqual(Object.keys(patch.status).sort(), ['conditions', 'containerStatuses']);
  assert.equal(patch.status.conditions.find(({ type }) => type === 'Ready')?.reason, null);
});

test('containers behind an init container that failed are not said to have run', () => {
  const init = { name: 'init', image: 'x' };
  const waiting = { name: 'main', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } }, lastState: {} };
  const pod = podOf({ restartPolicy: 'Never', initContainers: [init], containers: [main] }, { containerStatuses: [waiting] });
  const status = statusOf(pod, runtimeOf([record('init', { state: 'exited', exitCode: 1 })]), { isOver: true });
  assert.equal(status.phase, 'Failed');
  assert.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  assert.deepEqual([conditionOf(status, 'Initialized')?.status, conditionOf(status, 'Initialized')?.message], ['False', 'containers with incomplete status: [init]']);
});
