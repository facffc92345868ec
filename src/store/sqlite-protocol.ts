import type { LeaseId, Retention, StoreEntry, StoreErrorCode, StoreWrite } from './store.ts';

/** What the main thread and the thread of the SQLite file say to each other. One group of writes is one message. */
export type ToWorker =
  | ({ readonly type: 'group' } & WriteGroup)
  | { readonly type: 'call'; readonly id: number; readonly call: FileCall };

export type FromWorker =
  | { readonly type: 'opened'; readonly state: OpenedFile }
  | ({ readonly type: 'committed' } & GroupOutcome)
  /** Nothing of the group has been written, as far as the file tells. */
  | { readonly type: 'group-failed'; readonly error: WireError }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };

export interface WorkerOptions {
  readonly file: string;
  readonly limitBytes: number;
  readonly retention: Retention;
}

export interface OpenedFile {
  readonly head: number;
  readonly compacted: number;
  readonly leases: readonly { readonly id: LeaseId; readonly ttlSeconds: number }[];
}

/** Calls outside the order of the writes; each sees all writes answered before it. */
export type FileCall =
  | { readonly do: 'get'; readonly key: string; readonly revision: number | undefined }
  | { readonly do: 'range'; readonly prefix: string; readonly from: string; readonly limit: number; readonly revision: number | undefined }
  | { readonly do: 'log'; readonly afterRevision: number }
  | { readonly do: 'compact'; readonly revision: number }
  | { readonly do: 'maintain' }
  | { readonly do: 'size' }
  /** Holds compaction until `end-export`, so that the whole past can be read in pages. */
  | { readonly do: 'begin-export' }
  | { readonly do: 'end-export' }
  | { readonly do: 'import'; readonly part: ImportPart }
  | { readonly do: 'snapshot'; readonly file: string }
  | { readonly do: 'close' };

/** Key, value, createRevision, modRevision. */
export type WireEntry = readonly [string, Uint8Array, number, number];

/** Revision, key, value (undefined: deleted), createRevision. */
export type WireChange = readonly [number, string, Uint8Array | undefined, number];

export interface ExportState {
  readonly compacted: number;
  readonly head: number;
  readonly leases: OpenedFile['leases'];
  readonly leaseOfKey: readonly (readonly [string, LeaseId])[];
}

/** A state to fill a new file with; it has no past, so it is compacted to its head. */
export interface ImportPart {
  readonly head: number;
  readonly entries: readonly WireEntry[];
  readonly leases: OpenedFile['leases'];
  readonly leaseOfKey: readonly (readonly [string, LeaseId])[];
}

export interface WireError {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** What a caller wants done in the order of the writes. */
export type Request =
  | { readonly do: 'write'; readonly writes: readonly StoreWrite[] }
  | { readonly do: 'grant'; readonly lease: LeaseId; readonly ttlSeconds: number }
  | { readonly do: 'revoke'; readonly lease: LeaseId };

/**
 * Requests laid flat, because copying many small objects between threads costs more than the writes: the request `i`
 * takes `counts[i]` of the following columns; a grant or a revocation takes one, with the lease as its key.
 */
export interface WriteGroup {
  /** Number of writes, or `grantMark`, or `revokeMark`. */
  readonly counts: Int32Array;
  readonly keys: readonly string[];
  /** Bytes of the value in `values`, `deleteMark`, or a grant's seconds. */
  readonly lengths: Float64Array;
  /** A modRevision, `absentMark` or `anyMark`. */
  readonly expected: Float64Array;
  /** By column; undefined when no write has a lease. */
  readonly leases: readonly (LeaseId | undefined)[] | undefined;
  /** All values one behind the other. */
  readonly values: Uint8Array;
  /** History up to here is older than wanted. */
  readonly compactTo: number;
}

export const grantMark = -1;
export const revokeMark = -2;
export const deleteMark = -1;
export const absentMark = -2;
export const anyMark = -1;

export interface GroupOutcome {
  /** By request: its (last) revision; 0 when it was not done, see `refused`. */
  readonly revisions: Float64Array;
  /** By column: the createRevision of the entry put. */
  readonly created: Float64Array;
  readonly refused: readonly Refusal[];
  /** The keys that ended with a lease: by request, the keys of each of its revisions. */
  readonly ended: readonly { readonly request: number; readonly keys: readonly (readonly string[])[] }[];
  readonly compacted: number;
  /** Whether there is compaction left that nobody waits for. */
  readonly isMaintenanceDue: boolean;
}

export type Refusal =
  | { readonly request: number; readonly key: string; readonly current: WireEntry | undefined }
  | { readonly request: number; readonly error: WireError };

export function fromWire(entry: WireEntry): StoreEntry {
  return { key: entry[0], value: entry[1], createRevision: entry[2], modRevision: entry[3] };
}

export function toWire(entry: StoreEntry): WireEntry {
  return [entry.key, entry.value, entry.createRevision, entry.modRevision];
}
