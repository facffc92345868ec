import type { Clock } from '#base/clock.ts';
import type { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import type { FlowRequest } from './flow-request.ts';
import type { Queuing } from './seats.ts';
import { QueueSet } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import type { Demand, Observed } from './seat-demand.ts';
import { nextDemand, noDemand } from './seat-demand.ts';
import type { SeatLimits } from './share-seats.ts';
import { TimedRatio } from './timed-ratios.ts';

const seatBounds = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];
const requestBounds = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1];
const demandBounds = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6];

/** One priority level as it is now: its seats, its queues, and how much it would like to have. */
export class PriorityLevel {
  readonly name: string;
  readonly isExempt: boolean;
  readonly queues: QueueSet<FlowRequest>;
  readonly seatRatio: TimedRatio;
  readonly executingRatio: TimedRatio;
  readonly waitingRatio: TimedRatio;
  readonly demandRatio: TimedRatio;
  readonly retryAfter = new RetryAfter();
  #object: PriorityLevelConfiguration;
  #limits: SeatLimits;
  #current: number;
  #demand: Demand = noDemand;
  #target = 0;
  /** Nobody wants it any more; it goes when the last request has. */
  isQuiescing = false;

  constructor(clock: Clock, object: PriorityLevelConfiguration, limits: SeatLimits) {
    this.name = object.metadata.name;
    this.isExempt = object.spec.type === 'Exempt';
    this.#object = object;
    this.#limits = limits;
    // Half of what it may lend is lent before anything is known of demand.
    this.#current = limits.nominal - Math.trunc((limits.nominal - limits.lower) / 2);
    this.queues = new QueueSet<FlowRequest>(clock, this.#current, queuingOf(object), { isExempt: this.isExempt });
    this.seatRatio = new TimedRatio(clock, seatBounds, this.#current);
    this.executingRatio = new TimedRatio(clock, requestBounds, Math.max(1, this.#current));
    this.waitingRatio = new TimedRatio(clock, requestBounds, capacityOf(queuingOf(object)));
    this.demandRatio = new TimedRatio(clock, demandBounds, Math.max(1, limits.nominal));
  }

  get object(): PriorityLevelConfiguration {
    return this.#object;
  }
  get limits(): SeatLimits {
    return this.#limits;
  }
  /** How many seats it has just now. */
  get current(): number {
    return this.#current;
  }
  get demand(): Demand {
    return this.#demand;
  }
  get target(): number {
    return this.#target;
  }

  reconfigure(object: PriorityLevelConfiguration, limits: SeatLimits): void {
    this.#object = object;
    this.#limits = limits;
    this.waitingRatio.setDenominator(capacityOf(queuingOf(object)));
    this.demandRatio.setDenominator(Math.max(1, limits.nominal));
    this.queues.configure(this.#current, queuingOf(object));
  }

  /** Judges what was wanted since the last time. Gives the fewest seats it must have, and how many it would like. */
  judge(observed: Observed | undefined): { readonly lower: number; readonly target: number } {
    this.#demand = nextDemand(this.#demand, observed);
    const lower = Math.max(this.#limits.lower, Math.min(this.#limits.nominal, this.#demand.peak));
    this.#target = Math.max(lower, this.#demand.smoothed);
    return { lower, target: this.#target };
  }

  give(seats: number): void {
    if (seats === this.#current) return;
    this.#current = seats;
    this.seatRatio.setDenominator(seats);
    this.executingRatio.setDenominator(Math.max(1, seats));
    this.queues.configure(seats, queuingOf(this.#object));
  }

  /** To be called when requests have come, gone or begun to wait. */
  noteChange(nowMs: number): void {
    const { queues } = this;
    this.seatRatio.set(queues.seatsInUse, nowMs);
    this.executingRatio.set(queues.executing, nowMs);
    this.waitingRatio.set(queues.waiting, nowMs);
    this.demandRatio.set(queues.seatsInUse + queues.seatsWaiting, nowMs);
  }
}

export function queuingOf({ spec }: PriorityLevelConfiguration): Queuing | undefined {
  const response = spec.limited?.limitResponse;
  return response?.type === 'Queue' ? response.queuing : undefined;
}

function capacityOf(queuing: Queuing | undefined): number {
  return queuing === undefined ? 1 : Math.max(1, queuing.queues * queuing.queueLengthLimit);
}
