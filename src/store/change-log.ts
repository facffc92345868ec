import { assert } from '#base/assert.ts';
import { checkRevision } from './limits.ts';
import type { RevisionWindow } from './revision-window.ts';
import type { StoreChange, StoreError, StoreWatch, WatchBatch } from './store.ts';

/** The revision of an empty store; nothing happened in it. */
export const firstRevision = 1;

/** What one revision changed. */
export interface Commit {
  readonly revision: number;
  readonly changes: readonly StoreChange[];
}

/** Changes in a batch for a reader that is behind; more only to finish a revision. Bounds the work of one step. */
const batchChanges = 500;
/** Revisions searched for a reader of a quiet prefix in one step; 5000 take about 1 ms. */
const batchRevisions = 5000;

/**
 * The newest commits, and the watches as cursors on them. Commits below the window are asked of `readOlder`, so that
 * a backend may keep most of its history elsewhere.
 */
export class ChangeLog<C extends Commit> implements Cursors {
  readonly #window: RevisionWindow<C>;
  readonly #readOlder: ((afterRevision: number) => Promise<readonly Commit[]>) | undefined;
  readonly #watches = new Set<Watch>();
  /** Watches that have delivered everything and wait in `next()`. */
  readonly #waiting = new Set<Watch>();
  #head: number;
  #compacted: number;
  #end: { readonly error: StoreError | undefined } | undefined;

  constructor(options: {
    readonly window: RevisionWindow<C>;
    readonly head: number;
    readonly compacted: number;
    /** Some commits directly above `afterRevision`, at least one. */
    readonly readOlder?: (afterRevision: number) => Promise<readonly Commit[]>;
  }) {
    this.#window = options.window;
    this.#head = options.head;
    this.#compacted = options.compacted;
    this.#readOlder = options.readOlder;
  }

  get head(): number {
    return this.#head;
  }

  get compacted(): number {
    return this.#compacted;
  }

  get window(): RevisionWindow<C> {
    return this.#window;
  }

  /** Adds durable commits and hands their changes to the watches that wait for them, before it returns. */
  publish(commits: readonly C[]): void {
    const last = commits.at(-1);
    if (last === undefined) return;
    for (const commit of commits) this.#window.push(commit);
    this.#head = last.revision;
    for (const watch of this.#waiting) watch.offer(commits);
  }

  /** From now on cursors below `revision` fail. Does not touch the window. */
  setCompacted(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  watch(prefix: string, options: { readonly afterRevision: number; readonly signal: AbortSignal }): StoreWatch {
    const watch = new Watch({
      log: this,
      prefix,
      afterRevision: options.afterRevision,
      signal: options.signal,
      waiting: this.#waiting,
      onEnd: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    if (this.#end !== undefined) watch.end(this.#end.error);
    return watch;
  }

  /** Some commits directly above `afterRevision`, which must be below the head; a promise if they are not in memory. */
  read(afterRevision: number): readonly Commit[] | Promise<readonly Commit[]> {
    const from = afterRevision + 1;
    if (from < this.#window.firstRevision && this.#readOlder !== undefined) return this.#readOlder(afterRevision);
    const commits: Commit[] = [];
    const until = Math.min(this.#head, from + batchRevisions - 1);
    for (let revision = from; revision <= until; revision++) {
      const commit = this.#window.get(revision);
      if (commit !== undefined) commits.push(commit);
    }
    return commits;
  }

  /** Ends all watches, those that come too; with `error` if the store has failed. */
  close(error?: StoreError): void {
    this.#end = { error };
    for (const watch of this.#watches) watch.end(error);
  }
}

type Result = IteratorResult<WatchBatch, undefined>;

/** The log as a watch sees it. */
interface Cursors {
  readonly head: number;
  readonly compacted: number;
  read(afterRevision: number): readonly Commit[] | Promise<readonly Commit[]>;
}

/** One cursor. While it waits it stands at the head, whatever its number says. */
class Watch implements StoreWatch, AsyncIterator<WatchBatch, undefined> {
  readonly #log: Cursors;
  readonly #prefix: string;
  readonly #signal: AbortSignal;
  readonly #waiting: Set<Watch>;
  readonly #onEnd: () => void;
  readonly #onAbort = (): void => this.end();
  #cursor: number;
  #isEnded = false;
  #isProgressWanted = false;
  /** Of the reader that waits. */
  #pending: PromiseWithResolvers<Result> | undefined;
  /** What the next reader is told, once. */
  #error: StoreError | undefined;

  constructor(options: {
    readonly log: Cursors;
    readonly prefix: string;
    readonly afterRevision: number;
    readonly signal: AbortSignal;
    readonly waiting: Set<Watch>;
    readonly onEnd: () => void;
  }) {
    this.#log = options.log;
    this.#prefix = options.prefix;
    this.#cursor = options.afterRevision;
    this.#signal = options.signal;
    this.#waiting = options.waiting;
    this.#onEnd = options.onEnd;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Not an async function: a waiting reader must be resumed without further turns of the microtask queue. */
  next(): Promise<Result> {
    if (this.#isEnded || this.#signal.aborted) {
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) return Promise.reject(error);
      this.end();
      return Promise.resolve({ done: true, value: undefined });
    }
    try {
      checkRevision(this.#cursor, this.#log);
    } catch (error) {
      return this.#fail(error);
    }
    this.#cursor = Math.max(firstRevision, this.#cursor);
    if (this.#cursor === this.#log.head) return this.#wait();
    const commits = this.#log.read(this.#cursor);
    if (commits instanceof Promise) return commits.then((older) => this.#deliver(older), (reason: unknown) => this.#fail(reason));
    return this.#deliver(commits);
  }

  return(): Promise<Result> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  requestProgress(): void {
    if (this.#pending !== undefined) this.#give({ changes: [], revision: this.#log.head });
    else this.#isProgressWanted = true;
  }

  /** New commits, for a watch that waits. */
  offer(commits: readonly Commit[]): void {
    const changes = this.#select(commits, Infinity).changes;
    if (changes.length > 0) this.#give({ changes, revision: this.#log.head });
  }

  end(error?: StoreError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#waiting.delete(this);
    this.#onEnd();
    if (error === undefined) this.#pending?.resolve({ done: true, value: undefined });
    else if (this.#pending !== undefined) this.#pending.reject(error);
    else this.#error = error;
    this.#pending = undefined;
  }

  #wait(): Promise<Result> {
    if (this.#isProgressWanted) {
      this.#isProgressWanted = false;
      return Promise.resolve({ done: false, value: { changes: [], revision: this.#cursor } });
    }
    this.#pending = Promise.withResolvers<Result>();
    this.#waiting.add(this);
    return this.#pending.promise;
  }

  #give(batch: WatchBatch): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#waiting.delete(this);
    this.#cursor = batch.revision;
    pending?.resolve({ done: false, value: batch });
  }

  #deliver(commits: readonly Commit[]): Promise<Result> {
    const batch = this.#select(commits, batchChanges);
    assert(batch.revision > this.#cursor, 'a watch must come forward');
    this.#cursor = batch.revision;
    if (batch.changes.length === 0) return this.next();
    if (this.#cursor === this.#log.head) this.#isProgressWanted = false;
    return Promise.resolve({ done: false, value: batch });
  }

  #fail(reason: unknown): Promise<Result> {
    this.end();
    return Promise.reject(reason);
  }

  /** The changes under the prefix, up to the end of the revision in which they reach `limit`. */
  #select(commits: readonly Commit[], limit: number): WatchBatch {
    const changes: StoreChange[] = [];
    let revision = 0;
    for (const commit of commits) {
      if (changes.length >= limit) break;
      if (commit.revision <= this.#cursor) continue;
      for (const change of commit.changes) if (change.key.startsWith(this.#prefix)) changes.push(change);
      revision = commit.revision;
    }
    return { changes, revision };
  }
}
