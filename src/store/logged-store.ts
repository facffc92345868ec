import assert from 'node:assert/strict';
import type { ChangeLog, Commit } from './change-log.ts';
import type { DeleteExpectation, Expectation, LeaseId, RangeOptions, StorePage, StoreWatch, StoreWrite, WriteResult } from './store.ts';
import { StoreError } from './store.ts';

/** What the backends have in common: every write is a list of writes, and watches are cursors on the log of commits. */
export abstract class LoggedStore<T extends Commit> {
  protected abstract readonly log: ChangeLog<T>;

  protected abstract write(writes: readonly StoreWrite[]): Promise<WriteResult>;

  abstract revision(): Promise<number>;

  put(key: string, value: Uint8Array, expect: Expectation, options: { readonly leaseId?: LeaseId } = {}): Promise<WriteResult> {
    return this.write([{ key, value, expect, ...options }]);
  }

  delete(key: string, expect: DeleteExpectation): Promise<WriteResult> {
    return this.write([{ key, value: undefined, expect }]);
  }

  async transaction(writes: readonly StoreWrite[]): Promise<WriteResult> {
    assert(new Set(writes.map((write) => write.key)).size === writes.length, 'a transaction names a key twice');
    if (writes.length === 0) return { ok: true, revision: await this.revision() };
    return this.write(writes);
  }

  watch(prefix: string, options: { readonly afterRevision: number; readonly signal: AbortSignal }): StoreWatch {
    return this.log.watch(prefix, options);
  }
}

/** Compaction may pass a range of now that is read in several pieces; it is then read anew. */
export async function readAnewWhenPassed(options: RangeOptions, read: () => Promise<StorePage>): Promise<StorePage> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const isPassed = options.revision === undefined && error instanceof StoreError && error.code === 'compacted';
      if (!isPassed) throw error;
    }
  }
}
