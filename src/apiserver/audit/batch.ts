import type { Clock, Timer } from '#base/clock.ts';
import type { BatchSettings } from './settings.ts';

/**
 * Collects items and hands them on in batches, one batch at a time. The buffer is bounded: an item that does not fit is
 * lost, which `add` says.
 */
export class Batches<T> {
  readonly #settings: BatchSettings;
  readonly #clock: Clock;
  readonly #deliver: (items: readonly T[]) => Promise<void>;
  readonly #waiting: T[] = [];
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #tokens: number;
  #tokensAtMs: number;

  /** `deliver` does not reject. */
  constructor(settings: BatchSettings, clock: Clock, deliver: (items: readonly T[]) => Promise<void>) {
    this.#settings = settings;
    this.#clock = clock;
    this.#deliver = deliver;
    this.#tokens = settings.throttle?.burst ?? 0;
    this.#tokensAtMs = clock.monotonicMs();
  }

  /** False: the buffer is full. */
  add(item: T): boolean {
    if (this.#waiting.length >= this.#settings.bufferSize) return false;
    this.#waiting.push(item);
    if (this.#waiting.length >= this.#settings.maxSize) this.#start();
    else this.#timer ??= this.#clock.after(this.#settings.maxWaitMs, () => this.#start());
    return true;
  }

  /** Hands on everything that waits. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#start();
      await this.#running;
    }
  }

  #start(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let isFirst = true; this.#waiting.length > 0; isFirst = false) {
      // What came meanwhile waits for company again, unless it has enough.
      if (!isFirst && this.#waiting.length < this.#settings.maxSize && this.#settings.maxWaitMs > 0) {
        this.#timer ??= this.#clock.after(this.#settings.maxWaitMs, () => this.#start());
        return;
      }
      await this.#throttle();
      await this.#deliver(this.#waiting.splice(0, this.#settings.maxSize));
    }
  }

  async #throttle(): Promise<void> {
    const { throttle } = this.#settings;
    if (throttle === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(throttle.burst, this.#tokens + ((nowMs - this.#tokensAtMs) / 1000) * throttle.perSecond) - 1;
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / throttle.perSecond) * 1000);
  }
}
