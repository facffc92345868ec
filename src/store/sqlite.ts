import type { Clock, Timer } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { AgeMarks } from './age-marks.ts';
import { ChangeLog, firstRevision, type Commit } from './change-log.ts';
import { LeaseTimes } from './leases.ts';
import { checkRevision, checkWrites, defaultLimitBytes, defaultRetention, entryBytes } from './limits.ts';
import { LoggedStore, readAnewWhenPassed } from './logged-store.ts';
import { restoreMemoryStore, type MemoryContent } from './memory.ts';
import { byRevision, memoryContent } from './memory-content.ts';
import { RevisionWindow } from './revision-window.ts';
import { commitsOf } from './sqlite-group.ts';
import { fromWire, type ExportState, type FileCall, type GroupOutcome, type OpenedFile, type Request, type WireChange, type WireEntry } from './sqlite-protocol.ts';
import { SqliteThread, type ThreadHooks } from './sqlite-thread.ts';
import { throughPart } from './store-file-copy.ts';
import {
  StoreError,
  type LeaseId,
  type RangeOptions,
  type Retention,
  type Store,
  type StoreChange,
  type StoreEntry,
  type StorePage,
  type StoreRead,
  type StoreWrite,
  type WriteResult,
} from './store.ts';

export interface SqliteStoreOptions {
  /** Made when it is missing; its directory must exist. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: 2 GiB. */
  readonly limitBytes?: number;
  /** Default: `defaultRetention`. */
  readonly retention?: Partial<Retention>;
}

/**
 * A store in an SQLite file, for this process alone. Throws `locked` when another has it open, `incompatible` when it
 * is no store or of a newer format. Leases start anew when a file is opened.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const settings = {
    limitBytes: defaultLimitBytes,
    ...options,
    retention: { ...defaultRetention, ...options.retention },
  };
  // The store exists only when the file is open; nothing is committed before.
  let store: SqliteStore | undefined;
  const hooks: ThreadHooks = {
    onCommit: (requests, outcome) => store?.onCommit(requests, outcome),
    compactTo: () => store?.compactTo() ?? 0,
    onFail: (error) => store?.onFail(error),
  };
  const { file, limitBytes, retention } = settings;
  const { thread, opened } = await SqliteThread.open({ file, limitBytes, retention }, hooks);
  store = new SqliteStore(thread, opened, settings);
  return store;
}

/** Commits kept in memory for watches that are just not waiting; older ones are read from the file. */
const windowRevisions = 1000;
const windowBytes = 2 ** 20;
/** Entries asked for at once. */
const rangePage = 500;
/** How long after a write the work that nobody waits for begins, and how long it rests between two steps. */
const maintenanceDelayMs = 50;

class SqliteStore extends LoggedStore<Commit> implements Store {
  readonly #thread: SqliteThread;
  readonly #options: Required<SqliteStoreOptions>;
  protected readonly log: ChangeLog<Commit>;
  readonly #leases: LeaseTimes;
  readonly #ages: AgeMarks;
  /** Forks being read; they need the whole past. */
  readonly #exports = new Set<Promise<MemoryContent>>();
  #windowBytes = 0;
  #maintenance: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(thread: SqliteThread, opened: OpenedFile, options: Required<SqliteStoreOptions> & { readonly retention: Retention }) {
    super();
    this.#thread = thread;
    this.#options = options;
    this.#ages = new AgeMarks(options.retention.ageMs);
    this.log = new ChangeLog({
      window: new RevisionWindow<Commit>(opened.head + 1),
      head: opened.head,
      compacted: opened.compacted,
      readOlder: async (afterRevision) => commitsFromWire((await this.#call({ do: 'log', afterRevision })) as WireChange[]),
    });
    this.#leases = new LeaseTimes({
      clock: options.clock,
      random: options.random,
      onExpire: (ids) => ids.forEach((id) => this.#endLease(id)),
    });
    for (const { id, ttlSeconds } of opened.leases) this.#leases.start(id, ttlSeconds);
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.log.head;
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreRead> {
    const read = (await this.#call({ do: 'get', key, revision: options.revision })) as { entry: WireEntry | undefined; revision: number };
    return { entry: read.entry && fromWire(read.entry), revision: read.revision };
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<StorePage> {
    return readAnewWhenPassed(options, () => this.#range(prefix, options));
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    this.#checkOpen();
    const id = this.#leases.newId();
    await this.#thread.submit({ do: 'grant', lease: id, ttlSeconds });
    this.#leases.start(id, ttlSeconds);
    return id;
  }

  async renewLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#leases.renew(id);
  }

  async revokeLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#leases.remove(id);
    await this.#thread.submit({ do: 'revoke', lease: id });
  }

  async compact(revision: number): Promise<void> {
    checkRevision(revision, { head: this.log.head, compacted: 0 });
    await Promise.allSettled(this.#exports);
    for (let isDone = false; !isDone; ) {
      const step = (await this.#call({ do: 'compact', revision })) as { compacted: number; isDone: boolean };
      this.log.setCompacted(step.compacted);
      isDone = step.isDone;
    }
    this.#planMaintenance();
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    return this.log.compacted;
  }

  async size(): Promise<{ readonly bytes: number; readonly limitBytes: number }> {
    return { bytes: (await this.#call({ do: 'size' })) as number, limitBytes: this.#options.limitBytes };
  }

  async snapshot(file: string): Promise<{ readonly revision: number }> {
    let revision = 0;
    await throughPart(file, async (part) => {
      revision = (await this.#call({ do: 'snapshot', file: part })) as number;
    });
    return { revision };
  }

  async fork(): Promise<Store> {
    const { clock, random, limitBytes, retention } = this.#options;
    const forking = this.#export();
    this.#exports.add(forking);
    try {
      return restoreMemoryStore({ clock, random, limitBytes, retention }, await forking);
    } finally {
      this.#exports.delete(forking);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For the thread: a group is durable. Watches are served here, before the writers are answered. */
  onCommit(requests: readonly Request[], outcome: GroupOutcome): void {
    const commits = commitsOf(requests, outcome);
    for (const commit of commits) this.#windowBytes += commitBytes(commit);
    this.log.publish(commits);
    this.log.setCompacted(outcome.compacted);
    const { window } = this.log;
    while (window.size > windowRevisions || this.#windowBytes > windowBytes) {
      const oldest = window.shift();
      if (oldest === undefined) break;
      this.#windowBytes -= commitBytes(oldest);
    }
    if (outcome.isMaintenanceDue) this.#planMaintenance();
  }

  /** For the thread: up to where history is too old. */
  compactTo(): number {
    return this.#ages.note(this.#options.clock.monotonicMs(), this.log.head);
  }

  /** For the thread: it has died. */
  onFail(error: StoreError): void {
    this.#leases.close();
    this.#maintenance?.cancel();
    this.log.close(error.code === 'closed' ? undefined : error);
  }

  async #close(): Promise<void> {
    this.#leases.close();
    this.#maintenance?.cancel();
    this.log.close();
    await this.#thread.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'the store is closed');
  }

  async #call(call: FileCall): Promise<unknown> {
    this.#checkOpen();
    return this.#thread.call(call);
  }

  protected async write(writes: readonly StoreWrite[]): Promise<WriteResult> {
    this.#checkOpen();
    checkWrites(writes);
    this.#leases.check(writes);
    return this.#thread.submit({ do: 'write', writes });
  }

  /** Reads everything, in pages. */
  async #export(): Promise<MemoryContent> {
    const state = (await this.#call({ do: 'begin-export' })) as ExportState;
    try {
      const source = { ...state, base: this.#basePages(state.compacted), changes: this.#changePages(state) };
      return await memoryContent(source, this.#options.clock.monotonicMs());
    } finally {
      await this.#call({ do: 'end-export' });
    }
  }

  async *#basePages(revision: number): AsyncGenerator<readonly WireEntry[]> {
    for (let from = ''; ; ) {
      const page = (await this.#call({ do: 'range', prefix: '', from, limit: rangePage, revision })) as { entries: WireEntry[]; remaining: number };
      yield page.entries;
      if (page.remaining === 0) return;
      from = `${page.entries.at(-1)?.[0]}\0`;
    }
  }

  async *#changePages(state: ExportState): AsyncGenerator<readonly WireChange[]> {
    for (let reached = Math.max(firstRevision, state.compacted); reached < state.head; ) {
      const page = (await this.#call({ do: 'log', afterRevision: reached })) as WireChange[];
      const changes = page.filter(([revision]) => revision <= state.head);
      yield changes;
      reached = changes.at(-1)?.[0] ?? state.head;
    }
  }

  async #range(prefix: string, options: RangeOptions): Promise<StorePage> {
    const limit = options.limit ?? Infinity;
    const entries: StoreEntry[] = [];
    let { from = prefix, revision } = options;
    for (;;) {
      const call = { do: 'range', prefix, from, limit: Math.min(rangePage, limit - entries.length), revision } as const;
      const page = (await this.#call(call)) as { entries: WireEntry[]; remaining: number; revision: number };
      revision ??= page.revision;
      for (const entry of page.entries) entries.push(fromWire(entry));
      const { remaining } = page;
      if (remaining === 0 || entries.length >= limit) return { entries, revision, more: remaining > 0, remaining };
      from = `${entries.at(-1)?.key}\0`;
    }
  }

  #endLease(id: LeaseId): void {
    // If the disk fails now, the lease is still in the file: it starts anew and ends after the next opening.
    this.#thread.submit({ do: 'revoke', lease: id }).catch(() => {});
  }

  /** One step of compaction or vacuum, and more as long as it is needed and nobody writes. */
  #planMaintenance(): void {
    if (this.#maintenance !== undefined || this.#closing !== undefined) return;
    this.#maintenance = this.#options.clock.after(maintenanceDelayMs, () => {
      this.#maintenance = undefined;
      if (this.#thread.isIdle) this.#maintain().catch(() => {});
      else this.#planMaintenance();
    });
  }

  async #maintain(): Promise<void> {
    const step = (await this.#call({ do: 'maintain' })) as { compacted: number; isMaintenanceDue: boolean };
    this.log.setCompacted(step.compacted);
    if (step.isMaintenanceDue) this.#planMaintenance();
  }
}

function commitBytes(commit: Commit): number {
  let bytes = 0;
  for (const { key, entry } of commit.changes) bytes += entryBytes(key, entry?.value);
  return bytes;
}

function commitsFromWire(changes: readonly WireChange[]): Commit[] {
  return byRevision(changes).map((ofRevision) => ({
    revision: ofRevision[0]?.[0] ?? 0,
    changes: ofRevision.map(changeFromWire),
  }));
}

function changeFromWire([revision, key, value, createRevision]: WireChange): StoreChange {
  if (value === undefined) return { type: 'delete', key, revision, entry: undefined };
  return { type: 'put', key, revision, entry: { key, value, createRevision, modRevision: revision } };
}
