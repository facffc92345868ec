import { hand, hashOf } from './shuffle-shard.ts';
import type { DispatchState, Queuing, Seat, WaitingRequest } from './seats.ts';
import type { WorkEstimate } from './work-estimate.ts';

/** A request in a queue. */
export interface Waiting<T> extends WaitingRequest<T> {
  readonly arrivedR: number;
  /** Seat-seconds, as estimated. */
  readonly workS: number;
  readonly queue: Queue<T>;
  readonly enter: (seat: Seat) => void;
}

export interface Queue<T> {
  index: number;
  readonly waiting: Waiting<T>[];
  waitingSeats: number;
  waitingWorkS: number;
  executing: number;
  seatsInUse: number;
  /** When, in virtual time, the next request of the queue would be let in were every queue served evenly. */
  nextDispatchR: number;
}

/** How long a request is taken to last before it has shown how long it does. Seconds. */
export const assumedServiceS = 0.003;
/** Flows whose hand is remembered; more are dealt anew. */
const maxHands = 1000;

/** More are taken for as many: each costs memory, and no flow could tell. */
const maxQueues = 16_384;

/** The queues of a priority level, and whose turn it is. */
export class FlowQueues<T> {
  readonly #hands = new Map<string, readonly number[]>();
  readonly #queues: Queue<T>[] = [];
  #queuing: Queuing | undefined;
  #robin = 0;
  #dealt = 0;

  get queuing(): Queuing | undefined {
    return this.#queuing;
  }

  get all(): readonly Queue<T>[] {
    return this.#queues;
  }

  /** Of the flow's hand, the queue with the least work waiting. */
  queueFor(flow: string, { queues, handSize }: Queuing): Queue<T> {
    let dealt = this.#hands.get(flow);
    if (dealt === undefined) {
      if (this.#hands.size >= maxHands) this.#hands.clear();
      dealt = hand(hashOf(flow), queues, handSize);
      this.#hands.set(flow, dealt);
    }
    // Not always from the first card on: flows that share some would meet there.
    const offset = this.#dealt++ % dealt.length;
    let best: Queue<T> | undefined;
    for (let step = 0; step < dealt.length; step++) {
      const queue = this.#queues[dealt[(offset + step) % dealt.length] ?? 0];
      if (queue !== undefined && (best === undefined || queue.waitingWorkS < best.waitingWorkS)) best = queue;
    }
    return best ?? (this.#queues[0] as Queue<T>);
  }

  /** In turn from behind the queue that was served last: the one whose oldest request would finish first. */
  next(): Queue<T> | undefined {
    let best: Queue<T> | undefined;
    let bestFinish = Infinity;
    const count = this.#queues.length;
    for (let step = 1; step <= count; step++) {
      const queue = this.#queues[(this.#robin + step) % count];
      const oldest = queue?.waiting[0];
      if (queue === undefined || oldest === undefined) continue;
      const finish = queue.nextDispatchR + oldest.workS;
      if (finish < bestFinish) {
        best = queue;
        bestFinish = finish;
      }
    }
    return best;
  }

  /** A request of this queue is let in. Gives how the queues stood then. */
  served(queue: Queue<T>, dispatchR: number): DispatchState {
    this.#robin = queue.index;
    const latestS = queue.nextDispatchR;
    let [min, max, discountedMin, discountedMax] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const { waiting, nextDispatchR, seatsInUse } of this.#queues) {
      if (waiting.length === 0) continue;
      const discounted = nextDispatchR - seatsInUse * assumedServiceS;
      min = Math.min(min, nextDispatchR);
      max = Math.max(max, nextDispatchR);
      discountedMin = Math.min(discountedMin, discounted);
      discountedMax = Math.max(discountedMax, discounted);
    }
    if (min === Infinity) [min, max, discountedMin, discountedMax] = [latestS, latestS, latestS, latestS];
    return { dispatchR, latestS, nextS: [min, max], discountedS: [discountedMin, discountedMax] };
  }

  /** Takes effect on those who come from now on. */
  configure(asked: Queuing | undefined): void {
    const queuing = asked === undefined ? undefined : { ...asked, queues: Math.min(asked.queues, maxQueues) };
    if (queuing?.queues !== this.#queuing?.queues || queuing?.handSize !== this.#queuing?.handSize) this.#hands.clear();
    this.#queuing = queuing;
    while (this.#queues.length < (queuing?.queues ?? 0)) this.#queues.push({ index: this.#queues.length, waiting: [], waitingSeats: 0, waitingWorkS: 0, executing: 0, seatsInUse: 0, nextDispatchR: 0 });
    this.dropSurplus();
  }

  /** Queues that are wanted no longer go when they are empty. */
  dropSurplus(): void {
    const wanted = this.#queuing?.queues ?? 0;
    for (let last = this.#queues.at(-1); last !== undefined && last.index >= wanted && last.waiting.length === 0 && last.executing === 0; last = this.#queues.at(-1)) this.#queues.pop();
  }
}

/** Seat-seconds, as estimated. */
export function workOf({ seats, finalSeats, lingersMs }: WorkEstimate): number {
  return seats * assumedServiceS + (finalSeats * lingersMs) / 1000;
}
