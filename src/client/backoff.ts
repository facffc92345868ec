import type { Random } from '#base/random.ts';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Adds up to this share of the delay, so that clients which failed together do not come back together. */
  readonly jitter: number;
}

/** Growing pauses between attempts. `reset` after a success. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #nextMs: number;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#nextMs = options.initialMs;
  }

  /** How long to wait now, in milliseconds. Each call makes the next one longer. */
  nextMs(): number {
    const baseMs = this.#nextMs;
    this.#nextMs = Math.min(baseMs * this.#options.factor, this.#options.maxMs);
    return baseMs * (1 + this.#random.next() * this.#options.jitter);
  }

  reset(): void {
    this.#nextMs = this.#options.initialMs;
  }
}
