/** Works through a queue of keys, several at once, and decides when each is looked at again. */
import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Outcome } from './controller.ts';
import type { QueueMetricsSource } from './queue-metrics.ts';
import { WorkQueue } from './work-queue.ts';

export interface KeyLoopOptions {
  /** Of the queue, in metrics and log. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly queueMetrics?: QueueMetricsSource | undefined;
  /** Keys worked on at once. Default: 5. */
  readonly concurrency?: number | undefined;
  /** Makes the key right; a throw means: try again later. */
  readonly work: (key: string) => Promise<Outcome>;
}

const defaultConcurrency = 5;
/** Keys started in one turn of the event loop; more wait for the next, so that others get a word in. */
const startsPerTurn = 20;

type Result = Outcome | { readonly is: 'failed'; readonly error: unknown };

export class KeyLoop {
  readonly #options: KeyLoopOptions;
  readonly #queue: WorkQueue;
  readonly #active = new Set<Promise<void>>();
  readonly #held = new Map<string, Promise<void>>();
  #state: 'waiting' | 'running' | 'closed' = 'waiting';
  #startsLeft = startsPerTurn;

  constructor(options: KeyLoopOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      clock: options.clock,
      onReady: () => this.#pump(),
      metrics: options.queueMetrics?.forQueue(options.name, () => this.#queue.unfinished()),
    });
  }

  add(key: string): void {
    this.#queue.add(key);
  }

  addAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** The key, which is being worked on, is not taken again before `until` settles. */
  hold(key: string, until: Promise<void>): void {
    this.#held.set(key, until);
  }

  /** From now on keys are worked on; before, they are only collected. */
  start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'running';
    this.#pump();
  }

  /** Takes no more keys and waits for those under way. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#queue.close();
    await Promise.allSettled(this.#active);
  }

  #pump(): void {
    if (this.#state !== 'running') return;
    const concurrency = this.#options.concurrency ?? defaultConcurrency;
    while (this.#active.size < concurrency && this.#startsLeft > 0) {
      const key = this.#queue.take();
      if (key === undefined) return;
      if (this.#startsLeft === startsPerTurn) {
        onNextTurn(() => {
          this.#startsLeft = startsPerTurn;
          this.#pump();
        });
      }
      this.#startsLeft--;
      const work = this.#work(key).finally(() => {
        this.#active.delete(work);
        this.#pump();
      });
      this.#active.add(work);
    }
  }

  async #work(key: string): Promise<void> {
    let result: Result;
    try {
      result = await this.#options.work(key);
    } catch (error) {
      result = { is: 'failed', error };
    }
    this.#settle(key, result);
    const held = this.#held.get(key);
    this.#held.delete(key);
    // A held key stays taken; others need not wait for that.
    if (held === undefined) this.#queue.done(key);
    else void held.finally(() => this.#queue.done(key));
  }

  /** When to look at the key again: the whole retry policy. */
  #settle(key: string, result: Result): void {
    switch (result.is) {
      case 'done':
        this.#queue.forget(key);
        break;
      case 'recheck':
        this.#queue.forget(key);
        this.#queue.addAfter(key, result.afterMs);
        break;
      case 'failed':
        if (this.#state === 'closed' || isHopeless(result.error)) {
          this.#queue.forget(key);
          break;
        }
        this.#options.log.debug({ key, error: result.error, attempt: this.#queue.failures(key) + 1 }, 'reconciliation failed, trying again');
        this.#queue.addRateLimited(key);
        break;
    }
  }
}

/** Nothing can be created in a namespace that is going away; its deletion will be heard of. */
function isHopeless(error: unknown): boolean {
  return error instanceof StatusError && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}
