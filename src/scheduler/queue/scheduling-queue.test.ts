import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { podInfoOf } from '../cache/pod-info.ts';
import type { PodSample } from '../samples.ts';
import { sampleNode, samplePlugins, samplePod } from '../samples.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

const pod = (name: string, sample: PodSample = {}): PodInfo => podInfoOf(samplePod(name, sample));
function queueOf(clock: SimulatedClock): SchedulingQueue {
  return new SchedulingQueue({ clock, plugins: samplePlugins, onReady: () => {} });
}
function fail(queue: SchedulingQueue, plugin: string | undefined): void {
  const taken = queue.take();
  assert.ok(taken !== undefined);
  queue.failed(taken, new Set(plugin === undefined ? [] : [plugin]));
}

test('the more important come first, of equals those who wait longer', async () => {
  const clock = new SimulatedClock();
  const queue = queueOf(clock);
  queue.set(pod('old'));
  await clock.advance(1);
  queue.set(pod('young'));
  queue.set(pod('urgent', { priority: 100 }));
  assert.deepEqual([queue.take(), queue.take(), queue.take()].map((each) => each?.info.uid), ['urgent', 'old', 'young']);
});

test('a pod that fits nowhere sleeps until something happens that may help it', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('big', { requests: { cpu: '8' } }));
  fail(queue, 'NodeResourcesFit');
  assert.equal(queue.take(), undefined);
  queue.notify({ kind: 'NodeAdd', node: sampleNode('small') });
  assert.equal(queue.take(), undefined);
  queue.notify({ kind: 'NodeAdd', node: sampleNode('large', { allocatable: { cpu: '16' } }) });
  assert.equal(queue.take()?.attempts, 2);
});

test('a taint that goes wakes those whom it kept away, a heartbeat does not', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('p'));
  fail(queue, 'TaintToleration');
  const tainted = sampleNode('n', { taints: [{ key: 'x', effect: 'NoSchedule' }] });
  queue.notify({ kind: 'NodeUpdate', node: tainted, oldNode: tainted });
  assert.equal(queue.sizes.unschedulable, 1);
  queue.notify({ kind: 'NodeUpdate', node: sampleNode('n'), oldNode: tainted });
  assert.equal(queue.sizes.unschedulable, 0);
});

test('after an error a pod pauses, longer every time, 10 s at most', async () => {
  const clock = new SimulatedClock();
  const queue = queueOf(clock);
  queue.set(pod('p'));
  for (const pauseMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    fail(queue, undefined);
    await clock.advance(pauseMs - 1);
    assert.equal(queue.take(), undefined, `${pauseMs}`);
    await clock.advance(1);
    assert.equal(queue.sizes.active, 1);
  }
});

test('a pod that was only unlucky need not pause while nobody else waits', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('p', { requests: { cpu: '1' } }));
  fail(queue, 'NodeResourcesFit');
  queue.notify({ kind: 'AssignedPodDelete', pod: pod('gone') });
  assert.equal(queue.sizes.backoff, 1);
  queue.set(pod('other'));
  assert.deepEqual([queue.take()?.info.uid, queue.take()?.info.uid], ['other', 'p']);
});

test('after five minutes every pod is tried again', async () => {
  const clock = new SimulatedClock();
  const queue = queueOf(clock);
  queue.set(pod('p'));
  fail(queue, 'NodeAffinity');
  await clock.advance(4.9 * 60_000);
  assert.equal(queue.sizes.unschedulable, 1);
  await clock.advance(60_000);
  assert.equal(queue.take()?.info.uid, 'p');
});

test('a gated pod waits outside until its gates are gone', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('p', { spec: { schedulingGates: [{ name: 'quota' }] } }));
  assert.deepEqual([queue.take(), queue.sizes.gated], [undefined, 1]);
  queue.set(pod('p'));
  assert.equal(queue.take()?.info.uid, 'p');
});

test('an update during the attempt counts for the next one; a mere status changes nothing', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('p'));
  const taken = queue.take();
  assert.ok(taken !== undefined);
  queue.set(pod('p', { labels: { a: 'b' } }));
  queue.failed(taken, new Set(['NodeAffinity']));
  assert.equal(queue.sizes.backoff, 1);
  const again = queue.take();
  assert.equal(again?.info.pod.metadata.labels?.['a'], 'b');
  if (again !== undefined) queue.failed(again, new Set(['NodeAffinity']));
  queue.set(pod('p', { labels: { a: 'b' }, status: { phase: 'Pending' } }));
  assert.equal(queue.sizes.unschedulable, 1);
});

test('a deleted pod is in no queue any more', () => {
  const queue = queueOf(new SimulatedClock());
  queue.set(pod('p'));
  queue.delete('p');
  assert.equal(queue.take(), undefined);
});
