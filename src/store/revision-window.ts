/** The items of consecutive revisions: the newest is added behind, the oldest drop out in front. */
export class RevisionWindow<T> {
  #items: T[] = [];
  /** How many of `#items` in front are dropped; they are cut off when they are half of it, so that dropping is cheap. */
  #dropped = 0;
  #first: number;

  /** `firstRevision` is the revision of the first item to come. */
  constructor(firstRevision: number) {
    this.#first = firstRevision;
  }

  /** Revision of the oldest item (of the next one to come when empty). */
  get firstRevision(): number {
    return this.#first;
  }

  get size(): number {
    return this.#items.length - this.#dropped;
  }

  get(revision: number): T | undefined {
    return revision < this.#first ? undefined : this.#items[this.#dropped + revision - this.#first];
  }

  /** Adds the item of the revision behind the newest. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#dropped];
    this.#items[this.#dropped] = undefined as T;
    this.#dropped++;
    this.#first++;
    if (this.#dropped > 64 && this.#dropped * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#dropped);
      this.#dropped = 0;
    }
    return item;
  }

  /** An independent window with the same items. */
  copy(): RevisionWindow<T> {
    const copy = new RevisionWindow<T>(this.#first);
    copy.#items = this.#items.slice(this.#dropped);
    return copy;
  }
}
