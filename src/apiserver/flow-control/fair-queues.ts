import type { Clock } from '#base/clock.ts';

export interface Queuing {
  readonly queues: number;
  /** Among how many queues a flow chooses. */
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

const turnMs = 0.001;

/** Gives the seat back. Idempotent. */
export type Release = () => void;

interface Waiting {
  readonly enter: (release: Release) => void;
  isGone: boolean;
}
interface Queue {
  readonly waiting: Waiting[];
  /** Milliseconds of service its requests have had, counted from where the others stood when it last became busy. */
  servedMs: number;
}

/**
 * So many seats, and queues for those who find none. A flow always chooses among the same few queues, so that a busy one
 * fills few of them; the queue that had the least service goes next, so that a flow of short requests is not held up by
 * one of long ones.
 *
 * Source: Kubernetes documentation, "API Priority and Fairness" (shuffle sharding, fair queuing).
 */
export class FairQueues {
  readonly #clock: Clock;
  #seats: number;
  #queuing: Queuing | undefined;
  #queues: Queue[];
  #executing = 0;
  #queued = 0;

  /** Without `queuing`, who finds no seat is refused at once. */
  constructor(clock: Clock, seats: number, queuing: Queuing | undefined) {
    this.#clock = clock;
    this.#seats = seats;
    this.#queuing = queuing;
    this.#queues = emptyQueues(queuing);
  }

  get executing(): number {
    return this.#executing;
  }
  get queued(): number {
    return this.#queued;
  }
  get seats(): number {
    return this.#seats;
  }

  /** Takes effect on those who come from now on; who waits already keeps its place. */
  configure(seats: number, queuing: Queuing | undefined): void {
    this.#seats = seats;
    if (queuing?.queues !== this.#queuing?.queues) {
      const rest = this.#queues.flatMap((queue) => queue.waiting);
      this.#queues = emptyQueues(queuing);
      const [first] = this.#queues;
      if (first === undefined) for (const each of rest) this.#enter(each, undefined);
      else first.waiting.push(...rest);
    }
    this.#queuing = queuing;
    this.#dispatch();
  }

  /**
   * A seat: at once, or, as a promise, when it is this flow's turn. Undefined: refused, for the queue is full. The promise
   * gives undefined when `maxWaitMs` have passed or `signal` aborts.
   */
  acquire(flow: string, { maxWaitMs, signal }: { readonly maxWaitMs: number; readonly signal: AbortSignal }): Release | undefined | Promise<Release | undefined> {
    if (this.#executing < this.#seats && this.#queued === 0) return this.#seat(undefined);
    const queuing = this.#queuing;
    const queue = queuing === undefined ? undefined : this.#shortestOf(flow, queuing);
    if (queuing === undefined || queue === undefined || queue.waiting.length >= queuing.queueLengthLimit) return undefined;
    return new Promise((resolve) => {
      const finish = (release: Release | undefined): void => {
        timer.cancel();
        signal.removeEventListener('abort', giveUp);
        resolve(release);
      };
      const waiting: Waiting = { enter: finish, isGone: false };
      const giveUp = (): void => {
        if (waiting.isGone) return;
        waiting.isGone = true;
        queue.waiting.splice(queue.waiting.indexOf(waiting), 1);
        this.#queued--;
        finish(undefined);
      };
      const timer = this.#clock.after(maxWaitMs, giveUp);
      signal.addEventListener('abort', giveUp, { once: true });
      if (queue.waiting.length === 0) queue.servedMs = Math.max(queue.servedMs, this.#leastServed());
      queue.waiting.push(waiting);
      this.#queued++;
    });
  }

  #seat(queue: Queue | undefined): Release {
    const startedMs = this.#clock.monotonicMs();
    let isReleased = false;
    this.#executing++;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#executing--;
      if (queue !== undefined) queue.servedMs += this.#clock.monotonicMs() - startedMs;
      this.#dispatch();
    };
  }

  #dispatch(): void {
    while (this.#executing < this.#seats && this.#queued > 0) {
      let next: Queue | undefined;
      for (const queue of this.#queues) if (queue.waiting.length > 0 && (next === undefined || queue.servedMs < next.servedMs)) next = queue;
      const first = next?.waiting.shift();
      if (first === undefined || next === undefined) return;
      // Being let in counts a little, so that queues of equal service take turns.
      next.servedMs += turnMs;
      this.#enter(first, next);
    }
  }

  #enter(waiting: Waiting, queue: Queue | undefined): void {
    waiting.isGone = true;
    this.#queued--;
    waiting.enter(this.#seat(queue));
  }

  /** Where the busy queues stand; one that comes back does not make up for the time it was away. */
  #leastServed(): number {
    let least = Infinity;
    for (const queue of this.#queues) if (queue.waiting.length > 0) least = Math.min(least, queue.servedMs);
    return least === Infinity ? 0 : least;
  }

  #shortestOf(flow: string, { queues, handSize }: Queuing): Queue | undefined {
    let shortest: Queue | undefined;
    for (const index of hand(hashOf(flow), queues, handSize)) {
      const queue = this.#queues[index];
      if (queue !== undefined && (shortest === undefined || queue.waiting.length < shortest.waiting.length)) shortest = queue;
    }
    return shortest;
  }
}

function emptyQueues(queuing: Queuing | undefined): Queue[] {
  return Array.from({ length: queuing?.queues ?? 0 }, () => ({ waiting: [], servedMs: 0 }));
}

/** `size` different numbers below `count` that follow from `hash`, as cards are dealt. */
export function hand(hash: bigint, count: number, size: number): number[] {
  const dealt: number[] = [];
  let rest = hash;
  for (let left = count; left > Math.max(0, count - size); left--) {
    let card = Number(rest % BigInt(left));
    rest /= BigInt(left);
    // Counts past the cards that are gone.
    for (const gone of dealt.toSorted((a, b) => a - b)) if (gone <= card) card++;
    dealt.push(card);
  }
  return dealt;
}

/** FNV-1a of 64 bits. */
export function hashOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return hash;
}
