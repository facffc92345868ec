/** How many seats a priority level would like to have: measured all the time, judged every few seconds. */

/** What a value was over a time: its mean by time, its standard deviation, its peak. */
export interface Observed {
  readonly average: number;
  readonly deviation: number;
  readonly peak: number;
}

/** Adds up a value that stays as it is between two calls. */
export class Integrator {
  #value = 0;
  #lastMs: number;
  #durationMs = 0;
  #sum = 0;
  #squares = 0;
  #peak = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  get value(): number {
    return this.#value;
  }

  set(value: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#value = value;
    if (value > this.#peak) this.#peak = value;
  }

  /** What was since the last call; undefined when no time has passed. */
  take(nowMs: number): Observed | undefined {
    this.#advance(nowMs);
    const durationMs = this.#durationMs;
    const average = durationMs === 0 ? 0 : this.#sum / durationMs;
    const variance = durationMs === 0 ? 0 : this.#squares / durationMs - average * average;
    const observed = { average, deviation: Math.sqrt(Math.max(0, variance)), peak: this.#peak };
    this.#durationMs = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#peak = this.#value;
    return durationMs === 0 ? undefined : observed;
  }

  #advance(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#durationMs += passedMs;
    this.#sum += this.#value * passedMs;
    this.#squares += this.#value * this.#value * passedMs;
  }
}

/** A half-life of five minutes at one step in ten seconds. */
const smoothing = 0.977;

export interface Demand extends Observed {
  /** Follows a rise at once and a fall slowly. */
  readonly smoothed: number;
}

export const noDemand: Demand = { average: 0, deviation: 0, peak: 0, smoothed: 0 };

/** The demand after one more step. */
export function nextDemand(before: Demand, observed: Observed | undefined): Demand {
  if (observed === undefined) return before;
  const envelope = observed.average + observed.deviation;
  return { ...observed, smoothed: Math.max(envelope, smoothing * before.smoothed + (1 - smoothing) * envelope) };
}
