import type { Random } from '#base/random.ts';

/** Choices out of one random source, so that a run follows from its seed. */
export class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True in that share of the calls. */
  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let at = this.#random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      at -= weight;
      if (at < 0) return key;
    }
    return this.pick(entries)[0];
  }
}
