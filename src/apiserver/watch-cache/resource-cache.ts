import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { CachedObject } from './cached-object.ts';
import type { CacheEvent } from './event-log.ts';
import { EventLog } from './event-log.ts';
import { SortedKeys } from './sorted-keys.ts';

/**
 * All objects of one resource and the log of their latest changes.
 *
 * Watchers that want one value of a field only (the pods of a node) read a log of their own kind, a lane: an event is
 * then shown to the watchers it concerns and not to thousands of others.
 */
export class ResourceCache<T extends KubeObject = KubeObject> {
  readonly kind: ResourceKind<T>;
  readonly #clock: Clock;
  readonly #objects = new Map<string, CachedObject<T>>();
  readonly #keys = new SortedKeys();
  readonly #log: EventLog<T>;
  readonly #lanes = new Map<string, FieldLanes<T>>();
  readonly #touched = new Set<EventLog<T>>();
  /** What the newest version of each key replaced: watchers with selectors still compare with it. */
  readonly #replaced = new Map<string, CachedObject<T>>();
  readonly #listeners = new Set<(event: CacheEvent<T>) => void>();

  constructor(kind: ResourceKind<T>, clock: Clock, loadedAt: number) {
    this.kind = kind;
    this.#clock = clock;
    this.#log = new EventLog(loadedAt);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Everything that happened to the resource. */
  get log(): EventLog<T> {
    return this.#log;
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

  /** Takes a write; watchers learn of it by `wake`. */
  put(cached: CachedObject<T>): void {
    const previous = this.#objects.get(cached.key);
    this.load(cached);
    this.#replaced.get(cached.key)?.forget();
    if (previous !== undefined) this.#replaced.set(cached.key, previous);
    this.#append({ type: previous === undefined ? 'ADDED' : 'MODIFIED', revision: cached.revision, current: cached, previous, atMs: this.#clock.nowMs() });
  }

  remove(key: string, revision: number): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    this.#keys.remove(key);
    this.#replaced.get(key)?.forget();
    this.#replaced.delete(key);
    const current = new CachedObject(this.kind, key, revision, previous.bytes);
    this.#append({ type: 'DELETED', revision, current, previous, atMs: this.#clock.nowMs() });
  }

  /** Calls `listener` with every change, synchronously, before any watcher sees it. Returns how to stop. */
  subscribe(listener: (event: CacheEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resumes the watchers that have something new to see; called once per batch of changes. */
  wake(): void {
    for (const log of this.#touched) log.wakePaced(this.#clock);
    this.#touched.clear();
  }

  /** Ends all watches: the resource is served no longer, or anew by another cache. */
  end(): void {
    for (const log of this.#logs()) log.end();
  }

  /**
   * For now and then: resumes every watcher, changes or not, for some want to be told how far they are, and lets go of what
   * is kept of the past without need.
   */
  wakeAll(): void {
    this.#trim(this.#clock.nowMs());
    for (const log of this.#logs()) log.wake();
    for (const replaced of this.#replaced.values()) replaced.forget();
    this.#replaced.clear();
  }

  /**
   * The log of those events whose object has or had `value` in `field`, as `read` reads it. Must be given back with
   * `releaseLane` as often as it was taken.
   */
  takeLane(field: string, value: string, read: (object: T) => string): EventLog<T> {
    let ofField = this.#lanes.get(field);
    if (ofField === undefined) {
      ofField = { read, lanes: new Map() };
      this.#lanes.set(field, ofField);
    }
    let lane = ofField.lanes.get(value);
    if (lane === undefined) {
      lane = { log: this.#log.filtered((event) => valuesOf(event, read).includes(value)), watchers: 0 };
      ofField.lanes.set(value, lane);
    }
    lane.watchers++;
    return lane.log;
  }

  releaseLane(field: string, value: string): void {
    const ofField = this.#lanes.get(field);
    const lane = ofField?.lanes.get(value);
    if (ofField === undefined || lane === undefined || --lane.watchers > 0) return;
    ofField.lanes.delete(value);
    if (ofField.lanes.size === 0) this.#lanes.delete(field);
  }

  #append(event: CacheEvent<T>): void {
    this.#log.append(event);
    this.#touched.add(this.#log);
    for (const { read, lanes } of this.#lanes.values()) {
      for (const value of valuesOf(event, read)) {
        const lane = lanes.get(value);
        if (lane === undefined) continue;
        lane.log.append(event);
        this.#touched.add(lane.log);
      }
    }
    if (this.#log.isTrimDue) this.#trim(event.atMs);
    for (const listener of this.#listeners) listener(event);
  }

  /** Lanes reach as far back as the whole log: they would keep what it has dropped. */
  #trim(nowMs: number): void {
    this.#log.trim(nowMs);
    const { completeFrom } = this.#log;
    for (const log of this.#logs()) log.trimTo(completeFrom);
  }

  *#logs(): Generator<EventLog<T>> {
    yield this.#log;
    for (const { lanes } of this.#lanes.values()) for (const { log } of lanes.values()) yield log;
  }
}

interface FieldLanes<T extends KubeObject> {
  readonly read: (object: T) => string;
  readonly lanes: Map<string, { readonly log: EventLog<T>; watchers: number }>;
}

/** The values of a field before and after an event, each once. */
function valuesOf<T extends KubeObject>({ current, previous }: CacheEvent<T>, read: (object: T) => string): readonly string[] {
  const now = read(current.object);
  const before = previous === undefined ? now : read(previous.object);
  return now === before ? [now] : [now, before];
}
