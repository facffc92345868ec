import { Worker } from 'node:worker_threads';
import { present } from '#base/assert.ts';
import { packGroup, resultsOf } from './sqlite-group.ts';
import type { FileCall, FromWorker, GroupOutcome, OpenedFile, Request, ToWorker, WireError, WorkerOptions } from './sqlite-protocol.ts';
import { StoreError, type WriteResult } from './store.ts';

export interface ThreadHooks {
  /** A group is durable; called before its callers are answered. */
  readonly onCommit: (requests: readonly Request[], outcome: GroupOutcome) => void;
  /** History up to this revision is no longer wanted. */
  readonly compactTo: () => number;
  /** The thread has died; everything fails from now on. */
  readonly onFail: (error: StoreError) => void;
}

/** Bounds of one group, so that laying it flat takes the main thread less than about 2 ms. */
const groupRequests = 1000;
const groupBytes = 4 * 2 ** 20;

interface Pending {
  readonly request: Request;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * The thread of a store's file as the main thread sees it. Requests given while a commit is under way are gathered and
 * go as one message into the next one; so one fsync serves as many writers as there are, and no timer is involved.
 */
export class SqliteThread {
  readonly #worker: Worker;
  #hooks: ThreadHooks;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  /** Bounded by the writers, who wait for their answers. */
  #queue: Pending[] = [];
  #underWay: readonly Pending[] = [];
  #isFlushPlanned = false;
  #isClosing = false;
  #nextCall = 1;
  #error: StoreError | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  private constructor(worker: Worker, hooks: ThreadHooks) {
    this.#worker = worker;
    this.#hooks = hooks;
  }

  /** Starts the thread and opens the file. Throws `locked`, `incompatible`, `unavailable`. */
  static async open(options: WorkerOptions, hooks: ThreadHooks): Promise<{ readonly thread: SqliteThread; readonly opened: OpenedFile }> {
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: options,
      // What the thread allocates dies young; a small nursery keeps its memory at a few MiB.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    const opening = Promise.withResolvers<OpenedFile>();
    const thread = new SqliteThread(worker, { ...hooks, onFail: opening.reject });
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'opened') opening.resolve(message.state);
      else if (message.type === 'failed' && message.id === 0) opening.reject(storeError(message.error));
      else thread.#onMessage(message);
    });
    worker.on('error', (cause) => thread.#fail(new StoreError('unavailable', 'the thread of the store has died', { cause })));
    worker.on('exit', () =>
      thread.#fail(thread.#isClosing ? new StoreError('closed', 'the store is closed') : new StoreError('unavailable', 'the thread of the store has ended')),
    );
    const opened = await opening.promise;
    thread.#hooks = hooks;
    return { thread, opened };
  }

  /** Whether nothing is being written. */
  get isIdle(): boolean {
    return this.#underWay.length === 0 && this.#queue.length === 0;
  }

  /** Does the request in the order of the submits. Rejects with a `StoreError`. */
  submit(request: Request): Promise<WriteResult> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    this.#queue.push({ request, resolve, reject });
    this.#planFlush();
    return promise;
  }

  /** Asks for something outside the order of writes. The answer's type goes with the call's. */
  call(call: FileCall): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const id = this.#nextCall++;
    const pending = Promise.withResolvers<unknown>();
    this.#calls.set(id, pending);
    this.#send({ type: 'call', id, call });
    return pending.promise;
  }

  /** Waits for what is under way, then closes the file and ends the thread. */
  async close(): Promise<void> {
    if (!this.isIdle) await (this.#idle ??= Promise.withResolvers<void>()).promise;
    if (this.#error !== undefined) return;
    this.#isClosing = true;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    await this.call({ do: 'close' });
    await ended;
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** At the end of the current run of microtasks, so that writes given together go together. */
  #planFlush(): void {
    if (this.#isFlushPlanned || this.#underWay.length > 0) return;
    this.#isFlushPlanned = true;
    queueMicrotask(() => {
      this.#isFlushPlanned = false;
      if (this.#queue.length === 0 || this.#underWay.length > 0 || this.#error !== undefined) return;
      this.#underWay = this.#takeGroup();
      const group = packGroup(this.#underWay.map((pending) => pending.request), this.#hooks.compactTo());
      this.#send({ type: 'group', ...group }, [group.values.buffer as ArrayBuffer]);
    });
  }

  #takeGroup(): readonly Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { request } of this.#queue) {
      if (count >= groupRequests || bytes >= groupBytes) break;
      if (request.do === 'write') for (const write of request.writes) bytes += write.value?.byteLength ?? 0;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #onMessage(message: Exclude<FromWorker, { type: 'opened' }>): void {
    switch (message.type) {
      case 'committed':
        return this.#onCommitted(message);
      case 'group-failed': {
        const error = storeError(message.error);
        for (const pending of this.#takeUnderWay()) pending.reject(error);
        return;
      }
      case 'answer':
        return this.#takeCall(message.id)?.resolve(message.answer);
      case 'failed':
        return this.#takeCall(message.id)?.reject(storeError(message.error));
    }
  }

  #onCommitted(outcome: GroupOutcome): void {
    const done = this.#takeUnderWay();
    this.#hooks.onCommit(done.map((pending) => pending.request), outcome);
    const results = resultsOf(outcome);
    for (const [index, pending] of done.entries()) {
      const result = present(results[index], 'the result of a request');
      if (result instanceof StoreError) pending.reject(result);
      else pending.resolve(result);
    }
  }

  #takeUnderWay(): readonly Pending[] {
    const done = this.#underWay;
    this.#underWay = [];
    if (this.#queue.length > 0) this.#planFlush();
    else this.#idle?.resolve();
    return done;
  }

  #takeCall(id: number): PromiseWithResolvers<unknown> | undefined {
    const pending = this.#calls.get(id);
    this.#calls.delete(id);
    return pending;
  }

  #fail(error: StoreError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const pending of [...this.#underWay, ...this.#queue]) pending.reject(error);
    for (const pending of this.#calls.values()) pending.reject(error);
    this.#underWay = [];
    this.#queue = [];
    this.#calls.clear();
    this.#idle?.resolve();
    this.#hooks.onFail(error);
  }
}

function storeError(error: WireError): StoreError {
  return new StoreError(error.code, error.message);
}
