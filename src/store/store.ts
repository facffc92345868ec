/**
 * The store: revisioned bytes under ordered keys. It knows no kind.
 *
 * What every backend promises (the contract suite in `store.contract.ts` checks it):
 * - One revision counter for the whole store. It starts at 1 (empty); every successful write raises it by one,
 *   a transaction of several writes raises it once and all its keys carry that revision.
 * - A write is answered after it is durable. A crash loses no answered write and shows no half of one.
 * - Reads at revision R see exactly the writes up to R, or fail with `compacted` / `future-revision`.
 * - A watch from revision R delivers every change with a revision above R to its prefix, once each, in revision
 *   order, without gaps. It is a cursor on the log: a slow reader costs a number, not a buffer. A reader that
 *   compaction has passed gets `compacted`.
 * - A watch of this store object that waits in `next()` is resumed by a write before the write's promise is resolved,
 *   in the same turn of the event loop, and `entry.value` of its change is the very array given to `put`. So a writer
 *   recognises its own change by identity and need not decode it. Given values must not be changed afterwards.
 * - Compaction to C leaves reads at C and above, and watches after C and above.
 * - Deletes are always accepted, also when the size limit is reached.
 * - Keys are well-formed strings and sort by their UTF-8 bytes.
 * - History is compacted by the store itself as its `Retention` says; `compact` does it earlier.
 *
 * Source: modelled on etcd v3's key-value API, no wider than what the API server needs.
 */
export interface Store {
  /** The newest revision that is durable and visible to reads. */
  revision(): Promise<number>;

  /** The newest value of `key`, with the store's revision at the time of the read. */
  get(key: string, options?: { readonly revision?: number }): Promise<StoreRead>;

  /**
   * Entries whose key starts with `prefix`, in key order.
   * `from` (inclusive) starts later in the range; `limit` bounds the page. Without a limit large ranges are read in
   * pieces at one revision, but the caller gets them at once: whoever must not block for long passes a limit.
   */
  range(prefix: string, options?: RangeOptions): Promise<StorePage>;

  /** Writes if `expect` holds. A failed expectation is an answer, not an error. */
  put(key: string, value: Uint8Array, expect: Expectation, options?: { readonly leaseId?: LeaseId }): Promise<WriteResult>;

  /** Deletes if `expect` holds. Deleting an absent key is a failed expectation. */
  delete(key: string, expect: DeleteExpectation): Promise<WriteResult>;

  /** All writes or none, with one revision. The first failed expectation is answered; no key may appear twice. */
  transaction(writes: readonly StoreWrite[]): Promise<WriteResult>;

  /**
   * Changes under `prefix` with a revision above `afterRevision`, in order, in batches of one or more whole revisions.
   * Ends when `signal` aborts or the store closes; throws `StoreError` (`compacted`) when the cursor has been passed,
   * (`future-revision`) when `afterRevision` has not been reached. For one reader. Errors come from `next()`.
   */
  watch(prefix: string, options: { readonly afterRevision: number; readonly signal: AbortSignal }): StoreWatch;

  /** A lease that expires `ttlSeconds` after its last renewal; its keys are then deleted. */
  grantLease(ttlSeconds: number): Promise<LeaseId>;
  /** Restarts the lease's time. Throws `lease-not-found` when it has expired. */
  renewLease(id: LeaseId): Promise<void>;
  /** Ends the lease and deletes its keys. */
  revokeLease(id: LeaseId): Promise<void>;

  /** Drops history at and below `revision`; the newest value of each key stays. Incremental: never blocks for long. */
  compact(revision: number): Promise<void>;
  /** The revision up to which history is gone (0: none). */
  compactedRevision(): Promise<number>;

  /** Bytes in use, and the limit above which writes other than deletes fail with `no-space`. */
  size(): Promise<{ readonly bytes: number; readonly limitBytes: number }>;

  /** Writes a complete copy, as of now, to a file that `openSqliteStore` can open; how much history it has is open. */
  snapshot(file: string): Promise<{ readonly revision: number }>;

  /** An independent store with the same content, history and leases, in memory. Memory backend: no cost. */
  fork(): Promise<Store>;

  /** Waits for writes under way, then releases everything. Idempotent. */
  close(): Promise<void>;
}

export type LeaseId = string & { readonly leaseId: unique symbol };

export interface StoreEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the write that created the key (since its last deletion). */
  readonly createRevision: number;
  /** Revision of the write that gave it this value. */
  readonly modRevision: number;
}

export interface StoreRead {
  readonly entry: StoreEntry | undefined;
  readonly revision: number;
}

export interface RangeOptions {
  /** Read the past. Default: now. */
  readonly revision?: number;
  readonly from?: string;
  readonly limit?: number;
}

export interface StorePage {
  readonly entries: readonly StoreEntry[];
  /** The revision the page was read at. */
  readonly revision: number;
  /** Whether entries are left behind the last one. */
  readonly more: boolean;
  /** How many entries are left behind the last one. */
  readonly remaining: number;
}

/** What must be true of the key for a write to happen. */
export type Expectation =
  | { readonly absent: true }
  | { readonly modRevision: number }
  | { readonly any: true };

export type DeleteExpectation = Exclude<Expectation, { readonly absent: true }>;

export type StoreWrite =
  | { readonly key: string; readonly value: Uint8Array; readonly expect: Expectation; readonly leaseId?: LeaseId }
  | { readonly key: string; readonly value: undefined; readonly expect: DeleteExpectation };

export type WriteResult =
  | { readonly ok: true; readonly revision: number }
  /** The expectation of `key` failed; `current` is what stands there now. */
  | { readonly ok: false; readonly key: string; readonly current: StoreEntry | undefined };

export interface StoreWatch extends AsyncIterable<WatchBatch> {
  /**
   * Asks for a batch that reaches at least the revision the store has now, without changes if there are none.
   * So a reader of a quiet prefix can learn that it is up to date; nothing is sent for it otherwise.
   */
  requestProgress(): void;
}

export interface WatchBatch {
  readonly changes: readonly StoreChange[];
  /** Everything up to this revision has been delivered. */
  readonly revision: number;
}

export interface StoreChange {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** The new entry; of a deletion: undefined. */
  readonly entry: StoreEntry | undefined;
}

/** How much of the past is kept. The oldest goes first, as soon as one of the bounds is passed. */
export interface Retention {
  readonly ageMs: number;
  readonly revisions: number;
  /** Keys and values of the past. */
  readonly bytes: number;
}

export type StoreErrorCode =
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'no-space'
  | 'too-large'
  | 'closed'
  /** Another process has the file open. */
  | 'locked'
  /** The file is not a store, or was written by a newer version. */
  | 'incompatible'
  /** The disk or the peer failed; whether a write happened is unknown. */
  | 'unavailable';

/** What a store throws. Everything else that comes out of a store is a bug. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
