import type { Clock } from '#base/clock.ts';
import type { Queue, Waiting } from './flow-queues.ts';
import { FlowQueues, assumedServiceS, workOf } from './flow-queues.ts';
import { Integrator } from './seat-demand.ts';
import type { Asking, DispatchState, ExecutingRequest, Outcomes, QueueDump, Queuing, Refusal, Seat } from './seats.ts';
import { widthOf } from './work-estimate.ts';

class Running<T> implements ExecutingRequest<T>, Seat {
  readonly asking: T;
  readonly queue: Queue<T> | undefined;
  readonly arrivedMs: number;
  readonly startedMs: number;
  readonly #end: (running: Running<T>) => void;

  constructor(asking: T, queue: Queue<T> | undefined, times: { readonly arrivedMs: number; readonly startedMs: number }, end: (running: Running<T>) => void) {
    this.asking = asking;
    this.queue = queue;
    this.arrivedMs = times.arrivedMs;
    this.startedMs = times.startedMs;
    this.#end = end;
  }

  get queueIndex(): number {
    return this.queue?.index ?? -1;
  }

  release(): void {
    this.#end(this);
  }
}

/**
 * The seats of one priority level and the queues of those who wait for some.
 *
 * Fair queuing for server requests: virtual time R runs as fast as each busy queue would get seat-seconds if all got the
 * same. A queue's next request has a virtual start; who would finish first in the virtual world goes next. A queue pays
 * for the estimated work when its request starts, and the difference when it ends.
 *
 * `queuing` undefined: who finds no seat is refused. `isExempt`: nobody ever waits.
 *
 * Source: KEP-1040 ("Fair Queuing for Server Requests"); Kubernetes documentation, "API Priority and Fairness".
 */
export class QueueSet<T extends Asking> {
  readonly #clock: Clock;
  readonly #isExempt: boolean;
  /** Seats in use and asked for. */
  readonly demand: Integrator;
  #limit: number;
  readonly #queues = new FlowQueues<T>();
  #executing = 0;
  #waiting = 0;
  #seatsInUse = 0;
  #seatsWaiting = 0;
  /** Queues with somebody waiting or being served. */
  #busyQueues = 0;
  #currentR = 0;
  #lastMs: number;
  #dispatchState: DispatchState | undefined;
  readonly #running = new Set<Running<T>>();
  readonly #outcomes = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
  readonly #end = (running: Running<T>): void => {
    if (this.#running.delete(running)) this.#finish(running);
  };

  constructor(clock: Clock, limit: number, queuing: Queuing | undefined, { isExempt = false }: { readonly isExempt?: boolean } = {}) {
    this.#clock = clock;
    this.#isExempt = isExempt;
    this.#limit = limit;
    this.#lastMs = clock.monotonicMs();
    this.demand = new Integrator(this.#lastMs);
    this.#queues.configure(queuing);
  }

  get executing(): number {
    return this.#executing;
  }
  get waiting(): number {
    return this.#waiting;
  }
  get seatsInUse(): number {
    return this.#seatsInUse;
  }
  get seatsWaiting(): number {
    return this.#seatsWaiting;
  }
  get limit(): number {
    return this.#limit;
  }
  get isIdle(): boolean {
    return this.#waiting === 0 && this.#executing === 0;
  }
  get dispatchState(): DispatchState | undefined {
    return this.#dispatchState;
  }
  get outcomes(): Outcomes {
    return this.#outcomes;
  }
  /** Virtual time, in seat-seconds. */
  get currentR(): number {
    this.#syncTime(this.#clock.monotonicMs());
    return this.#currentR;
  }

  /** Takes effect at once; who waits already keeps its place. */
  configure(limit: number, queuing: Queuing | undefined): void {
    this.#syncTime(this.#clock.monotonicMs());
    this.#limit = limit;
    this.#queues.configure(queuing);
    this.#dispatch();
  }

  /** Seats: at once, or, as a promise, when it is this request's turn, or never: the reason. `nowMs`: by the monotonic clock. */
  acquire(asking: T, { maxWaitMs, nowMs }: { readonly maxWaitMs: number; readonly nowMs: number }): Seat | Refusal | Promise<Seat | Refusal> {
    this.#syncTime(nowMs);
    if (this.#isExempt) return this.#enter(asking, undefined, { arrivedMs: nowMs, startedMs: nowMs });
    const width = widthOf(asking.work);
    const { queuing } = this.#queues;
    if (queuing === undefined || queuing.queues === 0) return this.#fits(width) ? this.#enter(asking, undefined, { arrivedMs: nowMs, startedMs: nowMs }) : this.#reject('concurrency-limit');
    const queue = this.#queues.queueFor(asking.flow, queuing);
    if (this.#waiting === 0 && this.#fits(width)) return this.#enterFrom(queue, asking, { arrivedMs: nowMs, startedMs: nowMs });
    if (this.#seatsInUse >= this.#limit && queue.waiting.length >= queuing.queueLengthLimit) return this.#reject('queue-full');
    return this.#wait(queue, asking, { maxWaitMs, nowMs });
  }

  #reject(reason: Refusal): Refusal {
    this.#outcomes.rejected++;
    return reason;
  }

  /** What is in each queue now. */
  dump(): readonly QueueDump<T>[] {
    return this.#queues.all.map(({ waiting, executing, seatsInUse, nextDispatchR }) => ({ waiting: [...waiting], executing, seatsInUse, nextDispatchR }));
  }

  /** Those that are served now. */
  running(): readonly ExecutingRequest<T>[] {
    return [...this.#running];
  }

  #wait(queue: Queue<T>, asking: T, { maxWaitMs, nowMs }: { readonly maxWaitMs: number; readonly nowMs: number }): Promise<Seat | Refusal> {
    const { work, signal } = asking;
    return new Promise((resolve) => {
      const finish = (outcome: Seat | Refusal): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const request: Waiting<T> = { asking, arrivedMs: nowMs, arrivedR: this.#currentR, workS: workOf(work), queue, enter: finish };
      const giveUp = (reason: Refusal): void => {
        const at = queue.waiting.indexOf(request);
        if (at < 0) return;
        const thenMs = this.#clock.monotonicMs();
        this.#syncTime(thenMs);
        queue.waiting.splice(at, 1);
        this.#leaveQueue(request, thenMs);
        this.#bound(queue);
        this.#outcomes[reason === 'time-out' ? 'timedOut' : 'cancelled']++;
        finish(reason);
        // Who stood behind may fit where this one did not.
        this.#dispatch();
      };
      const onAbort = (): void => giveUp('cancelled');
      const timer = this.#clock.after(maxWaitMs, () => giveUp('time-out'));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#touch(queue);
      queue.waiting.push(request);
      queue.waitingSeats += widthOf(work);
      queue.waitingWorkS += request.workS;
      this.#waiting++;
      this.#seatsWaiting += widthOf(work);
      this.demand.set(this.#seatsInUse + this.#seatsWaiting, nowMs);
      this.#bound(queue);
      asking.onWait(queue.waiting.length);
      if (signal.aborted) onAbort();
      else this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting > 0 && this.#seatsInUse < this.#limit) {
      const queue = this.#queues.next();
      const request = queue?.waiting[0];
      if (queue === undefined || request === undefined) return;
      if (!this.#fits(widthOf(request.asking.work))) {
        request.asking.onNoAccommodation();
        return;
      }
      const nowMs = this.#clock.monotonicMs();
      this.#dispatchState = this.#queues.served(queue, this.#currentR);
      const seat = this.#enterFrom(queue, request.asking, { arrivedMs: request.arrivedMs, startedMs: nowMs });
      // Only now: the queue was busy all the time.
      queue.waiting.shift();
      this.#leaveQueue(request, nowMs);
      this.#bound(queue);
      request.enter(seat);
    }
  }

  /** One that is wider than the level goes when it is alone. */
  #fits(width: number): boolean {
    return width > this.#limit ? this.#executing === 0 && this.#limit > 0 : this.#seatsInUse + width <= this.#limit;
  }

  #enterFrom(queue: Queue<T>, asking: T, times: { readonly arrivedMs: number; readonly startedMs: number }): Seat {
    this.#touch(queue);
    queue.nextDispatchR += workOf(asking.work);
    return this.#enter(asking, queue, times);
  }

  #enter(asking: T, queue: Queue<T> | undefined, times: { readonly arrivedMs: number; readonly startedMs: number }): Seat {
    const width = widthOf(asking.work);
    this.#executing++;
    this.#outcomes.dispatched++;
    this.#seatsInUse += width;
    if (queue !== undefined) {
      queue.executing++;
      queue.seatsInUse += width;
    }
    this.demand.set(this.#seatsInUse + this.#seatsWaiting, times.startedMs);
    const running = new Running(asking, queue, times, this.#end);
    this.#running.add(running);
    return running;
  }

  #finish({ asking: { work }, queue, startedMs }: Running<T>): void {
    const nowMs = this.#clock.monotonicMs();
    this.#syncTime(nowMs);
    this.#executing--;
    if (queue !== undefined) {
      // It has paid for what it was taken to last.
      queue.nextDispatchR -= work.seats * (assumedServiceS - (nowMs - startedMs) / 1000);
      this.#bound(queue);
    }
    if (work.lingersMs <= 0 || this.#isExempt) {
      this.#vacate(widthOf(work), queue, nowMs);
      return;
    }
    this.#clock.after(work.lingersMs, () => {
      const thenMs = this.#clock.monotonicMs();
      this.#syncTime(thenMs);
      this.#vacate(widthOf(work), queue, thenMs);
    });
  }

  #vacate(width: number, queue: Queue<T> | undefined, nowMs: number): void {
    this.#seatsInUse -= width;
    if (queue !== undefined) {
      queue.executing--;
      queue.seatsInUse -= width;
      this.#rest(queue);
    }
    this.demand.set(this.#seatsInUse + this.#seatsWaiting, nowMs);
    if (this.#waiting > 0) this.#dispatch();
  }

  #leaveQueue({ queue, asking: { work }, workS }: Waiting<T>, nowMs: number): void {
    queue.waitingSeats -= widthOf(work);
    queue.waitingWorkS -= workS;
    this.#waiting--;
    this.#seatsWaiting -= widthOf(work);
    this.demand.set(this.#seatsInUse + this.#seatsWaiting, nowMs);
    this.#rest(queue);
  }

  /** A queue that was empty starts at the present: it does not make up for the time it was away. */
  #touch(queue: Queue<T>): void {
    if (queue.waiting.length > 0 || queue.executing > 0) return;
    queue.nextDispatchR = this.#currentR;
    this.#busyQueues++;
  }

  #rest(queue: Queue<T>): void {
    if (queue.waiting.length > 0 || queue.executing > 0) return;
    this.#busyQueues--;
    this.#queues.dropSurplus();
  }

  /** In the virtual world nobody is served before they came. */
  #bound(queue: Queue<T>): void {
    const oldest = queue.waiting[0];
    if (oldest !== undefined && queue.nextDispatchR < oldest.arrivedR) queue.nextDispatchR = oldest.arrivedR;
  }

  /** To be called before anything changes: virtual time runs by what was until now. */
  #syncTime(nowMs: number): void {
    if (this.#busyQueues > 0) this.#currentR += (Math.min(this.#seatsInUse + this.#seatsWaiting, this.#limit) / this.#busyQueues) * ((nowMs - this.#lastMs) / 1000);
    this.#lastMs = nowMs;
  }

}
