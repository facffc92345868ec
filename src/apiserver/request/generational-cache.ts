/**
 * What was made of objects, as long as they live and it was asked for lately. Nobody keeps an object alive by having asked
 * for it: the older half is dropped as a whole when the younger one is full, and what is in use moves to the younger one.
 */
export class GenerationalCache<K extends object, V> {
  readonly #maxBytes: number;
  readonly #bytesOf: (value: V) => number;
  #young = new WeakMap<K, V>();
  #old = new WeakMap<K, V>();
  #youngBytes = 0;

  /** `maxBytes`: of one half. */
  constructor(maxBytes: number, bytesOf: (value: V) => number) {
    this.#maxBytes = maxBytes;
    this.#bytesOf = bytesOf;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#youngBytes > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#youngBytes = 0;
    }
    this.#young.set(key, value);
    this.#youngBytes += this.#bytesOf(value);
  }
}
