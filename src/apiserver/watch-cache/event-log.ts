import type { Clock, Timer } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { expired } from '#apimachinery/status-error.ts';
import type { CachedObject } from './cached-object.ts';

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
/** Bound memory when writes are many or large: a watcher that falls this far behind starts anew with a list. */
const maxEvents = 100_000;
const maxBytes = 16 * 2 ** 20;
/** What an event costs beside the bytes of its state: four objects and what the allocator needs. */
const overheadBytes = 1024;
/** When there are too many bytes, so many more are dropped: the log is not copied for every event. */
const spareBytes = maxBytes / 8;

/** Up to here watchers are resumed for every event. */
const fewWatchers = 20;
const paceMsPerWatcher = 0.2;
const maxPaceMs = 50;

/** How long watchers are left alone after they were resumed. */
function paceMs(watchers: number): number {
  return watchers <= fewWatchers ? 0 : Math.min(maxPaceMs, watchers * paceMsPerWatcher);
}

/** Each of them sends something, which takes some twenty microseconds. */
const resumedPerTurn = 200;

function resumeSome(resumes: readonly (() => void)[], from: number): void {
  for (const resume of resumes.slice(from, from + resumedPerTurn)) resume();
  if (from + resumedPerTurn < resumes.length) setImmediate(resumeSome, resumes, from + resumedPerTurn);
}

/** Where a watcher sleeps. */
export interface Waiter {
  /** Resolves when the log is woken next, and at once when the signal has aborted. */
  changed(): Promise<void>;
  /** Lets go of the signal. */
  dispose(): void;
}

/**
 * The latest changes in order. A watcher is a cursor on it: a slow one costs a number, not a buffer, and is told 410 when
 * the log has left it behind.
 */
export class EventLog<T extends KubeObject = KubeObject> {
  /** Events by absolute position: `#events[i]` has position `#base + i`. */
  #events: CacheEvent<T>[] = [];
  #base = 0;
  /** Of the events in the log. */
  #bytes = 0;
  #completeFrom: number;
  readonly #waiting = new Set<() => void>();
  #wokeAtMs = -Infinity;
  #paced: Timer | undefined;
  #isEnded = false;

  constructor(completeFrom: number) {
    this.#completeFrom = completeFrom;
  }

  /** Every change above this revision is in the log. */
  get completeFrom(): number {
    return this.#completeFrom;
  }

  /** From here on the log is complete: everything above `revision` will be in it. */
  start(revision: number): void {
    this.#completeFrom = revision;
  }

  /** A log of those events only that `belongs` says; it reaches as far back as this one. */
  filtered(belongs: (event: CacheEvent<T>) => boolean): EventLog<T> {
    const log = new EventLog<T>(this.#completeFrom);
    for (const event of this.#events) if (belongs(event)) log.append(event);
    return log;
  }

  /** Watchers learn of it by `wake`. */
  append(event: CacheEvent<T>): void {
    this.#events.push(event);
    this.#bytes += bytesOf(event);
  }

  /** The position after the last event with a revision up to `revision`. Throws 410 when the log no longer reaches back. */
  positionAfter(revision: number): number {
    if (revision < this.#completeFrom) throw expired(`too old resource version: ${revision} (${this.#completeFrom})`);
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
    if (position < this.#base) throw expired('too old resource version: the watch fell behind what is kept of the past');
    return this.#events.slice(position - this.#base);
  }

  /** Whether a watcher sleeps on it. */
  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** How many watchers sleep on it: those that a change will wake. */
  get watchers(): number {
    return this.#waiting.size;
  }

  /** Whether the resource is served no longer, or anew by another log: watches end. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
    this.wake();
  }

  /** Resumes the watchers that wait. */
  wake(): void {
    if (this.#waiting.size === 0) return;
    const resumes = [...this.#waiting];
    this.#waiting.clear();
    resumeSome(resumes, 0);
  }

  /**
   * The same, but many watchers are not resumed again at once: sending to each costs more than what is sent, so that
   * several events go out together when they come quickly one after the other.
   */
  wakePaced(clock: Clock): void {
    if (this.#paced !== undefined) return;
    const nowMs = clock.monotonicMs();
    const dueMs = this.#wokeAtMs + paceMs(this.#waiting.size);
    const wakeNow = (atMs: number): void => {
      this.#paced = undefined;
      this.#wokeAtMs = atMs;
      this.wake();
    };
    if (nowMs >= dueMs) wakeNow(nowMs);
    else this.#paced = clock.after(dueMs - nowMs, () => wakeNow(clock.monotonicMs()));
  }

  /** A place to wait at for one watcher; it is resumed for good when `signal` aborts. */
  waiter(signal: AbortSignal): Waiter {
    let resolve: (() => void) | undefined;
    const resume = (): void => {
      resolve?.();
      resolve = undefined;
    };
    const onAbort = (): void => {
      this.#waiting.delete(resume);
      resume();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return {
      changed: () => new Promise((given) => {
        if (signal.aborted) return given();
        resolve = given;
        this.#waiting.add(resume);
      }),
      dispose: () => signal.removeEventListener('abort', onAbort),
    };
  }

  /** Whether `trim` may find something to drop. In steps, so that a steady stream does not copy the log on every event. */
  get isTrimDue(): boolean {
    return (this.#events.length >= 2 * minEvents && this.#events.length % minEvents === 0) || this.#bytes > maxBytes;
  }

  /** Drops what is no longer fresh, down to the least that is kept, and what is too much. */
  trim(nowMs: number): void {
    let drop = 0;
    const last = this.#events.length - minEvents;
    while (drop < last && nowMs - (this.#events[drop]?.atMs ?? 0) > freshMs) drop++;
    drop = Math.max(drop, this.#events.length - maxEvents);
    let bytes = this.#bytes > maxBytes ? this.#bytes - maxBytes + spareBytes : 0;
    for (let at = 0; at < this.#events.length && bytes > 0; at++) {
      bytes -= bytesOf(this.#events[at]);
      drop = Math.max(drop, at + 1);
    }
    this.trimTo(this.#events[drop - 1]?.revision ?? this.#completeFrom);
  }

  /** Drops everything up to `revision`. */
  trimTo(revision: number): void {
    if (revision <= this.#completeFrom) return;
    this.#completeFrom = revision;
    let drop = 0;
    for (let event = this.#events[0]; event !== undefined && event.revision <= revision; event = this.#events[++drop]) this.#bytes -= bytesOf(event);
    if (drop === 0) return;
    this.#events = this.#events.slice(drop);
    this.#base += drop;
  }
}

function bytesOf<T extends KubeObject>(event: CacheEvent<T> | undefined): number {
  return event === undefined ? 0 : overheadBytes + event.current.stored.length;
}
