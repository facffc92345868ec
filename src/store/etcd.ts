import type { Clock } from '#base/clock.ts';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { silentLog } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { ChangeLog, firstRevision, type Commit } from './change-log.ts';
import { closedError, EtcdClient, type EtcdTls } from './etcd/etcd-client.ts';
import { Feed } from './etcd/feed.ts';
import { KeySpace } from './etcd/key-space.ts';
import { KeyTurns } from './etcd/key-turns.ts';
import { checkLease, grant, keepAlive, listLeases, revoke } from './etcd/lease-calls.ts';
import { Linearized } from './etcd/linearized.ts';
import { findCompacted, readLog } from './etcd/log-reader.ts';
import { makeRoom, statusOf } from './etcd/maintenance.ts';
import { methods } from './etcd/methods.ts';
import { Past } from './etcd/past.ts';
import { entryOf, planTxn, resultOf } from './etcd/write-txn.ts';
import { LeaseTimes } from './leases.ts';
import { checkRevision, checkWrites, defaultLimitBytes, entryBytes } from './limits.ts';
import { LoggedStore, readAnewWhenPassed } from './logged-store.ts';
import { restoreMemoryStore, type MemoryContent } from './memory.ts';
import { memoryContent } from './memory-content.ts';
import { RevisionWindow } from './revision-window.ts';
import { toWire, type ExportState, type WireChange, type WireEntry } from './sqlite-protocol.ts';
import {
  StoreError,
  type LeaseId,
  type RangeOptions,
  type Retention,
  type Store,
  type StoreEntry,
  type StorePage,
  type StoreRead,
  type StoreWrite,
  type WriteResult,
} from './store.ts';

export interface EtcdStoreOptions {
  /** The members, `https://10.0.0.1:2379`; one is used at a time, the others when it fails. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  /** What all keys start with in etcd; callers of the store do not see it. Default: nothing. */
  readonly keyPrefix?: string;
  /** For leases and the age of history. What is waited for at etcd is waited for in the machine's own time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Logger;
  /** What etcd's own quota is, for `size`. Default: 2 GiB, etcd's. */
  readonly limitBytes?: number;
  /** Default: five minutes, as kube-apiserver compacts, and 256 MiB. */
  readonly retention?: Partial<Retention>;
}

/**
 * A store on an etcd cluster, 3.4 or later, shared with other stores on the same cluster. Throws `unavailable` when no
 * member answers, `incompatible` when it is too old. Besides what `Store` promises:
 * - Whatever is answered has been seen by this store's own watches: `revision()` waits for them.
 * - Writes of one key are applied in the order given; writes of different keys in any order.
 * - A lost connection is not told: calls go on at another member for up to 15 s. A write whose answer was lost is given
 *   again, which its expectation makes safe; one without expectation may then happen twice.
 * - The keys of an ended lease are deleted with one revision.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const log = options.log ?? silentLog;
  const client = new EtcdClient({ endpoints: options.endpoints, tls: options.tls, random: options.random, log });
  try {
    const { version } = await statusOf(client);
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 3 || (major === 3 && minor < 4)) throw new StoreError('incompatible', `etcd ${version} is too old; 3.4 or later is needed`);
    const keys = new KeySpace(options.keyPrefix ?? '');
    const head = await askRevision(client, keys);
    const compacted = await findCompacted(client, head);
    return new EtcdStore({ ...options, log, client, keys, compacted, head });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Commits kept in memory for watches that are just not waiting; older ones are asked of etcd. */
const windowRevisions = 1000;
const windowBytes = 4 * 2 ** 20;
/** Entries asked for at once. */
const rangePage = 1000;
/** How long an answer waits to be seen by the watch. Beyond it no member can be reached. */
const catchUpMs = 15_000;
const defaultRetention: Retention = { ageMs: 5 * 60_000, revisions: 1_000_000, bytes: 256 * 2 ** 20 };

interface Opened extends EtcdStoreOptions {
  readonly log: Logger;
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  readonly compacted: number;
  readonly head: number;
}

class EtcdStore extends LoggedStore<Commit> implements Store {
  readonly #client: EtcdClient;
  readonly #keys: KeySpace;
  readonly #options: Opened;
  readonly #limitBytes: number;
  protected readonly log: ChangeLog<Commit>;
  readonly #feed: Feed;
  readonly #leases: LeaseTimes;
  /** Leases that this store has ended: etcd may not know it yet. */
  readonly #ended = new Set<LeaseId>();
  readonly #turns = new KeyTurns();
  readonly #revision: Linearized<number>;
  readonly #past: Past;
  /** Values being written, by key, so that the watch gives them back as the same arrays. */
  readonly #given = new Map<string, Set<Uint8Array>>();
  /** Callers that wait for a revision to come by. */
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  #windowBytes = 0;
  #compaction: Promise<void> | undefined;
  #relief: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Opened) {
    super();
    const { client, keys, clock, random, log, head, compacted } = options;
    this.#client = client;
    this.#keys = keys;
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? defaultLimitBytes;
    const retention = { ...defaultRetention, ...options.retention };
    this.#past = new Past(clock, { ...retention, bytes: Math.min(retention.bytes, this.#limitBytes / 8) });
    this.#revision = new Linearized(() => askRevision(client, keys));
    this.log = new ChangeLog({
      window: new RevisionWindow<Commit>(head + 1),
      head, compacted,
      readOlder: (afterRevision) => this.#readLog(afterRevision),
    });
    this.#leases = new LeaseTimes({ clock, random, onExpire: (ids) => ids.forEach((id) => this.#endLease(id)) });
    this.#feed = new Feed({
      client, keys, log, clock: systemClock, afterRevision: head,
      originalOf: (key, value) => this.#originalOf(key, value),
      onCommits: (commits) => this.#onCommits(commits),
      onGap: (revision) => this.#onGap(revision),
    });
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#seen(await this.#revision.get());
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreRead> {
    this.#checkOpen();
    const past = options.revision;
    if (past === 0) return { entry: undefined, revision: await this.#beforeAll() };
    const { response } = await this.#client.call(methods.range, { key: this.#keys.bytesOf(key), ...(past !== undefined && { revision: past }) });
    const [kv] = response.kvs;
    return { entry: kv && entryOf(kv, this.#keys), revision: await this.#seen(response.header?.revision ?? 0) };
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<StorePage> {
    this.#checkOpen();
    if (options.revision === 0) {
      await this.#beforeAll();
      return { entries: [], revision: 0, more: false, remaining: 0 };
    }
    return readAnewWhenPassed(options, () => this.#range(prefix, options));
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    this.#checkOpen();
    const id = this.#leases.newId();
    await grant(this.#client, id, ttlSeconds);
    this.#leases.start(id, ttlSeconds);
    return id;
  }

  async renewLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#checkLease(id);
    if (this.#leases.has(id)) this.#leases.renew(id);
    await keepAlive(this.#client, id);
  }

  async revokeLease(id: LeaseId): Promise<void> {
    this.#checkOpen();
    this.#checkLease(id);
    if (this.#leases.has(id)) this.#leases.remove(id);
    this.#ended.add(id);
    await revoke(this.#client, id);
    await this.revision();
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkRevision(revision, { head: this.log.head, compacted: 0 });
    await this.#compact(revision);
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    await this.#compaction;
    return this.log.compacted;
  }

  async size(): Promise<{ readonly bytes: number; readonly limitBytes: number }> {
    this.#checkOpen();
    await this.#compaction;
    return { bytes: (await statusOf(this.#client)).usedBytes, limitBytes: this.#limitBytes };
  }

  async snapshot(file: string): Promise<{ readonly revision: number }> {
    this.#checkOpen();
    const { writeStoreFile } = await import('./store-file-copy.ts');
    const { entries, revision } = await this.range('');
    const { leases, leaseOfKey } = await listLeases(this.#client, this.#keys);
    await writeStoreFile(file, { entries, revision, leases, leaseOfKey: new Map(leaseOfKey) });
    return { revision };
  }

  async fork(): Promise<Store> {
    const { clock, random, limitBytes, retention } = this.#options;
    const memory = { clock, random, ...(limitBytes !== undefined && { limitBytes }), ...(retention !== undefined && { retention }) };
    for (;;) {
      this.#checkOpen();
      try {
        return restoreMemoryStore(memory, await this.#export());
      } catch (error) {
        // Another store may compact what is just being read.
        if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
        this.log.setCompacted(await findCompacted(this.#client, this.log.head));
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#leases.close();
    await this.#turns.idle();
    await this.#compaction;
    this.#feed.close();
    this.log.close();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    this.#client.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #checkLease(id: LeaseId): void {
    if (this.#ended.has(id)) throw new StoreError('lease-not-found', `lease ${id} has ended`);
  }

  /** Another store's lease is asked for: etcd itself looks at expectations before it looks at leases. */
  async #findLease(id: LeaseId): Promise<void> {
    this.#checkLease(id);
    if (!this.#leases.has(id)) await checkLease(this.#client, id);
  }

  /** Revision 0 is before everything; it is gone as soon as anything is. Answers the store's revision. */
  async #beforeAll(): Promise<number> {
    const revision = await this.revision();
    checkRevision(0, this.log);
    return revision;
  }

  protected async write(writes: readonly StoreWrite[]): Promise<WriteResult> {
    this.#checkOpen();
    checkWrites(writes);
    for (const write of writes) if ('leaseId' in write && write.leaseId !== undefined) await this.#findLease(write.leaseId);
    return this.#turns.run(writes.map(({ key }) => key), () => this.#writeNow(writes));
  }

  async #writeNow(writes: readonly StoreWrite[]): Promise<WriteResult> {
    this.#remember(writes);
    try {
      const result = await this.#txn(writes);
      await this.#seen(result.ok ? result.revision : (result.current?.modRevision ?? 0));
      return result;
    } finally {
      this.#forget(writes);
    }
  }

  async #txn(writes: readonly StoreWrite[]): Promise<WriteResult> {
    const request = planTxn(writes, this.#keys);
    for (let hasMadeRoom = false; ; hasMadeRoom = true) {
      try {
        const { response, repeated } = await this.#client.call(methods.txn, request);
        return resultOf(writes, response, { keys: this.#keys, repeated });
      } catch (error) {
        if (hasMadeRoom || !(error instanceof StoreError && error.code === 'no-space')) throw error;
        await this.#makeRoom();
      }
    }
  }

  /** One at a time for all writers that find etcd full. */
  #makeRoom(): Promise<void> {
    this.#relief ??= (async () => {
      try {
        await this.#compact(await askRevision(this.#client, this.#keys));
        await makeRoom(this.#client, this.#options.log);
      } finally {
        this.#relief = undefined;
      }
    })();
    return this.#relief;
  }

  async #compact(revision: number): Promise<void> {
    await this.#compaction;
    if (revision <= this.log.compacted) return;
    this.#compaction = this.#compactNow(revision);
    try {
      await this.#compaction;
    } finally {
      this.#compaction = undefined;
    }
  }

  async #compactNow(revision: number): Promise<void> {
    try {
      await this.#client.call(methods.compact, { revision, physical: true });
      this.log.setCompacted(revision);
    } catch (error) {
      // Another store of the cluster was quicker.
      if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
      this.log.setCompacted(Math.max(revision, await findCompacted(this.#client, this.log.head)));
    }
  }

  async #range(prefix: string, options: RangeOptions): Promise<StorePage> {
    const limit = options.limit ?? Infinity;
    const entries: StoreEntry[] = [];
    let { from = prefix, revision } = options;
    for (;;) {
      // Where nothing can be, etcd still says whether the revision can be read.
      const span = this.#keys.spanOf(prefix, from) ?? { key: this.#keys.bytesOf('\0') };
      const { response } = await this.#client.call(methods.range, { ...span, limit: Math.min(rangePage, limit - entries.length), ...(revision !== undefined && { revision }) });
      revision ??= response.header?.revision ?? 0;
      for (const kv of response.kvs) entries.push(entryOf(kv, this.#keys));
      const remaining = response.count - response.kvs.length;
      if (remaining === 0 || entries.length >= limit) {
        await this.#seen(options.revision ?? revision);
        return { entries, revision, more: remaining > 0, remaining };
      }
      from = `${entries.at(-1)?.key}\0`;
    }
  }

  async #readLog(afterRevision: number): Promise<readonly Commit[]> {
    return readLog({ client: this.#client, keys: this.#keys, onCompacted: (revision) => this.log.setCompacted(revision) }, Math.max(firstRevision, afterRevision), this.log.head);
  }

  async #export(): Promise<MemoryContent> {
    await this.#compaction;
    const head = await this.revision();
    const { compacted } = this.log;
    const state: ExportState = { head, compacted, ...(await listLeases(this.#client, this.#keys)) };
    return memoryContent({ ...state, base: this.#basePages(compacted), changes: this.#changePages(state) }, this.#options.clock.monotonicMs());
  }

  async *#basePages(revision: number): AsyncGenerator<readonly WireEntry[]> {
    if (revision === 0) return;
    for (let from = ''; ; ) {
      const page = await this.#range('', { from, limit: rangePage, revision });
      yield page.entries.map(toWire);
      if (!page.more) return;
      from = `${page.entries.at(-1)?.key}\0`;
    }
  }

  async *#changePages({ compacted, head }: ExportState): AsyncGenerator<readonly WireChange[]> {
    for (let reached = Math.max(firstRevision, compacted); reached < head; ) {
      const commits = (await this.#readLog(reached)).filter(({ revision }) => revision <= head);
      yield commits.flatMap(({ changes }) => changes.map(({ revision, key, entry }): WireChange => [revision, key, entry?.value, entry?.createRevision ?? 0]));
      reached = commits.at(-1)?.revision ?? head;
    }
  }

  /** Resolves with `revision` when the log has it: what is answered is then also what watches show. */
  async #seen(revision: number): Promise<number> {
    if (this.log.head >= revision) return revision;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { revision, resolve };
    this.#waiting.push(waiter);
    let isLate = false;
    const timer = systemClock.after(catchUpMs, () => {
      isLate = true;
      resolve();
    });
    await promise;
    timer.cancel();
    if (!isLate) return revision;
    this.#waiting = this.#waiting.filter((each) => each !== waiter);
    throw new StoreError('unavailable', `the watch of etcd has not come to revision ${revision} in ${catchUpMs / 1000} s`);
  }

  #onCommits(commits: readonly Commit[]): void {
    for (const commit of commits) this.#windowBytes += commitBytes(commit);
    this.log.publish(commits);
    const { window, head } = this.log;
    while (window.size > windowRevisions || this.#windowBytes > windowBytes) {
      const oldest = window.shift();
      if (oldest === undefined) break;
      this.#windowBytes -= commitBytes(oldest);
    }
    const due = this.#waiting.filter(({ revision }) => revision <= head);
    if (due.length > 0) {
      this.#waiting = this.#waiting.filter(({ revision }) => revision > head);
      for (const { resolve } of due) resolve();
    }
    const target = this.#past.add(commits, this.log.compacted);
    if (target > 0 && this.#compaction === undefined && this.#closing === undefined) {
      this.#compact(target).catch((error: unknown) => this.#options.log.warn({ error }, 'etcd could not be compacted'));
    }
  }

  /** What happened is not known any more, so no watch may go on as if it were. */
  #onGap(compactRevision: number): void {
    this.log.setCompacted(compactRevision);
    this.log.close(new StoreError('compacted', `etcd was out of reach until revision ${compactRevision} was compacted`));
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #endLease(id: LeaseId): void {
    this.#ended.add(id);
    // If etcd cannot be reached now, it ends the lease by itself a little later.
    revoke(this.#client, id).catch(() => {});
  }

  #remember(writes: readonly StoreWrite[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) continue;
      const given = this.#given.get(key);
      if (given === undefined) this.#given.set(key, new Set([value]));
      else given.add(value);
    }
  }

  #forget(writes: readonly StoreWrite[]): void {
    for (const { key, value } of writes) {
      const given = this.#given.get(key);
      if (given === undefined || value === undefined) continue;
      given.delete(value);
      if (given.size === 0) this.#given.delete(key);
    }
  }

  #originalOf(key: string, value: Uint8Array): Uint8Array {
    for (const given of this.#given.get(key) ?? []) if (Buffer.compare(given, value) === 0) return given;
    return value;
  }
}

/** The newest revision that a quorum agrees on. */
async function askRevision(client: EtcdClient, keys: KeySpace): Promise<number> {
  // A key that nobody has: only the head of the answer is wanted.
  const { response } = await client.call(methods.range, { key: keys.bytesOf('\0'), countOnly: true });
  return response.header?.revision ?? 0;
}

function commitBytes(commit: Commit): number {
  let bytes = 0;
  for (const { key, entry } of commit.changes) bytes += entryBytes(key, entry?.value);
  return bytes;
}
