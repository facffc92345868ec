import { backup, type DatabaseSync, type StatementSync } from 'node:sqlite';
import { firstRevision } from './change-log.ts';
import { diskFull, entryBytes, leaseKeysPerRevision, noSpace } from './limits.ts';
import { FileCompaction } from './sqlite-compaction.ts';
import {
  absentMark,
  anyMark,
  deleteMark,
  grantMark,
  revokeMark,
  type ExportState,
  type GroupOutcome,
  type ImportPart,
  type OpenedFile,
  type Refusal,
  type WorkerOptions,
  type WriteGroup,
} from './sqlite-protocol.ts';
import { FileReads, placesPerRevision, revisionOf, rowOf } from './sqlite-reads.ts';
import { isDiskFull, openDatabase } from './sqlite-schema.ts';
import { StoreError, type LeaseId } from './store.ts';

/** What stands under a key: place in the log, createRevision, bytes. */
type Current = readonly [seq: number, createRevision: number, bytes: number];

/** A store's file, with blocking calls; lives in a thread of its own. */
export class StoreFile {
  readonly reads: FileReads;
  readonly #db: DatabaseSync;
  readonly #options: WorkerOptions;
  readonly #compaction: FileCompaction;
  readonly #statements: ReturnType<typeof prepareWrites>;
  #head: number;
  #liveBytes: number;

  /** Throws `locked`, `incompatible`, `unavailable`. */
  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#db = openDatabase(options.file);
    this.#statements = prepareWrites(this.#db);
    const compacted = this.#number('SELECT compacted FROM state');
    // Compaction may have deleted the newest row, if that was a deletion.
    this.#head = Math.max(firstRevision, revisionOf(this.#number('SELECT max(seq) FROM log')), compacted);
    this.#liveBytes = this.#number('SELECT sum(bytes) FROM current');
    this.#compaction = new FileCompaction(this.#db, { ...options, head: this.#head, compacted });
    this.reads = new FileReads(this.#db, this);
  }

  get head(): number {
    return this.#head;
  }

  get compacted(): number {
    return this.#compaction.compacted;
  }

  /** What the main thread has to know at the start. */
  opened(): OpenedFile {
    return { head: this.#head, compacted: this.compacted, leases: this.#leases() };
  }

  /** Does the group's requests in order, with one commit. Throws with nothing done; `no-space` when the disk is full. */
  apply(group: WriteGroup): GroupOutcome {
    const before = { head: this.#head, liveBytes: this.#liveBytes };
    this.#compaction.want(group.compactTo);
    return this.#inTransaction(() => {
      const outcome = new GroupRun(group, this).run();
      this.#compaction.trim({ head: this.#head, liveBytes: this.#liveBytes }, 8 + 2 * group.keys.length);
      return { ...outcome, compacted: this.compacted, isMaintenanceDue: this.#isMaintenanceDue() };
    }, before);
  }

  current(key: string): Current | undefined {
    return rowOf(this.#statements.current.get(key)) as Current | undefined;
  }

  /** Starts a new revision. */
  nextRevision(): number {
    return ++this.#head;
  }

  put(key: string, value: Uint8Array, options: { readonly seq: number; readonly current: Current | undefined; readonly lease: LeaseId | undefined }): number {
    const { seq, current, lease } = options;
    const bytes = entryBytes(key, value);
    const createRevision = current?.[1] ?? revisionOf(seq);
    this.#statements.append.run(seq, key, createRevision, current?.[0] ?? 0, value);
    if (current === undefined) this.#statements.insert.run(key, seq, createRevision, bytes, lease ?? null);
    else this.#statements.update.run(seq, bytes, lease ?? null, key);
    this.#liveBytes += bytes - (current?.[2] ?? 0);
    this.#compaction.addPast(current?.[2] ?? 0);
    return createRevision;
  }

  delete(key: string, seq: number, current: Current): void {
    this.#statements.append.run(seq, key, 0, current[0], null);
    this.#statements.remove.run(key);
    this.#liveBytes -= current[2];
    this.#compaction.addPast(current[2]);
  }

  /** Throws `no-space`. The past does not count: it makes way. */
  checkSpace(growth: number): void {
    if (growth > 0 && this.#liveBytes + growth > this.#options.limitBytes) throw noSpace(this.#liveBytes, this.#options.limitBytes);
  }

  grant(id: string, ttlSeconds: number): void {
    this.#statements.grant.run(id, ttlSeconds);
  }

  /** Ends a lease; the keys it ended, by revision. */
  revoke(id: string): string[][] {
    const keys = this.#statements.leased.all(id).map((row) => String(rowOf(row)?.[0]));
    const parts: string[][] = [];
    for (let start = 0; start < keys.length; start += leaseKeysPerRevision) {
      const part = keys.slice(start, start + leaseKeysPerRevision);
      const first = this.nextRevision() * placesPerRevision;
      for (const [place, key] of part.entries()) {
        const current = this.current(key);
        if (current !== undefined) this.delete(key, first + place, current);
      }
      parts.push(part);
    }
    this.#statements.endLease.run(id);
    return parts;
  }

  /** Compacts to `revision` one step further. */
  compactStep(revision: number): { readonly compacted: number; readonly isDone: boolean } {
    if (revision > this.#head) throw new StoreError('future-revision', `revision ${revision} is above the newest, ${this.#head}`);
    const isDone = this.#inTransaction(() => this.#compaction.stepTo(revision));
    return { compacted: this.compacted, isDone };
  }

  /** One step of the work nobody waits for. */
  maintain(): { readonly compacted: number; readonly isMaintenanceDue: boolean } {
    const state = { head: this.#head, liveBytes: this.#liveBytes };
    if (this.#compaction.isDue(state)) this.#inTransaction(() => this.#compaction.trim(state));
    else if (this.#compaction.isVacuumDue()) this.#compaction.vacuum();
    return { compacted: this.compacted, isMaintenanceDue: this.#isMaintenanceDue() };
  }

  size(): number {
    return this.#liveBytes + this.#compaction.pastBytes;
  }

  /** Holds compaction, so that everything since the compacted revision can be read in pages. May be nested. */
  beginExport(): ExportState {
    this.#compaction.holds++;
    const leaseOfKey = this.#db.prepare('SELECT key, lease FROM current WHERE lease IS NOT NULL').all();
    return {
      compacted: this.compacted,
      head: this.#head,
      leases: this.#leases(),
      leaseOfKey: leaseOfKey.map((row) => [String(row['key']), String(row['lease']) as LeaseId] as const),
    };
  }

  endExport(): void {
    this.#compaction.holds--;
  }

  /** Adds entries to a file that holds nothing but such parts. */
  import(part: ImportPart): void {
    this.#inTransaction(() => {
      const leaseOf = new Map(part.leaseOfKey);
      for (const { id, ttlSeconds } of part.leases) this.grant(id, ttlSeconds);
      for (const [key, value, createRevision, modRevision] of part.entries) {
        // Entries of one revision may come in several parts; the place among them means nothing any more.
        const first = modRevision * placesPerRevision;
        const seq = Math.max(first, Number(rowOf(this.#statements.lastBefore.get(first + placesPerRevision))?.[0] ?? 0) + 1);
        this.#statements.append.run(seq, key, createRevision, 0, value);
        this.#statements.insert.run(key, seq, createRevision, entryBytes(key, value), leaseOf.get(key) ?? null);
      }
      this.#db.prepare('UPDATE state SET compacted = ?').run(part.head);
    });
  }

  /** Copies the file while it is being written; the copy is of the end of the copying. */
  async snapshot(file: string): Promise<number> {
    await backup(this.#db, file, { rate: 256 });
    return this.#head;
  }

  close(): void {
    this.#db.close();
  }

  #leases(): OpenedFile['leases'] {
    const rows = this.#db.prepare('SELECT id, ttl_seconds FROM lease').all();
    return rows.map((row) => ({ id: String(row['id']) as LeaseId, ttlSeconds: Number(row['ttl_seconds']) }));
  }

  #isMaintenanceDue(): boolean {
    return this.#compaction.isDue({ head: this.#head, liveBytes: this.#liveBytes }) || this.#compaction.isVacuumDue();
  }

  #number(sql: string): number {
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    return Number(rowOf(statement.get())?.[0] ?? 0);
  }

  #inTransaction<T>(work: () => T, before?: { readonly head: number; readonly liveBytes: number }): T {
    const { compacted } = this.#compaction;
    this.#statements.begin.run();
    try {
      const result = work();
      this.#statements.commit.run();
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#compaction.compacted = compacted;
      if (before !== undefined) {
        this.#head = before.head;
        this.#liveBytes = before.liveBytes;
      }
      throw isDiskFull(error) ? diskFull(this.#options.file) : error;
    }
  }
}

/** One pass over a group's columns. */
class GroupRun {
  readonly #group: WriteGroup;
  readonly #file: StoreFile;
  readonly #created: Float64Array;
  readonly #refused: Refusal[] = [];
  #column = 0;
  #offset = 0;

  constructor(group: WriteGroup, file: StoreFile) {
    this.#group = group;
    this.#file = file;
    this.#created = new Float64Array(group.keys.length);
  }

  run(): Omit<GroupOutcome, 'compacted' | 'isMaintenanceDue'> {
    const { counts, keys, lengths } = this.#group;
    const revisions = new Float64Array(counts.length);
    const ended: { request: number; keys: string[][] }[] = [];
    for (let request = 0; request < counts.length; request++) {
      const count = counts[request] ?? 0;
      const key = keys[this.#column] ?? '';
      if (count === grantMark) {
        this.#file.grant(key, lengths[this.#column] ?? 0);
        this.#column++;
      } else if (count === revokeMark) {
        ended.push({ request, keys: this.#file.revoke(key) });
        this.#column++;
      } else {
        revisions[request] = this.#write(request, count);
        continue;
      }
      revisions[request] = this.#file.head;
    }
    return { revisions, created: this.#created, refused: this.#refused, ended };
  }

  /** One transaction: checks everything, then writes everything. Its revision, or 0. */
  #write(request: number, count: number): number {
    const { keys, lengths, values, leases } = this.#group;
    const start = this.#column;
    const end = start + count;
    this.#column = end;
    let offset = this.#offset;
    for (let column = start; column < end; column++) this.#offset += Math.max(0, lengths[column] ?? 0);
    const currents = this.#check(request, start, end);
    if (currents === undefined) return 0;
    const revision = this.#file.nextRevision();
    for (let column = start; column < end; column++) {
      const key = keys[column] ?? '';
      const length = lengths[column] ?? 0;
      const current = currents[column - start];
      const seq = revision * placesPerRevision + (column - start);
      if (length !== deleteMark) {
        const value = values.subarray(offset, offset + length);
        this.#created[column] = this.#file.put(key, value, { seq, current, lease: leases?.[column] });
        offset += length;
      } else if (current !== undefined) {
        this.#file.delete(key, seq, current);
      }
    }
    return revision;
  }

  /** What stands under the keys; undefined when the transaction is refused. */
  #check(request: number, start: number, end: number): (Current | undefined)[] | undefined {
    const { keys, lengths, expected } = this.#group;
    const currents: (Current | undefined)[] = [];
    let growth = 0;
    for (let column = start; column < end; column++) {
      const key = keys[column] ?? '';
      const length = lengths[column] ?? 0;
      const current = this.#file.current(key);
      if (!isExpected(expected[column] ?? anyMark, current) || (length === deleteMark && current === undefined)) {
        this.#refused.push({ request, key, current: this.#file.reads.current(key) });
        return undefined;
      }
      growth += (length === deleteMark ? 0 : entryBytes(key, undefined) + length) - (current?.[2] ?? 0);
      currents.push(current);
    }
    try {
      this.#file.checkSpace(growth);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#refused.push({ request, error: { code: error.code, message: error.message } });
      return undefined;
    }
    return currents;
  }
}

function isExpected(expected: number, current: Current | undefined): boolean {
  if (expected === anyMark) return true;
  if (expected === absentMark) return current === undefined;
  return current !== undefined && revisionOf(current[0]) === expected;
}

function prepareWrites(db: DatabaseSync): Readonly<Record<'current' | 'append' | 'insert' | 'update' | 'remove' | 'grant' | 'endLease' | 'leased' | 'lastBefore' | 'begin' | 'commit', StatementSync>> {
  const statements = {
    current: db.prepare('SELECT seq, create_revision, bytes FROM current WHERE key = ?'),
    append: db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?)'),
    insert: db.prepare('INSERT INTO current VALUES (?, ?, ?, ?, ?)'),
    update: db.prepare('UPDATE current SET seq = ?, bytes = ?, lease = ? WHERE key = ?'),
    remove: db.prepare('DELETE FROM current WHERE key = ?'),
    grant: db.prepare('INSERT INTO lease VALUES (?, ?)'),
    endLease: db.prepare('DELETE FROM lease WHERE id = ?'),
    leased: db.prepare('SELECT key FROM current WHERE lease = ? ORDER BY key'),
    lastBefore: db.prepare('SELECT max(seq) FROM log WHERE seq < ?'),
    begin: db.prepare('BEGIN'),
    commit: db.prepare('COMMIT'),
  };
  statements.current.setReturnArrays(true);
  statements.leased.setReturnArrays(true);
  statements.lastBefore.setReturnArrays(true);
  return statements;
}
