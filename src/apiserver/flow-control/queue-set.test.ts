import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SimulatedClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import type { Asking, Queuing, Refusal, Seat } from './seats.ts';
import { QueueSet } from './queue-set.ts';
import { hand, hashOf } from './shuffle-shard.ts';
import type { WorkEstimate } from './work-estimate.ts';
import { oneSeat } from './work-estimate.ts';

const signal = new AbortController().signal;

function asking(flow: string, more: Partial<Pick<Asking, 'work' | 'signal'>> = {}): Asking {
  return { flow, work: oneSeat, signal, onWait: () => {}, onNoAccommodation: () => {}, ...more };
}
type Asked = Partial<Pick<Asking, 'work' | 'signal'>> & { readonly maxWaitMs?: number };
interface Level {
  readonly queues: QueueSet<Asking>;
  readonly clock: SimulatedClock;
  readonly ask: (flow: string, more?: Asked) => Got;
}
function level(limit: number, queuing: Queuing | undefined, options: { readonly isExempt?: boolean } = {}): Level {
  const clock = new SimulatedClock();
  const queues = new QueueSet<Asking>(clock, limit, queuing, options);
  return { queues, clock, ask: (flow, { maxWaitMs = 1e6, ...more } = {}) => queues.acquire(asking(flow, more), { maxWaitMs, nowMs: clock.monotonicMs() }) };
}
function wide(seats: number): WorkEstimate {
  return { ...oneSeat, seats };
}
type Got = Seat | Refusal | Promise<Seat | Refusal>;
/** Seats that are there at once. */
function now(got: Got): Seat {
  assert.ok(typeof got === 'object' && !(got instanceof Promise), 'it has to wait or was refused');
  return got;
}
/** Notes the order in which those who wait get in. */
function later(order: string[], name: string, got: Got): Promise<Seat | Refusal> {
  assert.ok(got instanceof Promise, `${name} did not have to wait`);
  return got.then((outcome) => {
    order.push(typeof outcome === 'string' ? `${name}: ${outcome}` : name);
    return outcome;
  });
}

describe('the seats of a priority level', () => {
  it('are given at once while there are some, then waited for, then refused', () => {
    const { queues, ask } = level(2, { queues: 1, handSize: 1, queueLengthLimit: 1 });
    now(ask('a'));
    now(ask('a'));
    void later([], 'third', ask('a'));
    assert.equal(ask('a'), 'queue-full');
    assert.deepEqual([queues.executing, queues.waiting, queues.seatsInUse, queues.seatsWaiting], [2, 1, 2, 1]);
  });

  it('are refused at once where there are no queues', () => {
    const { ask } = level(1, undefined);
    const seat = now(ask('a'));
    assert.equal(ask('a'), 'concurrency-limit');
    seat.release();
    now(ask('a'));
  });

  it('are without end where the level is exempt', () => {
    const { queues, ask } = level(0, undefined, { isExempt: true });
    for (let index = 0; index < 100; index++) now(ask('a'));
    assert.equal(queues.executing, 100);
  });

  it('are given back once, and after a while where watchers are being told', async () => {
    const { queues, clock, ask } = level(4, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    const seat = now(ask('a', { work: { seats: 1, finalSeats: 3, lingersMs: 5 } }));
    assert.equal(queues.seatsInUse, 3);
    seat.release();
    seat.release();
    assert.deepEqual([queues.executing, queues.seatsInUse], [0, 3]);
    await clock.advance(5);
    assert.equal(queues.seatsInUse, 0);
  });

  it('are kept free for a wide request whose turn it is', async () => {
    const { clock, ask } = level(3, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    const order: string[] = [];
    const first = now(ask('a'));
    const wideOne = later(order, 'wide', ask('a', { work: wide(3) }));
    const narrow = later(order, 'narrow', ask('a'));
    await clock.advance(1);
    assert.deepEqual(order, []);
    first.release();
    const got = await wideOne;
    assert.deepEqual(order, ['wide']);
    if (typeof got !== 'string') got.release();
    await narrow;
  });

  it('are given to one that is wider than all when it is alone', () => {
    const { ask } = level(2, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    now(ask('a', { work: wide(10) }));
    assert.ok(ask('a') instanceof Promise);
  });
});

describe('fair queues', () => {
  /** One seat; requests of the flows come at once, each takes `lengths[flow]` ms. Gives the order in which they are served. */
  async function serve(flows: readonly string[], lengths: Readonly<Record<string, number>>, work: Readonly<Record<string, WorkEstimate>> = {}, limit = 1): Promise<string[]> {
    const { clock, ask } = level(limit, { queues: 64, handSize: 1, queueLengthLimit: 500 });
    const order: string[] = [];
    const first = now(ask('first', { work: wide(limit) }));
    const all = flows.map((flow) => later(order, flow, ask(flow, { ...(work[flow] !== undefined && { work: work[flow] }) })).then((seat) => {
      if (typeof seat !== 'string') clock.after(lengths[flow] ?? 10, () => seat.release());
    }));
    await clock.advance(10);
    first.release();
    await clock.advance(1e5);
    await Promise.all(all);
    return order;
  }

  it('let flows take turns, however much one of them asks', async () => {
    assert.deepEqual(await serve(['greedy', 'greedy', 'greedy', 'greedy', 'modest', 'modest'], {}), ['greedy', 'modest', 'greedy', 'modest', 'greedy', 'greedy']);
  });

  it('give way to the flow whose requests are short', async () => {
    const order = await serve([...Array.from({ length: 10 }, () => 'slow'), ...Array.from({ length: 10 }, () => 'quick')], { slow: 100, quick: 10 });
    const lastQuick = order.lastIndexOf('quick');
    assert.ok(order.slice(0, lastQuick).filter((each) => each === 'slow').length <= 2, order.join(' '));
  });

  it('count wide requests for as much as they take', async () => {
    const order = await serve([...Array.from({ length: 12 }, () => 'wide'), ...Array.from({ length: 12 }, () => 'narrow')], {}, { wide: wide(4) }, 4);
    const lastNarrow = order.lastIndexOf('narrow');
    assert.ok(order.slice(0, lastNarrow).filter((each) => each === 'wide').length <= 5, order.join(' '));
  });

  it('forget those who gave up', async () => {
    const { queues, clock, ask } = level(1, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    const order: string[] = [];
    const seat = now(ask('a'));
    const abort = new AbortController();
    const all = [
      later(order, 'impatient', ask('a', { maxWaitMs: 5 })),
      later(order, 'leaving', ask('a', { signal: abort.signal })),
      later(order, 'staying', ask('a')),
    ];
    await clock.advance(6);
    abort.abort();
    await clock.advance(1);
    seat.release();
    await Promise.all(all);
    assert.deepEqual(order, ['impatient: time-out', 'leaving: cancelled', 'staying']);
    assert.deepEqual([queues.executing, queues.waiting, queues.outcomes], [1, 0, { dispatched: 2, rejected: 0, timedOut: 1, cancelled: 1 }]);
  });

  it('take effect anew when they are configured, and surplus ones go when they are empty', async () => {
    const { queues, ask } = level(1, { queues: 8, handSize: 2, queueLengthLimit: 9 });
    const order: string[] = [];
    const seats = [now(ask('a'))];
    const waiting = ['b', 'c', 'd', 'e'].map((flow) => later(order, flow, ask(flow)).then((seat) => {
      if (typeof seat !== 'string') seats.push(seat);
    }));
    queues.configure(5, { queues: 1, handSize: 1, queueLengthLimit: 9 });
    await Promise.all(waiting);
    assert.equal(order.length, 4);
    for (const seat of seats) seat.release();
    assert.equal(queues.dump().length, 1);
  });

  it('lose nobody and never give more than there is, whatever happens', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 6 }), fc.array(fc.tuple(fc.nat({ max: 5 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 })), { maxLength: 60 }), async (seed, limit, requests) => {
      const random = seededRandom(seed);
      const { queues, clock, ask } = level(limit, { queues: 4, handSize: 2, queueLengthLimit: 6 });
      let served = 0;
      let refused = 0;
      for (const [flow, seats, lengthMs] of requests) {
        const got = ask(String(flow), { work: wide(seats), maxWaitMs: 100 });
        void Promise.resolve(got).then((outcome) => {
          if (typeof outcome === 'string') refused++;
          else {
            served++;
            assert.ok(queues.seatsInUse <= limit || queues.executing === 1, `${queues.seatsInUse} of ${limit}`);
            clock.after(lengthMs, () => outcome.release());
          }
        });
        if (random.next() < 0.3) await clock.advance(Math.floor(random.next() * 20));
      }
      await clock.advance(1e4);
      assert.equal(served + refused, requests.length);
      assert.deepEqual([queues.executing, queues.waiting, queues.seatsInUse, queues.seatsWaiting], [0, 0, 0, 0]);
      assert.equal(queues.currentR, queues.currentR);
    }), { numRuns: 60 });
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
