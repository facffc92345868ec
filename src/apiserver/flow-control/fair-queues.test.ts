import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import type { Release } from './fair-queues.ts';
import { FairQueues, hand, hashOf } from './fair-queues.ts';

const signal = new AbortController().signal;
const patience = { maxWaitMs: 1000, signal };

/** A seat that is there at once. */
function now(given: Release | undefined | Promise<Release | undefined>): Release {
  assert.ok(typeof given === 'function', 'it has to wait or was refused');
  return given;
}
/** Notes the order in which those who wait get in. */
function later(order: string[], name: string, given: Release | undefined | Promise<Release | undefined>): Promise<Release | undefined> {
  assert.ok(given instanceof Promise, `${name} did not have to wait`);
  return given.then((release) => {
    order.push(release === undefined ? `${name} gave up` : name);
    return release;
  });
}

describe('fair queues', () => {
  it('give seats at once while there are some, then let wait, then refuse', () => {
    const queues = new FairQueues(new SimulatedClock(), 2, { queues: 1, handSize: 1, queueLengthLimit: 1 });
    now(queues.acquire('a', patience));
    now(queues.acquire('a', patience));
    void later([], 'third', queues.acquire('a', patience));
    assert.equal(queues.acquire('a', patience), undefined);
    assert.deepEqual([queues.executing, queues.queued], [2, 1]);
  });

  it('without queues refuse at once', () => {
    const queues = new FairQueues(new SimulatedClock(), 1, undefined);
    const release = now(queues.acquire('a', patience));
    assert.equal(queues.acquire('a', patience), undefined);
    release();
    now(queues.acquire('a', patience));
  });

  it('let flows take turns, however much one of them asks', async () => {
    const clock = new SimulatedClock();
    const queues = new FairQueues(clock, 1, { queues: 64, handSize: 1, queueLengthLimit: 50 });
    const order: string[] = [];
    const held: Release[] = [now(queues.acquire('first', patience))];
    for (const name of ['greedy', 'greedy', 'greedy', 'greedy', 'modest', 'modest']) {
      void later(order, name, queues.acquire(name, { maxWaitMs: 1e6, signal })).then((release) => release !== undefined && held.push(release));
    }
    while (order.length < 6) {
      await clock.advance(10);
      held.pop()?.();
    }
    assert.deepEqual(order, ['greedy', 'modest', 'greedy', 'modest', 'greedy', 'greedy']);
  });

  it('give way to the flow whose requests are short', async () => {
    const clock = new SimulatedClock();
    const queues = new FairQueues(clock, 1, { queues: 64, handSize: 1, queueLengthLimit: 50 });
    const order: string[] = [];
    const held: Release[] = [now(queues.acquire('first', patience))];
    for (const name of ['slow', 'slow', 'quick', 'quick', 'quick', 'quick']) {
      void later(order, name, queues.acquire(name, { maxWaitMs: 1e6, signal })).then((release) => release !== undefined && held.push(release));
    }
    while (order.length < 6) {
      await clock.advance(0);
      await clock.advance(order.at(-1) === 'slow' ? 100 : 10);
      held.pop()?.();
      await clock.advance(0);
    }
    assert.deepEqual(order, ['quick', 'slow', 'quick', 'quick', 'quick', 'slow']);
  });

  it('forget those who gave up', async () => {
    const clock = new SimulatedClock();
    const queues = new FairQueues(clock, 1, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    const order: string[] = [];
    const release = now(queues.acquire('a', patience));
    const abort = new AbortController();
    const all = [
      later(order, 'impatient', queues.acquire('a', { maxWaitMs: 5, signal })),
      later(order, 'leaving', queues.acquire('a', { maxWaitMs: 1e6, signal: abort.signal })),
      later(order, 'staying', queues.acquire('a', { maxWaitMs: 1e6, signal })),
    ];
    await clock.advance(6);
    abort.abort();
    await clock.advance(1);
    release();
    await Promise.all(all);
    assert.deepEqual(order, ['impatient gave up', 'leaving gave up', 'staying']);
    assert.deepEqual([queues.executing, queues.queued], [1, 0]);
  });

  it('take effect anew when they are configured', async () => {
    const clock = new SimulatedClock();
    const queues = new FairQueues(clock, 1, { queues: 4, handSize: 2, queueLengthLimit: 9 });
    const order: string[] = [];
    now(queues.acquire('a', patience));
    const waiting = later(order, 'b', queues.acquire('b', { maxWaitMs: 1e6, signal }));
    queues.configure(2, { queues: 8, handSize: 2, queueLengthLimit: 9 });
    await waiting;
    assert.deepEqual(order, ['b']);
  });
});

describe('the hand of a flow', () => {
  it('has different queues, the same ones every time', () => {
    for (const flow of ['a', 'b', 'system:serviceaccount:x:y']) {
      const dealt = hand(hashOf(flow), 64, 8);
      assert.equal(new Set(dealt).size, 8);
      assert.ok(dealt.every((each) => each >= 0 && each < 64));
      assert.deepEqual(hand(hashOf(flow), 64, 8), dealt);
    }
    assert.deepEqual(hand(hashOf('a'), 3, 3).toSorted((left, right) => left - right), [0, 1, 2]);
  });
});
