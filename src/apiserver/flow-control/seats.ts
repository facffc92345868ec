/** What asks for the seats of a priority level, and what comes of it. */
import type { WorkEstimate } from './work-estimate.ts';

export interface Queuing {
  readonly queues: number;
  /** Among how many queues a flow chooses. */
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** What asks for seats: one object per request, which dumps show again. */
export interface Asking {
  /** Requests of one flow choose among the same few queues. */
  readonly flow: string;
  readonly work: WorkEstimate;
  /** Looked at only where it has to wait. */
  readonly signal: AbortSignal;
  /** It begins to wait; so many do in its queue then. */
  onWait(queueLength: number): void;
  /** It was its turn, but not so many seats are free. */
  onNoAccommodation(): void;
}

/** A request that is served. */
export interface Seat {
  /** The request is answered. Idempotent. The seats may be held for a while longer. */
  release(): void;
}

export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

/** How many requests have come to what end. */
export interface Outcomes {
  readonly dispatched: number;
  readonly rejected: number;
  readonly timedOut: number;
  readonly cancelled: number;
}

/** A request that waits, for dumps. */
export interface WaitingRequest<T> {
  readonly asking: T;
  /** By the monotonic clock. */
  readonly arrivedMs: number;
}

/** One that is served. `queue`: -1 where there is none. */
export interface ExecutingRequest<T> extends WaitingRequest<T> {
  readonly startedMs: number;
  readonly queueIndex: number;
}

export interface QueueDump<T> {
  readonly waiting: readonly WaitingRequest<T>[];
  readonly executing: number;
  readonly seatsInUse: number;
  readonly nextDispatchR: number;
}

/** What is exported of the virtual world. */
export interface DispatchState {
  readonly dispatchR: number;
  readonly latestS: number;
  readonly nextS: readonly [min: number, max: number];
  readonly discountedS: readonly [min: number, max: number];
}
