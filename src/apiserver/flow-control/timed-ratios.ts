import type { Clock } from '#base/clock.ts';

/**
 * For how long a value was in which range: a histogram of every nanosecond. Costs a comparison per bound when the value
 * changes, and nothing while it does not.
 *
 * Source: Kubernetes metrics reference, the timing histograms of API Priority and Fairness.
 */
export class TimedRatio {
  readonly #clock: Clock;
  readonly #bounds: readonly number[];
  readonly #buckets: number[];
  #value = 0;
  #denominator: number;
  #bucket: number;
  #sum = 0;
  #lastMs: number;

  /** `bounds`: upper ends of the buckets, ascending, without infinity. */
  constructor(clock: Clock, bounds: readonly number[], denominator: number) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#buckets = [...bounds.map(() => 0), 0];
    this.#denominator = denominator;
    this.#bucket = this.#bucketOf();
    this.#lastMs = clock.monotonicMs();
  }

  set(value: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#value = value;
    this.#bucket = this.#bucketOf();
  }

  setDenominator(denominator: number): void {
    this.#advance(this.#clock.monotonicMs());
    this.#denominator = denominator;
    this.#bucket = this.#bucketOf();
  }

  /** Lines of the exposition format; counts are nanoseconds. */
  text(name: string, labels: string): string {
    this.#advance(this.#clock.monotonicMs());
    let text = '';
    let total = 0;
    for (const [index, milliseconds] of this.#buckets.entries()) {
      total += milliseconds;
      text += `${name}_bucket{${labels},le="${this.#bounds[index] ?? '+Inf'}"} ${nanoseconds(total)}\n`;
    }
    return `${text}${name}_sum{${labels}} ${this.#sum * 1e6}\n${name}_count{${labels}} ${nanoseconds(total)}\n`;
  }

  #bucketOf(): number {
    const ratio = this.#ratio;
    let bucket = 0;
    while (bucket < this.#bounds.length && ratio > (this.#bounds[bucket] ?? 0)) bucket++;
    return bucket;
  }

  get #ratio(): number {
    return this.#denominator === 0 ? 0 : this.#value / this.#denominator;
  }

  #advance(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#buckets[this.#bucket] = (this.#buckets[this.#bucket] ?? 0) + passedMs;
    this.#sum += this.#ratio * passedMs;
  }
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}
