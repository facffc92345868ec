import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { ChangeLog, firstRevision, type Commit } from './change-log.ts';
import { emptyTree, findEntry, prefixSpan, sliceEntries, withEntry, withoutKey, type EntryTree } from './entry-tree.ts';
import { compareKeys } from './key-order.ts';
import { LeaseTimes } from './leases.ts';
import { checkRevision, checkWrites, defaultRetention, entryBytes, leaseKeysPerRevision, mayWrite, noSpace } from './limits.ts';
import { LoggedStore } from './logged-store.ts';
import { RevisionWindow } from './revision-window.ts';
import {
  StoreError,
  type LeaseId,
  type RangeOptions,
  type Retention,
  type Store,
  type StoreChange,
  type StorePage,
  type StoreRead,
  type StoreWrite,
  type WriteResult,
} from './store.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: 256 MiB. */
  readonly limitBytes?: number;
  /** Default: `defaultRetention`. With the ways through the tree that each revision keeps, its past takes 35 MiB at most. */
  readonly retention?: Partial<Retention>;
}

/** A store that lives as long as this process; "durable" here means applied. Ready at once. */
export function openMemoryStore(options: MemoryStoreOptions): Store {
  return new MemoryStore(options, {
    base: { revision: firstRevision, tree: emptyTree },
    compacted: 0,
    commits: new RevisionWindow<MemoryCommit>(firstRevision + 1),
    leases: [],
    leaseOfKey: new Map(),
    liveBytes: 0,
    pastBytes: 0,
  });
}

/** A memory store with the given content. */
export function restoreMemoryStore(options: MemoryStoreOptions, content: MemoryContent): Store {
  return new MemoryStore(options, content);
}

export interface MemoryContent {
  /** The state the commits start from. */
  readonly base: { readonly revision: number; readonly tree: EntryTree };
  readonly compacted: number;
  /** All commits above the base. The store takes it over. */
  readonly commits: RevisionWindow<MemoryCommit>;
  readonly leases: Iterable<{ readonly id: LeaseId; readonly ttlSeconds: number }>;
  readonly leaseOfKey: ReadonlyMap<string, LeaseId>;
  /** Of the newest state. */
  readonly liveBytes: number;
  /** Of all commits. */
  readonly pastBytes: number;
}

/** A commit and the state after it. */
export interface MemoryCommit extends Commit {
  readonly tree: EntryTree;
  readonly atMs: number;
  /** What dropping this commit sets free. */
  readonly pastBytes: number;
}

/** The commit of `writes`, which must be allowed, on the state `tree`. */
export function commitOn(tree: EntryTree, writes: readonly StoreWrite[], options: { readonly revision: number; readonly atMs: number }): MemoryCommit {
  const { revision, atMs } = options;
  const changes: StoreChange[] = [];
  let next = tree;
  let pastBytes = 0;
  for (const { key, value } of writes) {
    const previous = findEntry(next, key);
    if (previous !== undefined) pastBytes += entryBytes(key, previous.value);
    if (value === undefined) {
      next = withoutKey(next, key);
      changes.push({ type: 'delete', key, revision, entry: undefined });
    } else {
      const entry = { key, value, createRevision: previous?.createRevision ?? revision, modRevision: revision };
      next = withEntry(next, entry);
      changes.push({ type: 'put', key, revision, entry });
    }
  }
  return { revision, changes, tree: next, atMs, pastBytes };
}

class MemoryStore extends LoggedStore<MemoryCommit> implements Store {
  readonly #options: MemoryStoreOptions;
  readonly #limitBytes: number;
  readonly #retention: Retention;
  protected readonly log: ChangeLog<MemoryCommit>;
  readonly #leases: LeaseTimes;
  readonly #leaseOfKey: Map<string, LeaseId>;
  readonly #keysOfLease = new Map<LeaseId, Set<string>>();
  /** The state at the compacted revision. */
  #base: { readonly revision: number; readonly tree: EntryTree };
  #tree: EntryTree;
  #liveBytes: number;
  #pastBytes: number;
  #isClosed = false;

  constructor(options: MemoryStoreOptions, content: MemoryContent) {
    super();
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? 256 * 2 ** 20;
    this.#retention = { ...defaultRetention, ...options.retention };
    this.#base = content.base;
    const head = content.base.revision + content.commits.size;
    this.log = new ChangeLog({ window: content.commits, head, compacted: content.compacted });
    this.#tree = content.commits.get(head)?.tree ?? content.base.tree;
    this.#leases = new LeaseTimes({
      clock: options.clock,
      random: options.random,
      onExpire: (ids) => ids.forEach((id) => this.#deleteKeysOf(id)),
    });
    for (const { id, ttlSeconds } of content.leases) this.#startLease(id, ttlSeconds);
    this.#leaseOfKey = new Map(content.leaseOfKey);
    for (const [key, id] of this.#leaseOfKey) this.#keysOfLease.get(id)?.add(key);
    this.#liveBytes = content.liveBytes;
    this.#pastBytes = content.pastBytes;
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.log.head;
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreRead> {
    this.#checkOpen();
    return { entry: findEntry(this.#treeAt(options.revision), key), revision: this.log.head };
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<StorePage> {
    this.#checkOpen();
    const tree = this.#treeAt(options.revision);
    const { start, end } = prefixSpan(tree, prefix, options.from);
    const entries = sliceEntries(tree, start, Math.min(end, start + (options.limit ?? Infinity)));
    const remaining = end - start - entries.length;
    return { entries, revision: options.revision ?? this.log.head, more: remaining > 0, remaining };
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    this.#checkOpen();
    const id = this.#leases.newId();
    this.#startLease(id, ttlSeconds);
    return id;
  }

  async renewLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#leases.renew(id);
  }

  async revokeLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#leases.remove(id);
    this.#deleteKeysOf(id);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkRevision(revision, { head: this.log.head, compacted: 0 });
    while (this.log.window.size > 0 && this.log.window.firstRevision <= revision) this.#dropOldest();
    this.log.setCompacted(revision);
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    return this.log.compacted;
  }

  async size(): Promise<{ readonly bytes: number; readonly limitBytes: number }> {
    this.#checkOpen();
    return { bytes: this.#liveBytes + this.#pastBytes, limitBytes: this.#limitBytes };
  }

  async snapshot(file: string): Promise<{ readonly revision: number }> {
    this.#checkOpen();
    // Loaded when needed: a store in memory must not cost the loading of SQLite.
    const { writeStoreFile } = await import('./store-file-copy.ts');
    const revision = this.log.head;
    const entries = sliceEntries(this.#tree, 0, this.#tree.count);
    await writeStoreFile(file, { entries, revision, leases: [...this.#leases.entries()], leaseOfKey: new Map(this.#leaseOfKey) });
    return { revision };
  }

  async fork(): Promise<Store> {
    this.#checkOpen();
    return new MemoryStore(this.#options, {
      base: this.#base,
      compacted: this.log.compacted,
      commits: this.log.window.copy(),
      leases: this.#leases.entries(),
      leaseOfKey: this.#leaseOfKey,
      liveBytes: this.#liveBytes,
      pastBytes: this.#pastBytes,
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#leases.close();
    this.log.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreError('closed', 'the store is closed');
  }

  #treeAt(revision: number | undefined): EntryTree {
    if (revision === undefined) return this.#tree;
    checkRevision(revision, this.log);
    return revision <= this.#base.revision ? this.#base.tree : (this.log.window.get(revision)?.tree ?? this.#tree);
  }

  protected async write(writes: readonly StoreWrite[]): Promise<WriteResult> {
    return this.#writeNow(writes);
  }

  #writeNow(writes: readonly StoreWrite[]): WriteResult {
    this.#checkOpen();
    checkWrites(writes);
    this.#leases.check(writes);
    let growth = 0;
    for (const write of writes) {
      const { key, value } = write;
      const current = findEntry(this.#tree, key);
      if (!mayWrite(write, current)) return { ok: false, key, current };
      if (value !== undefined) growth += entryBytes(key, value);
      if (current !== undefined) growth -= entryBytes(key, current.value);
    }
    if (growth > 0 && this.#liveBytes + growth > this.#limitBytes) throw noSpace(this.#liveBytes, this.#limitBytes);
    if (writes.length === 0) return { ok: true, revision: this.log.head };
    return { ok: true, revision: this.#commit(writes, growth) };
  }

  #commit(writes: readonly StoreWrite[], growth: number): number {
    const atMs = this.#options.clock.monotonicMs();
    const commit = commitOn(this.#tree, writes, { revision: this.log.head + 1, atMs });
    this.#tree = commit.tree;
    this.#liveBytes += growth;
    this.#pastBytes += commit.pastBytes;
    for (const write of writes) this.#setLease(write.key, write.value === undefined ? undefined : write.leaseId);
    this.log.publish([commit]);
    this.#dropPast(atMs);
    return commit.revision;
  }

  /** Keeps the past within its bounds; what lives has precedence for space. */
  #dropPast(nowMs: number): void {
    const { window } = this.log;
    const maxBytes = Math.min(this.#retention.bytes, this.#limitBytes - this.#liveBytes);
    for (;;) {
      const oldest = window.get(window.firstRevision);
      if (oldest === undefined) return;
      const isTooOld = nowMs - oldest.atMs > this.#retention.ageMs;
      if (!isTooOld && window.size <= this.#retention.revisions && this.#pastBytes <= maxBytes) return;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const oldest = this.log.window.shift();
    if (oldest === undefined) return;
    this.#base = oldest;
    this.#pastBytes -= oldest.pastBytes;
    this.log.setCompacted(oldest.revision);
  }

  #startLease(id: LeaseId, ttlSeconds: number): void {
    this.#leases.start(id, ttlSeconds);
    this.#keysOfLease.set(id, new Set());
  }

  #setLease(key: string, id: LeaseId | undefined): void {
    const before = this.#leaseOfKey.get(key);
    if (before === id) return;
    if (before !== undefined) this.#keysOfLease.get(before)?.delete(key);
    if (id === undefined) {
      this.#leaseOfKey.delete(key);
    } else {
      this.#leaseOfKey.set(key, id);
      this.#keysOfLease.get(id)?.add(key);
    }
  }

  #deleteKeysOf(id: LeaseId): void {
    const keys = [...(this.#keysOfLease.get(id) ?? [])].toSorted(compareKeys);
    this.#keysOfLease.delete(id);
    for (let start = 0; start < keys.length; start += leaseKeysPerRevision) {
      const part = keys.slice(start, start + leaseKeysPerRevision);
      this.#writeNow(part.map((key) => ({ key, value: undefined, expect: { any: true } })));
    }
  }
}
