import type { Clock, Timer } from '#base/clock.ts';

/** When what has failed is tried again, where it has no pause of its own. */
export const retryAfterMs = 10_000;

/** Rings once at the earliest of the times it was set to since it rang last. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  #atMs = Infinity;
  #isClosed = false;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Sets it to a time of the wall clock, ms; a later one than it is set to changes nothing. */
  at(atMs: number): void {
    if (atMs >= this.#atMs || this.#isClosed) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.after(atMs - this.#clock.nowMs(), () => {
      this.#atMs = Infinity;
      this.#ring();
    });
  }

  in(delayMs: number): void {
    this.at(this.#clock.nowMs() + delayMs);
  }

  /** What it was set to no longer matters. */
  clear(): void {
    this.#timer?.cancel();
    this.#atMs = Infinity;
  }

  /** It never rings again. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}
