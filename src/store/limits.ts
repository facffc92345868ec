import { StoreError, type Expectation, type Retention, type StoreEntry, type StoreWrite } from './store.ts';

/** The largest value: what etcd takes in one request, so that what fits here fits there. */
export const maxValueBytes = 1.5 * 2 ** 20;
/** Writes in one transaction; bounds how long one is under way. */
export const maxTransactionWrites = 10_000;
/** Keys of an ended lease that are deleted with one revision; bounds how long one step takes. */
export const leaseKeysPerRevision = 1000;
/** What an entry costs besides its key and value, roughly. */
const entryOverheadBytes = 64;

/** Keeps what watches and continued lists of a busy minute need. */
export const defaultRetention: Retention = { ageMs: 5 * 60_000, revisions: 10_000, bytes: 16 * 2 ** 20 };
export const defaultLimitBytes = 2 * 2 ** 30;

/** What an entry counts against the size limit. */
export function entryBytes(key: string, value: Uint8Array | undefined): number {
  return entryOverheadBytes + key.length + (value?.byteLength ?? 0);
}

/** Whether a put may happen on `current`. */
export function holds(expect: Expectation, current: { readonly modRevision: number } | undefined): boolean {
  if ('any' in expect) return true;
  if ('absent' in expect) return current === undefined;
  return current?.modRevision === expect.modRevision;
}

/** Whether a write may happen on `current`: deletions also need something to delete. */
export function mayWrite(write: StoreWrite, current: StoreEntry | undefined): boolean {
  return (write.value !== undefined || current !== undefined) && holds(write.expect, current);
}

/** Throws `too-large` for what no store takes. */
export function checkWrites(writes: readonly StoreWrite[]): void {
  if (writes.length > maxTransactionWrites) {
    throw new StoreError('too-large', `a transaction of ${writes.length} writes; ${maxTransactionWrites} are allowed`);
  }
  for (const { key, value } of writes) {
    if (value !== undefined && value.byteLength > maxValueBytes) {
      throw new StoreError('too-large', `the value of ${key} has ${value.byteLength} bytes; ${maxValueBytes} are allowed`);
    }
  }
}

/** Throws `compacted` or `future-revision` unless the store can be read at `revision`. */
export function checkRevision(revision: number, store: { readonly head: number; readonly compacted: number }): void {
  if (revision < store.compacted) {
    throw new StoreError('compacted', `revision ${revision} has been compacted; the oldest is ${store.compacted}`);
  }
  if (revision > store.head) {
    throw new StoreError('future-revision', `revision ${revision} is above the newest, ${store.head}`);
  }
}

export function noSpace(usedBytes: number, limitBytes: number): StoreError {
  return new StoreError('no-space', `the store is full: ${usedBytes} of ${limitBytes} bytes are in use; delete something`);
}

/** The file system has no room left, whatever the store's own limit is. */
export function diskFull(file: string): StoreError {
  return new StoreError('no-space', `the disk with ${file} is full; make room there, or delete something`);
}
