import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { Batches } from './batch.ts';

test('a full batch goes at once, others wait for company for a while', async () => {
  const clock = new SimulatedClock();
  const sent: (readonly number[])[] = [];
  const batches = new Batches<number>({ bufferSize: 10, maxSize: 2, maxWaitMs: 1000 }, clock, async (items) => void sent.push(items));
  for (const item of [1, 2, 3]) batches.add(item);
  await clock.advance(0);
  assert.deepEqual(sent, [[1, 2]]);
  await clock.advance(999);
  assert.equal(sent.length, 1);
  await clock.advance(1);
  assert.deepEqual(sent, [[1, 2], [3]]);
});

test('what does not fit is lost and told; flushing sends what waits', async () => {
  const clock = new SimulatedClock();
  const sent: (readonly number[])[] = [];
  const batches = new Batches<number>({ bufferSize: 2, maxSize: 5, maxWaitMs: 1000 }, clock, async (items) => void sent.push(items));
  assert.deepEqual([1, 2, 3].map((item) => batches.add(item)), [true, true, false]);
  await batches.flush();
  assert.deepEqual(sent, [[1, 2]]);
});

test('sending is slowed down to the rate asked for', async () => {
  const clock = new SimulatedClock();
  const atMs: number[] = [];
  const batches = new Batches<number>({ bufferSize: 10, maxSize: 1, maxWaitMs: 0, throttle: { perSecond: 10, burst: 2 } }, clock, async () => void atMs.push(clock.monotonicMs()));
  for (const item of [1, 2, 3, 4]) batches.add(item);
  await clock.advance(1000);
  assert.deepEqual(atMs, [0, 0, 100, 200]);
});
