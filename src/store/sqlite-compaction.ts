import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { entryBytes } from './limits.ts';
import { pragma } from './sqlite-schema.ts';
import { placesPerRevision, revisionOf, rowOf } from './sqlite-reads.ts';
import type { Retention } from './store.ts';

/** Rows of the log that one step behind the scenes walks; about 2 ms. */
const stepRows = 500;
/** Free pages that stay in the file for the writes to come: 4 MiB, or a quarter of the file. */
const sparePages = 512;
/** Pages given back in one step. */
const vacuumPages = 512;

/**
 * Forgets the past of a file: walks the log once, from the compacted revision upwards, and deletes the rows that each
 * write replaced. Must be called inside a transaction.
 */
export class FileCompaction {
  readonly #db: DatabaseSync;
  readonly #retention: Retention;
  readonly #limitBytes: number;
  readonly #walk: StatementSync;
  readonly #size: StatementSync;
  readonly #drop: StatementSync;
  readonly #save: StatementSync;
  /** Rows below were written before the file was opened; what they replaced is not counted in `pastBytes`. */
  readonly #countedFrom: number;
  #pastBytes = 0;
  #wanted = 0;
  /** Readers of the whole past under way; nothing is compacted meanwhile. */
  holds = 0;
  compacted: number;

  constructor(
    db: DatabaseSync,
    options: { readonly retention: Retention; readonly limitBytes: number; readonly head: number; readonly compacted: number },
  ) {
    this.#db = db;
    this.#retention = options.retention;
    this.#limitBytes = options.limitBytes;
    this.#countedFrom = (options.head + 1) * placesPerRevision;
    this.compacted = options.compacted;
    this.#walk = db.prepare('SELECT seq, previous, create_revision FROM log WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?');
    this.#walk.setReturnArrays(true);
    this.#size = db.prepare('SELECT key, length(value) FROM log WHERE seq = ?');
    this.#size.setReturnArrays(true);
    this.#drop = db.prepare('DELETE FROM log WHERE seq = ?');
    this.#save = db.prepare('UPDATE state SET compacted = ?');
  }

  get pastBytes(): number {
    return this.#pastBytes;
  }

  /** A write replaced this much. */
  addPast(bytes: number): void {
    this.#pastBytes += bytes;
  }

  /** History up to `revision` is no longer wanted. */
  want(revision: number): void {
    this.#wanted = Math.max(this.#wanted, revision);
  }

  isDue(state: { readonly head: number; readonly liveBytes: number }): boolean {
    return this.holds === 0 && this.compacted < this.#target(state);
  }

  /** Brings the past towards its bounds, walking at most about `rows` rows; more if space is short. */
  trim(state: { readonly head: number; readonly liveBytes: number }, rows = stepRows): void {
    if (this.holds > 0) return;
    let walked = 0;
    while (walked < rows || this.#pastBytes + state.liveBytes > this.#limitBytes) {
      const target = this.#target(state);
      if (this.compacted >= target) return;
      const done = this.#walkTo(target, Math.max(16, rows - walked));
      walked += done;
    }
  }

  /** Compacts to `revision` a step further; whether it is done. */
  stepTo(revision: number): boolean {
    if (this.compacted < revision) this.#walkTo(revision, stepRows);
    return this.compacted >= revision;
  }

  /** Whether the file has more free pages than it should keep. */
  isVacuumDue(): boolean {
    const pages = pragma(this.#db, 'page_count');
    return pragma(this.#db, 'freelist_count') > Math.max(sparePages, pages / 4);
  }

  /** Gives some free pages back to the file system. Outside a transaction. */
  vacuum(): void {
    this.#db.exec(`PRAGMA incremental_vacuum(${vacuumPages})`);
    // The file shrinks when the write-ahead log is taken into it.
    if (!this.isVacuumDue()) this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** The revision up to which history should go now. */
  #target(state: { readonly head: number; readonly liveBytes: number }): number {
    const maxBytes = Math.min(this.#retention.bytes, this.#limitBytes - state.liveBytes);
    if (this.#pastBytes > maxBytes) return state.head;
    return Math.min(state.head, Math.max(this.#wanted, state.head - this.#retention.revisions));
  }

  /** Walks on by `rows` rows and to the end of the revision reached; the rows walked. */
  #walkTo(target: number, rows: number): number {
    let walked = this.#dropReplaced((this.compacted + 1) * placesPerRevision, (target + 1) * placesPerRevision, rows);
    let reached = target;
    if (walked.rows === rows) {
      reached = revisionOf(walked.last);
      walked = { ...walked, rows: rows + this.#dropReplaced(walked.last + 1, (reached + 1) * placesPerRevision, placesPerRevision).rows };
    }
    this.compacted = reached;
    this.#save.run(reached);
    return Math.max(1, walked.rows);
  }

  /** Deletes what the rows from `from` to before `until` replaced, and deletions themselves. */
  #dropReplaced(from: number, until: number, limit: number): { readonly rows: number; readonly last: number } {
    const rows = this.#walk.all(from, until, limit) as unknown as (readonly [number, number, number])[];
    for (const [seq, previous, createRevision] of rows) {
      if (previous > 0) this.#dropRow(previous, seq >= this.#countedFrom);
      if (createRevision === 0) this.#drop.run(seq);
    }
    return { rows: rows.length, last: rows.at(-1)?.[0] ?? 0 };
  }

  #dropRow(seq: number, isCounted: boolean): void {
    if (isCounted) {
      const [key, length] = (rowOf(this.#size.get(seq)) ?? ['', 0]) as readonly [string, number | null];
      this.#pastBytes -= entryBytes(key, undefined) + (length ?? 0);
    }
    this.#drop.run(seq);
  }
}
