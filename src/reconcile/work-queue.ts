/**
 * Keys that wait for work. A key waits at most once, however often it is added; while one is being worked on, additions
 * of it are kept and count once when the work is done. Keys come out in the order in which they were first added.
 *
 * Bound: one entry per distinct key, so as many as there are objects of the kind.
 * Source: client-go's documented work queue and its default rate limits.
 */
import type { Clock, Timer } from '#base/clock.ts';
import type { QueueMetrics } from './queue-metrics.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly metrics?: QueueMetrics | undefined;
  /** Called when there is something to take that was not there before. */
  readonly onReady: () => void;
}

const firstBackoffMs = 5;
const maxBackoffMs = 1_000_000;
const overallPerSecond = 10;
const overallBurst = 100;

interface Delayed {
  readonly dueMs: number;
  readonly timer: Timer;
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics | undefined;
  readonly #onReady: () => void;
  /** In order of arrival; the value is when it was added. */
  readonly #ready = new Map<string, number>();
  /** Being worked on; the value is since when. */
  readonly #taken = new Map<string, number>();
  readonly #addedWhileTaken = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #tokens = overallBurst;
  #tokensAtMs: number;
  #isClosed = false;

  constructor({ clock, metrics, onReady }: WorkQueueOptions) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#onReady = onReady;
    this.#tokensAtMs = clock.monotonicMs();
  }

  /** Waiting now, without the delayed ones. */
  get depth(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#isClosed) return;
    if (this.#taken.has(key)) {
      if (!this.#addedWhileTaken.has(key)) this.#metrics?.added();
      this.#addedWhileTaken.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.set(key, this.#clock.monotonicMs());
    this.#metrics?.added();
    this.#metrics?.depth(this.#ready.size);
    this.#onReady();
  }

  /** Adds after `delayMs`; of several the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) return;
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.timer.cancel();
    const timer = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  /** Adds after a pause that doubles with every failure of the key; all keys together get 10 such per second (burst 100). */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics?.retried();
    this.addAfter(key, Math.max(Math.min(firstBackoffMs * 2 ** failures, maxBackoffMs), this.#reserve()));
  }

  /** The key is well: its next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which is then being worked on until `done`. */
  take(): string | undefined {
    const next = this.#ready.entries().next();
    if (next.done === true) return undefined;
    const [key, addedMs] = next.value;
    const nowMs = this.#clock.monotonicMs();
    this.#ready.delete(key);
    this.#taken.set(key, nowMs);
    this.#metrics?.depth(this.#ready.size);
    this.#metrics?.taken((nowMs - addedMs) / 1000);
    return key;
  }

  done(key: string): void {
    const sinceMs = this.#taken.get(key);
    if (sinceMs === undefined) return;
    this.#taken.delete(key);
    this.#metrics?.worked((this.#clock.monotonicMs() - sinceMs) / 1000);
    if (this.#addedWhileTaken.delete(key)) {
      this.#ready.set(key, this.#clock.monotonicMs());
      this.#metrics?.depth(this.#ready.size);
      this.#onReady();
    }
  }

  /** Seconds of work under way: in all, and of the longest. */
  unfinished(): { readonly sumSeconds: number; readonly longestSeconds: number } {
    const nowMs = this.#clock.monotonicMs();
    let sumSeconds = 0;
    let longestSeconds = 0;
    for (const sinceMs of this.#taken.values()) {
      const seconds = (nowMs - sinceMs) / 1000;
      sumSeconds += seconds;
      longestSeconds = Math.max(longestSeconds, seconds);
    }
    return { sumSeconds, longestSeconds };
  }

  /** Nothing is added or taken any more. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#ready.clear();
    this.#addedWhileTaken.clear();
    this.#failures.clear();
  }

  /** Takes a token, if need be of the future; how long until it is there. */
  #reserve(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(overallBurst, this.#tokens + ((nowMs - this.#tokensAtMs) / 1000) * overallPerSecond);
    this.#tokensAtMs = nowMs;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / overallPerSecond) * 1000;
  }
}
