import type { Clock } from '#base/clock.ts';

/** Answers of somebody who is asked over the network, remembered for a while; bounded, the oldest goes first. */
export class ReviewCache<T> {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();

  /** 8192, as upstream: one for every user and deed of some hundreds of users. */
  constructor(clock: Clock, maxEntries = 8192) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  get(key: string): T | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    if (found.untilMs > this.#clock.monotonicMs()) return found.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, ttlMs: number): void {
    if (ttlMs <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + ttlMs });
    if (this.#entries.size <= this.#maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}
