import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { SimulatedClock } from '#base/clock.ts';
import { StoreModel } from './store-model.ts';
import type { OpenedStore } from './store.contract.ts';
import { StoreError, type DeleteExpectation, type LeaseId, type Store, type StoreChange, type StoreEntry, type StoreWatch, type StoreWrite } from './store.ts';

/** One step of a random run. Numbers that stand for keys, leases, revisions are taken modulo what there is. */
export type Command =
  | { readonly do: 'write'; readonly writes: readonly WriteCommand[] }
  /** Writes given at once, without waiting. */
  | { readonly do: 'burst'; readonly writes: readonly WriteCommand[] }
  | { readonly do: 'get'; readonly key: number; readonly back: number }
  | { readonly do: 'range'; readonly prefix: number; readonly from: number; readonly limit: number; readonly back: number }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'watch'; readonly prefix: number; readonly back: number }
  | { readonly do: 'read'; readonly watch: number }
  | { readonly do: 'grant'; readonly ttlSeconds: number }
  | { readonly do: 'renew'; readonly lease: number }
  | { readonly do: 'revoke'; readonly lease: number }
  | { readonly do: 'advance'; readonly seconds: number }
  | { readonly do: 'reopen' };

interface WriteCommand {
  readonly key: number;
  readonly value: string | undefined;
  readonly expect: 'any' | 'absent' | 'current' | 'stale';
  readonly lease: number | undefined;
}

const keys = ['/a', '/a/1', '/a/2', '/a/\u00e9', '/a0', '/b/1', '/b/\uffee', '/b/😀'];
const prefixes = ['', '/a', '/a/', '/b/', '/none', '/b/😀'];

const number = fc.nat({ max: 30 });
const writeArbitrary: fc.Arbitrary<WriteCommand> = fc.record({
  key: number,
  value: fc.option(fc.string({ maxLength: 6 }), { nil: undefined, freq: 3 }),
  expect: fc.constantFrom('any', 'any', 'absent', 'current', 'stale'),
  lease: fc.option(number, { nil: undefined, freq: 2 }),
});

export const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), writes: fc.array(writeArbitrary, { minLength: 1, maxLength: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('burst'), writes: fc.array(writeArbitrary, { minLength: 1, maxLength: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get'), key: number, back: number }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('range'), prefix: number, from: number, limit: number, back: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact'), back: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch'), prefix: number, back: number }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read'), watch: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('grant'), ttlSeconds: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew'), lease: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke'), lease: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance'), seconds: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
) as fc.Arbitrary<Command>;

interface Context {
  readonly clock: SimulatedClock;
  readonly opened: OpenedStore;
  /** Whether writes given at once are applied in that order; else they are given one after the other. */
  readonly keepsOrder: boolean;
}

interface OpenWatch {
  readonly prefix: string;
  readonly watch: StoreWatch;
  readonly reader: AsyncIterator<{ readonly changes: readonly StoreChange[]; readonly revision: number }, unknown>;
  cursor: number;
}

/** Runs the commands on the store and on the model; every answer and, at the end, the whole past must agree. */
export async function checkAgainstModel(commands: readonly Command[], context: Context): Promise<void> {
  const run = new ModelRun(context);
  for (const command of commands) await run.step(command);
  await run.finish();
}

class ModelRun {
  readonly #context: Context;
  readonly #model = new StoreModel();
  readonly #leases: LeaseId[] = [];
  readonly #watches: OpenWatch[] = [];
  #store: Store;

  constructor(context: Context) {
    this.#context = context;
    this.#store = context.opened.store;
  }

  async step(command: Command): Promise<void> {
    switch (command.do) {
      case 'write':
        return this.#transaction(command.writes);
      case 'burst':
        return this.#burst(command.writes);
      case 'get':
        return this.#get(pick(keys, command.key), this.#past(command.back));
      case 'range':
        return this.#range(command);
      case 'compact':
        return this.#compact(this.#past(command.back));
      case 'watch':
        return this.#watch(pick(prefixes, command.prefix), this.#past(command.back));
      case 'read':
        return this.#read(this.#watches[command.watch % Math.max(1, this.#watches.length)]);
      case 'grant':
        return this.#grant(command.ttlSeconds);
      case 'renew':
        return this.#renew(command.lease);
      case 'revoke':
        return this.#revoke(command.lease);
      case 'advance':
        return this.#advance(command.seconds * 1000);
      case 'reopen':
        return this.#reopen();
    }
  }

  async finish(): Promise<void> {
    for (const watch of this.#watches) await this.#read(watch);
    await this.#compareAll(this.#store);
    const fork = await this.#store.fork();
    if (this.#context.opened.reopen === undefined) assert.deepEqual(await fork.size(), await this.#store.size());
    await this.#compareAll(fork);
    await fork.close();
    await this.#reopen();
    await this.#compareAll(this.#store);
  }

  async #compareAll(store: Store): Promise<void> {
    const model = this.#model;
    assert.equal(await store.revision(), model.head);
    assert.equal(await store.compactedRevision(), model.compacted);
    for (let revision = Math.max(1, model.compacted); revision <= model.head; revision++) {
      const page = await store.range('', { revision });
      assert.deepEqual(page.entries.map(plain), model.range('', '', revision).map(plain));
    }
    const watch = openWatch(store, '', model.compacted);
    if (model.head > Math.max(1, model.compacted)) {
      assert.deepEqual(await readTo(watch, model.head), model.changesAfter('', model.compacted).map(plainChange));
    }
    await watch.reader.return?.();
  }

  /** A revision back from the head, somewhat into the compacted or the future. */
  #past(back: number): number {
    return Math.max(0, this.#model.head + 1 - (back % (this.#model.head + 2 - Math.max(0, this.#model.compacted - 1))));
  }

  #writeOf(command: WriteCommand): StoreWrite {
    const key = pick(keys, command.key);
    const current = this.#model.get(key)?.modRevision ?? 1;
    const value = command.value === undefined ? undefined : new TextEncoder().encode(command.value);
    const revision: DeleteExpectation = command.expect === 'any' ? { any: true } : { modRevision: command.expect === 'current' ? current : current - 1 };
    if (value === undefined) return { key, value, expect: command.expect === 'absent' ? { any: true } : revision };
    const leaseId = command.lease === undefined ? undefined : this.#leases[command.lease % Math.max(1, this.#leases.length)];
    const expect = command.expect === 'absent' ? ({ absent: true } as const) : revision;
    return leaseId === undefined ? { key, value, expect } : { key, value, expect, leaseId };
  }

  async #transaction(commands: readonly WriteCommand[]): Promise<void> {
    const writes = new Map(commands.map((command) => [pick(keys, command.key), this.#writeOf(command)]));
    const list = [...writes.values()];
    const got = await outcome(this.#store.transaction(list));
    if (list.some((write) => this.#isLeaseGone(write))) assert.equal(got.ok ? 'done' : got.code, 'lease-not-found');
    else assert.deepEqual(got.ok ? plainResult(got.value) : got.code, plainResult(this.#model.write(list)));
  }

  async #burst(commands: readonly WriteCommand[]): Promise<void> {
    if (!this.#context.keepsOrder) {
      for (const command of commands) await this.#transaction([command]);
      return;
    }
    const writes = commands.map((command) => this.#writeOf(command));
    const answers = writes.map(async (write) => {
      try {
        const answer = await (write.value === undefined
          ? this.#store.delete(write.key, write.expect)
          : this.#store.put(write.key, write.value, write.expect, write.leaseId === undefined ? {} : { leaseId: write.leaseId }));
        return plainResult(answer);
      } catch (error) {
        return error instanceof StoreError ? error.code : error;
      }
    });
    const expected = writes.map((write) => (this.#isLeaseGone(write) ? 'lease-not-found' : plainResult(this.#model.write([write]))));
    const got = await Promise.all(answers);
    for (const [index, answer] of got.entries()) assert.deepEqual(answer, expected[index]);
  }

  #isLeaseGone(write: StoreWrite): boolean {
    return write.value !== undefined && write.leaseId !== undefined && !this.#model.hasLease(write.leaseId);
  }

  async #get(key: string, revision: number): Promise<void> {
    const latest = await this.#store.get(key);
    assert.deepEqual([plain(latest.entry), latest.revision], [plain(this.#model.get(key)), this.#model.head]);
    const past = await outcome(this.#store.get(key, { revision }));
    assert.deepEqual(past.ok ? plain(past.value.entry) : past.code, this.#readable(revision) ?? plain(this.#model.get(key, revision)));
  }

  async #range(command: { readonly prefix: number; readonly from: number; readonly limit: number; readonly back: number }): Promise<void> {
    const prefix = pick(prefixes, command.prefix);
    const from = command.from % 2 === 0 ? pick(keys, command.from) : prefix;
    const limit = 1 + (command.limit % 5);
    const revision = this.#past(command.back);
    const got = await outcome(this.#store.range(prefix, { from, limit, revision }));
    const expected = this.#model.range(prefix, from, revision);
    if (!got.ok) return assert.equal(got.code, this.#readable(revision));
    assert.equal(this.#readable(revision), undefined);
    assert.deepEqual(got.value.entries.map(plain), expected.slice(0, limit).map(plain));
    assert.deepEqual([got.value.remaining, got.value.more, got.value.revision], [Math.max(0, expected.length - limit), expected.length > limit, revision]);
  }

  async #compact(revision: number): Promise<void> {
    const got = await outcome(this.#store.compact(revision));
    if (revision > this.#model.head) return assert.equal(got.ok ? 'done' : got.code, 'future-revision');
    assert.equal(got.ok, true);
    this.#model.compacted = Math.max(this.#model.compacted, revision);
  }

  async #watch(prefix: string, revision: number): Promise<void> {
    const watch = openWatch(this.#store, prefix, revision);
    const error = this.#readable(revision);
    if (error === undefined) this.#watches.push(watch);
    else await assert.rejects(async () => watch.reader.next(), (caught) => caught instanceof StoreError && caught.code === error);
  }

  async #read(watch: OpenWatch | undefined): Promise<void> {
    if (watch === undefined || watch.cursor === this.#model.head) return;
    if (watch.cursor < this.#model.compacted) {
      await assert.rejects(async () => watch.reader.next(), (error) => error instanceof StoreError && error.code === 'compacted');
      this.#watches.splice(this.#watches.indexOf(watch), 1);
      return;
    }
    const expected = this.#model.changesAfter(watch.prefix, watch.cursor).map(plainChange);
    assert.deepEqual(await readTo(watch, this.#model.head), expected);
  }

  async #grant(ttlSeconds: number): Promise<void> {
    const id = await this.#store.grantLease(ttlSeconds);
    this.#leases.push(id);
    this.#model.grant(id, ttlSeconds, this.#context.clock.monotonicMs());
  }

  async #renew(index: number): Promise<void> {
    const id = this.#leases[index % Math.max(1, this.#leases.length)];
    if (id === undefined) return;
    assert.equal((await outcome(this.#store.renewLease(id))).ok, this.#model.hasLease(id));
    this.#model.renew(id, this.#context.clock.monotonicMs());
  }

  async #revoke(index: number): Promise<void> {
    const id = this.#leases[index % Math.max(1, this.#leases.length)];
    if (id === undefined) return;
    assert.equal((await outcome(this.#store.revokeLease(id))).ok, this.#model.hasLease(id));
    if (this.#model.hasLease(id)) this.#model.revoke(id);
  }

  async #advance(byMs: number): Promise<void> {
    await this.#context.clock.advance(byMs);
    this.#model.expire(this.#context.clock.monotonicMs());
    // Keys of ended leases go soon afterwards, not at the instant.
    for (let turn = 0; (await this.#store.revision()) < this.#model.head; turn++) {
      assert.ok(turn < 1000, 'ended leases take their keys along');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Leases begin anew at a reopening, so they are ended first. */
  async #reopen(): Promise<void> {
    const { reopen } = this.#context.opened;
    if (reopen === undefined) return;
    for (let index = 0; index < this.#leases.length; index++) await this.#revoke(index);
    for (const watch of this.#watches.splice(0)) await this.#read(watch);
    this.#watches.length = 0;
    this.#store = await reopen();
    // The first revision is empty: a store may forget that it, and nothing else, was compacted.
    if (this.#model.compacted === 1) this.#model.compacted = await this.#store.compactedRevision();
  }

  /** The error a read at `revision` must get. */
  #readable(revision: number): string | undefined {
    if (revision < this.#model.compacted) return 'compacted';
    return revision > this.#model.head ? 'future-revision' : undefined;
  }
}

function openWatch(store: Store, prefix: string, afterRevision: number): OpenWatch {
  const watch = store.watch(prefix, { afterRevision, signal: new AbortController().signal });
  return { prefix, watch, reader: watch[Symbol.asyncIterator](), cursor: afterRevision };
}

async function readTo(open: OpenWatch, revision: number): Promise<unknown[]> {
  const changes: unknown[] = [];
  open.watch.requestProgress();
  while (open.cursor < revision) {
    const batch = await open.reader.next();
    assert.ok(batch.done !== true, 'the watch goes on');
    assert.ok(batch.value.revision >= open.cursor && batch.value.revision <= revision);
    for (const change of batch.value.changes) assert.ok(change.revision > open.cursor && change.revision <= batch.value.revision);
    open.cursor = batch.value.revision;
    changes.push(...batch.value.changes.map(plainChange));
  }
  return changes;
}

async function outcome<T>(promise: Promise<T>): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string }> {
  try {
    return { ok: true, value: await promise };
  } catch (error) {
    if (error instanceof StoreError) return { ok: false, code: error.code };
    throw error;
  }
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

function plain(entry: StoreEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  return [entry.key, new TextDecoder().decode(entry.value), entry.createRevision, entry.modRevision];
}

function plainChange(change: StoreChange): unknown {
  return [change.type, change.key, change.revision, plain(change.entry)];
}

function plainResult(result: { readonly ok: true; readonly revision: number } | { readonly ok: false; readonly current: StoreEntry | undefined }): unknown {
  return result.ok ? result.revision : plain(result.current);
}
