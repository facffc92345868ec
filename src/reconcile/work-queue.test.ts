import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { SimulatedClock } from '#base/clock.ts';
import { createQueueMetrics } from './queue-metrics.ts';
import { WorkQueue } from './work-queue.ts';

function setUp() {
  const clock = new SimulatedClock();
  const queue = new WorkQueue({ clock, onReady: () => {} });
  return { clock, queue };
}

test('a key added twice comes out once, and keys keep their order', () => {
  const { queue } = setUp();
  for (const key of ['b', 'a', 'b']) queue.add(key);
  assert.deepEqual([queue.take(), queue.take(), queue.take()], ['b', 'a', undefined]);
});

test('a key added while it is worked on comes again when that is done, once', () => {
  const { queue } = setUp();
  queue.add('a');
  queue.take();
  queue.add('a');
  queue.add('a');
  assert.equal(queue.take(), undefined);
  queue.done('a');
  assert.equal(queue.take(), 'a');
  queue.done('a');
  assert.equal(queue.take(), undefined);
});

test('of several delays of a key the earliest counts', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 200);
  queue.addAfter('a', 5000);
  await clock.advance(199);
  assert.equal(queue.depth, 0);
  await clock.advance(1);
  assert.equal(queue.take(), 'a');
  queue.done('a');
  await clock.advance(10_000);
  assert.equal(queue.depth, 0);
});

test('a key that fails pauses 5 ms, twice as long each time, until it is forgotten', async () => {
  const { clock, queue } = setUp();
  const pauses: number[] = [];
  for (let failure = 0; failure < 4; failure++) {
    const sinceMs = clock.nowMs();
    queue.addRateLimited('a');
    while (queue.depth === 0) await clock.advance(1);
    pauses.push(clock.nowMs() - sinceMs);
    queue.done(queue.take() ?? '');
  }
  assert.deepEqual(pauses, [5, 10, 20, 40]);
  assert.equal(queue.failures('a'), 4);
  queue.forget('a');
  assert.equal(queue.failures('a'), 0);
});

test('all failing keys together get 10 per second after a burst of 100', async () => {
  const { clock, queue } = setUp();
  for (let key = 0; key < 120; key++) queue.addRateLimited(`k${key}`);
  await clock.advance(5);
  assert.equal(queue.depth, 100);
  await clock.advance(1000);
  assert.equal(queue.depth, 110);
});

test('a closed queue takes nothing and forgets what waited', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 10);
  queue.add('b');
  queue.close();
  queue.add('c');
  await clock.advance(100);
  assert.equal(queue.take(), undefined);
});

test('metrics have the names that dashboards know', async () => {
  const registry = new Registry();
  const clock = new SimulatedClock();
  const queue: WorkQueue = new WorkQueue({ clock, onReady: () => {}, metrics: createQueueMetrics(registry).forQueue('replicaset', () => queue.unfinished()) });
  queue.add('a');
  queue.add('b');
  queue.take();
  await clock.advance(3000);
  const text = await registry.metrics();
  for (const line of ['workqueue_depth{name="replicaset"} 1', 'workqueue_adds_total{name="replicaset"} 2', 'workqueue_unfinished_work_seconds{name="replicaset"} 3', 'workqueue_queue_duration_seconds_count{name="replicaset"} 1']) {
    assert.ok(text.includes(line), `${line} in\n${text}`);
  }
});
