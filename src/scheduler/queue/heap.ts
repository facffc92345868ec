/** A heap whose items can be found again by key, to be replaced or taken out. Costs O(log n) a change. */
export class KeyedHeap<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #keyOf: (item: T) => string;
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(keyOf: (item: T) => string, isBefore: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }
  get(key: string): T | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#items[place];
  }
  /** In no order. */
  values(): Iterable<T> {
    return this.#items;
  }
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds the item, or puts it in place of the one with the same key. */
  push(item: T): void {
    const known = this.#places.get(this.#keyOf(item));
    const place = known ?? this.#items.length;
    this.#set(place, item);
    this.#settle(place);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(this.#keyOf(first));
    return first;
  }

  remove(key: string): T | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const item = this.#items[place];
    const last = this.#items.pop();
    this.#places.delete(key);
    if (last !== undefined && place < this.#items.length) {
      this.#set(place, last);
      this.#settle(place);
    }
    return item;
  }

  #set(place: number, item: T): void {
    this.#items[place] = item;
    this.#places.set(this.#keyOf(item), place);
  }

  #settle(from: number): void {
    let place = from;
    for (;;) {
      const parent = (place - 1) >> 1;
      if (place === 0 || !this.#swapIfBefore(place, parent)) break;
      place = parent;
    }
    for (;;) {
      const left = 2 * place + 1;
      const best = this.#isLess(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfBefore(best, place)) return;
      place = best;
    }
  }

  #isLess(a: number, b: number): boolean {
    const one = this.#items[a];
    const other = this.#items[b];
    return one !== undefined && other !== undefined && this.#isBefore(one, other);
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    if (!this.#isLess(lower, upper)) return false;
    const one = this.#items[lower];
    const other = this.#items[upper];
    if (one === undefined || other === undefined) return false;
    this.#set(upper, one);
    this.#set(lower, other);
    return true;
  }
}
