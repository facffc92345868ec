import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { compareKeys } from './key-order.ts';
import { checkRevision } from './limits.ts';
import type { WireChange, WireEntry } from './sqlite-protocol.ts';

/** Rowids of the log: revision * 2^16 + place in the transaction. */
export const placesPerRevision = 2 ** 16;

export function revisionOf(seq: number): number {
  return Math.floor(seq / placesPerRevision);
}

/** Behind every key with a given prefix: the highest code point, which no key contains. */
const afterAll = '\u{10ffff}';
/** Bounds one answer of `log`, in rows and bytes; more only to finish a revision. */
const logRows = 500;
const logBytes = 2 ** 20;

/** Reads of the file, now and in the past. */
export class FileReads {
  readonly #state: { readonly head: number; readonly compacted: number };
  readonly #currentEntry: StatementSync;
  readonly #currentSeq: StatementSync;
  readonly #row: StatementSync;
  readonly #firstAfter: StatementSync;
  readonly #span: StatementSync;
  readonly #spanCount: StatementSync;
  readonly #changedAfter: StatementSync;
  readonly #log: StatementSync;

  constructor(db: DatabaseSync, state: { readonly head: number; readonly compacted: number }) {
    this.#state = state;
    const prepare = (sql: string): StatementSync => {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#currentEntry = prepare(
      'SELECT c.key, l.value, c.create_revision, c.seq FROM current c JOIN log l ON l.seq = c.seq WHERE c.key = ?',
    );
    this.#currentSeq = prepare('SELECT seq FROM current WHERE key = ?');
    this.#row = prepare('SELECT key, value, create_revision, seq FROM log WHERE seq = ?');
    this.#firstAfter = prepare('SELECT previous FROM log WHERE seq >= ? AND key = ? ORDER BY seq LIMIT 1');
    this.#span = prepare(
      'SELECT c.key, l.value, c.create_revision, c.seq FROM current c JOIN log l ON l.seq = c.seq WHERE c.key >= ? AND c.key < ? AND c.seq < ? ORDER BY c.key',
    );
    this.#spanCount = prepare('SELECT count(*) FROM current WHERE key >= ? AND key < ? AND seq < ?');
    this.#changedAfter = prepare(
      'SELECT key, min(seq), previous FROM log WHERE seq >= ? AND key >= ? AND key < ? GROUP BY key ORDER BY key',
    );
    this.#log = prepare('SELECT seq, key, value, create_revision FROM log WHERE seq >= ? ORDER BY seq');
  }

  current(key: string): WireEntry | undefined {
    return entryOf(this.#currentEntry.get(key));
  }

  /** The entry at `revision`: the current one, if it is old enough, else what the first later write replaced. */
  get(key: string, revision: number): WireEntry | undefined {
    checkRevision(revision, this.#state);
    const after = (revision + 1) * placesPerRevision;
    const seq = rowOf(this.#currentSeq.get(key))?.[0];
    if (typeof seq === 'number' && seq < after) return this.current(key);
    const previous = rowOf(this.#firstAfter.get(after, key))?.[0];
    return typeof previous === 'number' && previous > 0 ? entryOf(this.#row.get(previous)) : undefined;
  }

  /** Entries with the prefix at `revision`, and how many are left behind them. */
  range(query: { readonly prefix: string; readonly from: string; readonly limit: number; readonly revision: number }): {
    readonly entries: readonly WireEntry[];
    readonly remaining: number;
  } {
    const { prefix, limit, revision } = query;
    checkRevision(revision, this.#state);
    const from = compareKeys(query.from, prefix) > 0 ? query.from : prefix;
    const until = prefix + afterAll;
    const after = (revision + 1) * placesPerRevision;
    // Keys written since then, with what they had at the revision. Costs the writes since, not the size of the range.
    const older: number[] = [];
    if (revision < this.#state.head) {
      for (const row of this.#changedAfter.iterate(after, from, until)) {
        const previous = rowOf(row)?.[2];
        if (typeof previous === 'number' && previous > 0) older.push(previous);
      }
    }
    const entries: WireEntry[] = [];
    let olderUsed = 0;
    /** Takes the older entries before `key`, as far as there is room. */
    const takeOlder = (key?: string): void => {
      for (; olderUsed < older.length && entries.length < limit; olderUsed++) {
        const entry = entryOf(this.#row.get(older[olderUsed] ?? 0));
        if (entry === undefined || (key !== undefined && compareKeys(entry[0], key) > 0)) return;
        entries.push(entry);
      }
    };
    let newer = 0;
    for (const row of this.#span.iterate(from, until, after)) {
      const entry = entryOf(row);
      if (entry === undefined) continue;
      takeOlder(entry[0]);
      if (entries.length >= limit) break;
      entries.push(entry);
      newer++;
    }
    takeOlder();
    if (entries.length < limit) return { entries, remaining: 0 };
    const count = Number(rowOf(this.#spanCount.get(from, until, after))?.[0] ?? 0);
    return { entries, remaining: count - newer + (older.length - olderUsed) };
  }

  /** The changes of some whole revisions above `afterRevision`, or of all. */
  log(afterRevision: number, options: { readonly isAll: boolean } = { isAll: false }): WireChange[] {
    checkRevision(afterRevision, this.#state);
    const changes: WireChange[] = [];
    let bytes = 0;
    let last = 0;
    for (const row of this.#log.iterate((afterRevision + 1) * placesPerRevision)) {
      const [seq, key, value, createRevision] = row as unknown as [number, string, Uint8Array | null, number];
      const revision = revisionOf(seq);
      if (!options.isAll && revision !== last && (changes.length >= logRows || bytes >= logBytes)) break;
      last = revision;
      bytes += value?.byteLength ?? 0;
      changes.push([revision, key, createRevision === 0 ? undefined : (value ?? empty), createRevision]);
    }
    return changes;
  }
}

const empty = new Uint8Array(0);

/** What a statement that returns arrays gives; the types of `node:sqlite` do not know of that. */
export function rowOf(row: unknown): readonly unknown[] | undefined {
  return row as readonly unknown[] | undefined;
}

function entryOf(row: unknown): WireEntry | undefined {
  const columns = row as readonly [string, Uint8Array | null, number, number] | undefined;
  return columns === undefined ? undefined : [columns[0], columns[1] ?? empty, columns[2], revisionOf(columns[3])];
}
