import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { expired } from '#apimachinery/status-error.ts';
import { CachedObject } from './cached-object.ts';
import { SortedKeys } from './sorted-keys.ts';

/** One change of one object, as every watcher of the resource sees it. */
export interface CacheEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** The new state; of a deletion the last state, carrying the revision of the deletion. */
  readonly current: CachedObject<T>;
  readonly previous: CachedObject<T> | undefined;
  readonly atMs: number;
}

/** How long a watcher may be away and still resume: as long as upstream's watch cache keeps events fresh. */
const freshMs = 75_000;
const minEvents = 100;
/** Bounds memory when writes are many: a watcher that falls this far behind starts anew with a list. */
const maxEvents = 100_000;

/**
 * All objects of one resource and the log of their latest changes. A watcher is a cursor on that log: a slow one costs
 * a number, not a buffer, and is told 410 when the log has left it behind.
 */
export class ResourceCache<T extends KubeObject = KubeObject> {
  readonly kind: ResourceKind<T>;
  readonly #clock: Clock;
  readonly #objects = new Map<string, CachedObject<T>>();
  readonly #keys = new SortedKeys();
  /** Events by absolute position: `#events[i]` has position `#base + i`. */
  #events: CacheEvent<T>[] = [];
  #base = 0;
  /** Every change above this revision is in the log. */
  #loggedFrom: number;
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(event: CacheEvent<T>) => void>();

  constructor(kind: ResourceKind<T>, clock: Clock, loadedAt: number) {
    this.kind = kind;
    this.#clock = clock;
    this.#loggedFrom = loadedAt;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): CachedObject<T> | undefined {
    return this.#objects.get(key);
  }

  /** Objects whose store key starts with `prefix`, in key order, from `from` on. */
  *range(prefix: string, from?: string): Generator<CachedObject<T>> {
    for (const key of this.#keys.withPrefix(prefix, from)) {
      const cached = this.#objects.get(key);
      if (cached !== undefined) yield cached;
    }
  }

  /** Puts in what was there before the log begins. */
  load(cached: CachedObject<T>): void {
    this.#objects.set(cached.key, cached);
    this.#keys.add(cached.key);
  }

  /** From here on the log is complete: everything above `revision` will be in it. */
  startLog(revision: number): void {
    this.#loggedFrom = revision;
  }

  /** Takes a write; watchers learn of it by `wake`. */
  put(cached: CachedObject<T>): void {
    const previous = this.#objects.get(cached.key);
    this.load(cached);
    this.#append({ type: previous === undefined ? 'ADDED' : 'MODIFIED', revision: cached.revision, current: cached, previous, atMs: this.#clock.nowMs() });
  }

  remove(key: string, revision: number): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    this.#keys.remove(key);
    const current = new CachedObject(this.kind, key, revision, previous.bytes);
    this.#append({ type: 'DELETED', revision, current, previous, atMs: this.#clock.nowMs() });
  }

  /** Calls `listener` with every change, synchronously, before any watcher sees it. Returns how to stop. */
  subscribe(listener: (event: CacheEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resumes the watchers that wait; called once per batch of changes, and for bookmarks. */
  wake(): void {
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }

  /** The position after the last event with a revision up to `revision`. Throws 410 when the log no longer reaches back. */
  positionAfter(revision: number): number {
    if (revision < this.#loggedFrom) throw expired(`too old resource version: ${revision} (${this.#loggedFrom})`);
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#base + low;
  }

  get endPosition(): number {
    return this.#base + this.#events.length;
  }

  /** Events from `position` on. Throws 410 when the log has left the position behind. */
  eventsFrom(position: number): readonly CacheEvent<T>[] {
    if (position < this.#base) throw expired(`too old resource version: the watch fell behind by more than ${this.#events.length} events`);
    return position === this.#base ? this.#events.slice() : this.#events.slice(position - this.#base);
  }

  /** Resolves at the next `wake` or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const resume = (): void => {
        signal.removeEventListener('abort', resume);
        this.#waiting.delete(resume);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#waiting.add(resume);
      signal.addEventListener('abort', resume, { once: true });
    });
  }

  #append(event: CacheEvent<T>): void {
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
    // Trimmed in steps, so that a steady stream does not copy the log on every event.
    if (this.#events.length >= 2 * minEvents && this.#events.length % minEvents === 0) this.#trim(event.atMs);
  }

  #trim(nowMs: number): void {
    let drop = Math.max(0, this.#events.length - maxEvents);
    const last = this.#events.length - minEvents;
    while (drop < last && nowMs - (this.#events[drop]?.atMs ?? 0) > freshMs) drop++;
    if (drop === 0) return;
    this.#loggedFrom = this.#events[drop - 1]?.revision ?? this.#loggedFrom;
    this.#events = this.#events.slice(drop);
    this.#base += drop;
  }
}
