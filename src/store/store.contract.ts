import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { SimulatedClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { checkAgainstModel, commandArbitrary } from './model-run.ts';
import { openSqliteStore } from './sqlite.ts';
import { StoreError, type Retention, type Store, type StoreChange, type StoreErrorCode, type StoreWatch } from './store.ts';

export interface ContractOptions {
  readonly clock: SimulatedClock;
  readonly random: ReturnType<typeof seededRandom>;
  readonly limitBytes?: number;
  readonly retention?: Partial<Retention>;
}

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens what is left of it. Undefined where nothing is left. */
  readonly reopen: (() => Promise<Store>) | undefined;
  /** Closes whatever is open and removes its traces. */
  dispose(): Promise<void>;
}

/** Where backends may differ. */
export interface ContractTraits {
  /** Writes of different keys that are given at once are applied in the order given. Those of one key always are. */
  readonly keepsOrder: boolean;
  /** Revisions that it takes to end a lease of 2500 keys. */
  readonly leaseRevisions: number;
}
const usualTraits: ContractTraits = { keepsOrder: true, leaseRevisions: 3 };

type Run = (store: Store, context: { readonly clock: SimulatedClock; readonly opened: OpenedStore }) => Promise<void>;

/** The tests every backend must pass. `open` gives a new, empty store. */
export function storeContract(
  name: string,
  options: { readonly open: (options: ContractOptions) => Promise<OpenedStore>; readonly propertyRuns: number; readonly traits?: ContractTraits },
): void {
  const traits = options.traits ?? usualTraits;
  const keeping = (extra: Omit<ContractOptions, 'clock' | 'random'>) => (title: string, run: Run): void =>
    void test(title, { timeout: 10_000 }, async () => {
      const clock = new SimulatedClock();
      const opened = await options.open({ clock, random: seededRandom(1), ...extra });
      try {
        await run(opened.store, { clock, opened });
      } finally {
        await opened.dispose();
      }
    });
  const it = keeping({});

  void describe(`${name}: writes`, () => {
    it('a new store is empty, at revision 1', async (store) => {
      assert.equal(await store.revision(), 1);
      assert.equal(await store.compactedRevision(), 0);
      assert.deepEqual(await store.get('/a'), { entry: undefined, revision: 1 });
      assert.deepEqual((await store.range('')).entries, []);
    });

    it('a key is created once', async (store) => {
      assert.deepEqual(await store.put('/a', bytes('1'), { absent: true }), { ok: true, revision: 2 });
      const again = await store.put('/a', bytes('2'), { absent: true });
      assert.equal(again.ok, false);
      assert.deepEqual(plain(again.ok ? undefined : again.current), { key: '/a', value: '1', createRevision: 2, modRevision: 2 });
      assert.equal(await store.revision(), 2);
    });

    it('an update by a stale revision fails and shows what stands there', async (store) => {
      await store.put('/a', bytes('1'), { absent: true });
      await store.put('/a', bytes('2'), { modRevision: 2 });
      const stale = await store.put('/a', bytes('3'), { modRevision: 2 });
      assert.deepEqual(stale.ok ? stale : plain(stale.current), { key: '/a', value: '2', createRevision: 2, modRevision: 3 });
      assert.deepEqual(await store.put('/none', bytes('3'), { modRevision: 2 }), { ok: false, key: '/none', current: undefined });
    });

    it('a key that is deleted and created again has a new createRevision', async (store) => {
      await store.put('/a', bytes('1'), { any: true });
      assert.deepEqual(await store.delete('/a', { modRevision: 2 }), { ok: true, revision: 3 });
      assert.deepEqual(await store.delete('/a', { any: true }), { ok: false, key: '/a', current: undefined });
      await store.put('/a', bytes('2'), { absent: true });
      assert.deepEqual(plain((await store.get('/a')).entry), { key: '/a', value: '2', createRevision: 4, modRevision: 4 });
    });

    it('a transaction writes all with one revision, or nothing', async (store) => {
      await store.put('/b', bytes('old'), { any: true });
      const done = await store.transaction([
        { key: '/a', value: bytes('1'), expect: { absent: true } },
        { key: '/b', value: undefined, expect: { modRevision: 2 } },
        { key: '/c', value: bytes(''), expect: { any: true } },
      ]);
      assert.deepEqual(done, { ok: true, revision: 3 });
      assert.deepEqual((await store.range('')).entries.map(plain), [
        { key: '/a', value: '1', createRevision: 3, modRevision: 3 },
        { key: '/c', value: '', createRevision: 3, modRevision: 3 },
      ]);
      const failed = await store.transaction([
        { key: '/d', value: bytes('1'), expect: { absent: true } },
        { key: '/b', value: undefined, expect: { any: true } },
        { key: '/a', value: bytes('1'), expect: { absent: true } },
      ]);
      assert.deepEqual(failed, { ok: false, key: '/b', current: undefined });
      assert.equal(await store.revision(), 3);
      assert.equal((await store.get('/d')).entry, undefined);
    });

    it('of many that update the same revision one wins', async (store) => {
      await store.put('/a', bytes('0'), { absent: true });
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) => store.put('/a', bytes(String(index)), { modRevision: 2 })),
      );
      assert.deepEqual(results.map((result) => result.ok).indexOf(true), 0, 'writes are applied in the order given');
      assert.equal(results.filter((result) => result.ok).length, 1);
      assert.equal(await store.revision(), 3);
    });

    it('values and transactions that are too large are refused', async (store) => {
      await rejects(store.put('/a', new Uint8Array(2 ** 21), { any: true }), 'too-large');
      const writes = Array.from({ length: 10_001 }, (_, index) => ({ key: `/${index}`, value: bytes(''), expect: { any: true } as const }));
      await rejects(store.transaction(writes), 'too-large');
      assert.equal((await store.transaction(writes.slice(1))).ok, true);
    });

    keeping({ limitBytes: 2 ** 20 })('a full store refuses puts but takes deletes, and has room again', async (store) => {
      const fill = async (): Promise<number> => {
        for (let index = 0; index < 1000; index++) await store.put(`/${index}`, new Uint8Array(20_000), { any: true });
        return 1000;
      };
      await rejects(fill(), 'no-space');
      const { entries } = await store.range('');
      assert.ok(entries.length > 10, 'most of the limit can be used');
      for (const entry of entries) assert.equal((await store.delete(entry.key, { modRevision: entry.modRevision })).ok, true);
      assert.equal((await store.put('/0', new Uint8Array(20_000), { any: true })).ok, true);
    });

    keeping({ limitBytes: 2 ** 20 })('rewriting the same keys never fills a store', async (store) => {
      for (let round = 0; round < 20; round++) {
        await Promise.all(Array.from({ length: 10 }, (_, index) => store.put(`/${index}`, new Uint8Array(20_000), { any: true })));
      }
      const { bytes: used, limitBytes } = await store.size();
      assert.ok(used <= limitBytes, `${used} of ${limitBytes} bytes`);
    });
  });

  void describe(`${name}: reads`, () => {
    it('keys sort by their UTF-8 bytes', async (store) => {
      const keys = ['/z', '/é', '/\uffee', '/😀', '/\ue000', '/a', '/a/', '/a0', '/'];
      for (const key of keys) await store.put(key, bytes(key), { any: true });
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual((await store.range('')).entries.map((entry) => entry.key), sorted);
      for (const [index, from] of sorted.entries()) {
        assert.deepEqual((await store.range('/', { from })).entries.map((entry) => entry.key), sorted.slice(index));
      }
    });

    it('a range is read in pages at one revision while writes go on', async (store) => {
      for (let index = 10; index < 60; index++) await store.put(`/p/${index}`, bytes(''), { any: true });
      for (const key of ['/o/99', '/p', '/p0', '/q/1']) await store.put(key, bytes(''), { any: true });
      const first = await store.range('/p/', { limit: 20 });
      assert.deepEqual([first.entries.length, first.more, first.remaining], [20, true, 30]);
      await store.delete('/p/45', { any: true });
      await store.put('/p/99', bytes(''), { any: true });
      const rest: string[] = [];
      let from = '/p/30';
      for (;;) {
        const page = await store.range('/p/', { from, limit: 7, revision: first.revision });
        rest.push(...page.entries.map((entry) => entry.key));
        assert.equal(page.revision, first.revision);
        if (!page.more) break;
        from = `${page.entries.at(-1)?.key}\0`;
      }
      assert.deepEqual(rest, Array.from({ length: 30 }, (_, index) => `/p/${index + 30}`));
      assert.deepEqual((await store.range('/p/', { limit: 50 })).more, false);
    });

    it('a large range comes whole', async (store) => {
      for (let part = 0; part < 3; part++) {
        await store.transaction(
          Array.from({ length: 1500 }, (_, index) => ({ key: `/${part}/${index}`, value: bytes(`${index}`), expect: { any: true } })),
        );
      }
      const page = await store.range('/');
      assert.deepEqual([page.entries.length, page.more, page.remaining], [4500, false, 0]);
      assert.equal(new Set(page.entries.map((entry) => entry.key)).size, 4500);
    });

    it('the past can be read until it is compacted, the future not', async (store) => {
      await store.put('/a', bytes('1'), { any: true });
      await store.put('/a', bytes('2'), { any: true });
      await store.put('/b', bytes('1'), { any: true });
      await store.delete('/a', { any: true });
      const seen = async (revision: number): Promise<unknown> =>
        (await store.range('/', { revision })).entries.map((entry) => `${entry.key}=${text(entry.value)}@${entry.modRevision}`);
      assert.deepEqual(await seen(1), []);
      assert.deepEqual(await seen(2), ['/a=1@2']);
      assert.deepEqual(await seen(3), ['/a=2@3']);
      assert.deepEqual(await seen(4), ['/a=2@3', '/b=1@4']);
      assert.deepEqual(await seen(5), ['/b=1@4']);
      await rejects(store.get('/a', { revision: 6 }), 'future-revision');
      await store.compact(4);
      assert.equal(await store.compactedRevision(), 4);
      await rejects(store.range('/', { revision: 3 }), 'compacted');
      assert.deepEqual(await seen(4), ['/a=2@3', '/b=1@4']);
      await store.compact(2);
      assert.equal(await store.compactedRevision(), 4, 'compaction never goes back');
      await rejects(store.compact(6), 'future-revision');
      await store.compact(5);
      assert.deepEqual(await seen(5), ['/b=1@4']);
    });

    keeping({ retention: { revisions: 50 } })('the past is bounded without being told', async (store) => {
      for (let index = 0; index < 400; index++) await store.put(`/${index % 7}`, bytes(String(index)), { any: true });
      const compacted = await store.compactedRevision();
      assert.ok(compacted >= 200 && compacted <= 351, `compacted to ${compacted}`);
      await rejects(store.get('/1', { revision: compacted - 1 }), 'compacted');
      assert.equal((await store.range('', { revision: compacted })).entries.length, 7);
    });
  });

  void describe(`${name}: watches`, () => {
    it('a watch delivers the past, then the present', async (store) => {
      await store.put('/a/1', bytes('1'), { any: true });
      await store.put('/b/1', bytes('1'), { any: true });
      await store.put('/a/1', bytes('2'), { any: true });
      const reader = read(store.watch('/a/', { afterRevision: 2, signal: new AbortController().signal }));
      assert.deepEqual((await reader.upTo(4)).map(plainChange), [['put', '/a/1', 4, '2']]);
      await store.delete('/a/1', { any: true });
      assert.deepEqual((await reader.upTo(5)).map(plainChange), [['delete', '/a/1', 5, undefined]]);
      await reader.end();
    });

    it('a waiting watch sees a write before its writer is answered, with the same array', async (store) => {
      const order: string[] = [];
      const signal = new AbortController().signal;
      const next = store.watch('/a', { afterRevision: 1, signal })[Symbol.asyncIterator]().next();
      const seen = next.then((batch) => {
        order.push('watch');
        return batch;
      });
      const value = bytes('1');
      await store.put('/a', value, { any: true }).then(() => order.push('writer'));
      assert.deepEqual(order, ['watch', 'writer']);
      const batch = await seen;
      assert.equal(batch.done === true ? undefined : batch.value.changes[0]?.entry?.value, value);
    });

    it('a transaction is one batch in the order of its writes', async (store) => {
      const next = store.watch('', { afterRevision: 1, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
      await store.transaction(['/c', '/a', '/b'].map((key) => ({ key, value: bytes(key), expect: { any: true } })));
      const batch = await next;
      assert.deepEqual(batch.value?.changes.map((change: StoreChange) => change.key), ['/c', '/a', '/b']);
      assert.equal(batch.value?.revision, 2);
    });

    it('a reader of a quiet prefix learns on request that it is up to date', async (store) => {
      const watch = store.watch('/quiet', { afterRevision: 1, signal: new AbortController().signal });
      const reader = watch[Symbol.asyncIterator]();
      const next = reader.next();
      await store.put('/a', bytes('1'), { any: true });
      watch.requestProgress();
      assert.deepEqual(await next, { done: false, value: { changes: [], revision: 2 } });
      watch.requestProgress();
      assert.deepEqual(await reader.next(), { done: false, value: { changes: [], revision: 2 } });
    });

    it('a slow reader gets everything once, in order', async (store) => {
      const reader = read(store.watch('/p/', { afterRevision: 1, signal: new AbortController().signal }));
      const expected: unknown[] = [];
      for (let round = 0; round < 12; round++) {
        await Promise.all(
          Array.from({ length: 100 }, (_, index) => {
            const prefix = index % 3 === 0 ? '/q/' : '/p/';
            if (index % 3 !== 0) expected.push(['put', `/p/${index}`, 2 + round * 100 + index, `${round}`]);
            return store.put(`${prefix}${index}`, bytes(`${round}`), { any: true });
          }),
        );
        if (round % 5 === 0) await reader.upTo(await store.revision());
      }
      await reader.upTo(await store.revision());
      if (traits.keepsOrder) return assert.deepEqual(reader.all.map(plainChange), expected);
      const revisions = reader.all.map(({ revision }) => revision);
      assert.deepEqual(revisions, [...new Set(revisions)].toSorted((left, right) => left - right));
      const inAnyOrder = (changes: readonly unknown[]): unknown[] => changes.map((change) => String([(change as unknown[])[1], (change as unknown[])[3]])).toSorted();
      assert.deepEqual(inAnyOrder(reader.all.map(plainChange)), inAnyOrder(expected));
    });

    it('a reader that compaction has passed gets `compacted`', async (store) => {
      for (let index = 0; index < 5; index++) await store.put('/a', bytes(''), { any: true });
      const signal = new AbortController().signal;
      const watch = store.watch('/a', { afterRevision: 2, signal })[Symbol.asyncIterator]();
      await store.compact(3);
      await rejects(watch.next(), 'compacted');
      assert.equal((await watch.next()).done, true);
      const later = read(store.watch('/a', { afterRevision: 3, signal }));
      assert.equal((await later.upTo(6)).length, 3);
      await rejects(store.watch('/a', { afterRevision: 7, signal })[Symbol.asyncIterator]().next(), 'future-revision');
    });

    it('a reader of a quiet prefix is not passed by compaction while it waits', async (store) => {
      const watch = store.watch('/quiet', { afterRevision: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
      const next = watch.next();
      for (let index = 0; index < 5; index++) await store.put('/a', bytes(''), { any: true });
      await store.compact(6);
      await store.put('/quiet', bytes(''), { any: true });
      assert.equal((await next).value?.changes[0]?.revision, 7);
    });

    it('abort, return and close end watches', async (store) => {
      const abort = new AbortController();
      const aborted = store.watch('', { afterRevision: 1, signal: abort.signal })[Symbol.asyncIterator]();
      const pending = aborted.next();
      abort.abort();
      assert.equal((await pending).done, true);
      assert.equal((await aborted.next()).done, true);
      for await (const batch of store.watch('', { afterRevision: 1, signal: AbortSignal.abort() })) assert.fail(`got ${batch.revision}`);
      const returned = store.watch('', { afterRevision: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
      await returned.return?.();
      assert.equal((await returned.next()).done, true);
      const closed = store.watch('', { afterRevision: 1, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
      await store.close();
      assert.equal((await closed).done, true);
    });
  });

  void describe(`${name}: leases`, () => {
    it('keys go when their lease has ended without renewal', async (store, { clock }) => {
      const id = await store.grantLease(10);
      await store.put('/b', bytes(''), { any: true }, { leaseId: id });
      await store.put('/a', bytes(''), { any: true }, { leaseId: id });
      await store.put('/kept', bytes(''), { any: true }, { leaseId: id });
      await store.put('/kept', bytes(''), { any: true });
      const reader = read(store.watch('', { afterRevision: 5, signal: new AbortController().signal }));
      await clock.advance(9_000);
      await store.renewLease(id);
      await clock.advance(9_999);
      assert.equal(await store.revision(), 5);
      await clock.advance(1);
      assert.deepEqual((await reader.upTo(6)).map(plainChange), [['delete', '/a', 6, undefined], ['delete', '/b', 6, undefined]]);
      await rejects(store.renewLease(id), 'lease-not-found');
      await rejects(store.put('/c', bytes(''), { any: true }, { leaseId: id }), 'lease-not-found');
      assert.deepEqual((await store.range('')).entries.map((entry) => entry.key), ['/kept']);
    });

    it('revoking deletes the keys at once', async (store) => {
      const id = await store.grantLease(10);
      const other = await store.grantLease(10);
      assert.notEqual(id, other);
      await store.put('/a', bytes(''), { any: true }, { leaseId: id });
      await store.put('/b', bytes(''), { any: true }, { leaseId: id });
      await store.put('/b', bytes(''), { any: true }, { leaseId: other });
      await store.revokeLease(id);
      assert.deepEqual((await store.range('')).entries.map((entry) => entry.key), ['/b']);
      await rejects(store.revokeLease(id), 'lease-not-found');
    });

    it('a lease of thousands of keys ends with all of them', async (store) => {
      const id = await store.grantLease(10);
      await store.transaction(
        Array.from({ length: 2500 }, (_, index) => ({ key: `/${index}`, value: bytes(''), expect: { any: true }, leaseId: id })),
      );
      await store.revokeLease(id);
      assert.equal((await store.range('')).entries.length, 0);
      assert.equal(await store.revision(), 2 + traits.leaseRevisions);
    });
  });

  void describe(`${name}: copies and the end`, () => {
    it('a fork has the content, the past and the leases, and its own future', async (store, { clock }) => {
      const id = await store.grantLease(10);
      await store.put('/a', bytes('1'), { any: true });
      await store.put('/a', bytes('2'), { any: true });
      await store.put('/gone', bytes('1'), { any: true });
      await store.delete('/gone', { any: true });
      await store.put('/leased', bytes('1'), { any: true }, { leaseId: id });
      await store.compact(2);
      const fork = await store.fork();
      await store.put('/a', bytes('3'), { any: true });
      assert.deepEqual(await fork.put('/b', bytes('1'), { any: true }), { ok: true, revision: 7 });
      assert.deepEqual((await fork.range('')).entries.map((entry) => `${entry.key}=${text(entry.value)}`), ['/a=2', '/b=1', '/leased=1']);
      assert.equal((await store.get('/b')).entry, undefined);
      assert.equal(text((await fork.get('/a', { revision: 2 })).entry?.value), '1');
      const reader = read(fork.watch('/', { afterRevision: 2, signal: new AbortController().signal }));
      assert.deepEqual((await reader.upTo(7)).map((change) => change.key), ['/a', '/gone', '/gone', '/leased', '/b']);
      await clock.advance(10_000);
      await reader.upTo(8);
      assert.equal((await fork.get('/leased')).entry, undefined);
      await fork.close();
    });

    it('a snapshot is a store file with the content and the leases', async (store, { clock }) => {
      const directory = await mkdtemp(join(tmpdir(), 'skiff-snapshot-'));
      const file = join(directory, 'copy.db');
      try {
        const id = await store.grantLease(10);
        await store.transaction(
          Array.from({ length: 1200 }, (_, index) => ({ key: `/${index}`, value: bytes(`${index}`), expect: { any: true } })),
        );
        await store.put('/1', bytes('new'), { any: true });
        await store.put('/leased', bytes(''), { any: true }, { leaseId: id });
        await store.delete('/2', { any: true });
        const { revision } = await store.snapshot(file);
        await store.put('/later', bytes(''), { any: true });
        assert.equal(revision, 5);
        const copy = await openSqliteStore({ file, clock, random: seededRandom(3) });
        assert.equal(await copy.revision(), 5);
        assert.deepEqual((await copy.range('')).entries.map(plain), (await store.range('', { revision: 5 })).entries.map(plain));
        assert.deepEqual(await copy.put('/1', bytes('2'), { modRevision: 3 }), { ok: true, revision: 6 });
        const reader = read(copy.watch('/leased', { afterRevision: 6, signal: new AbortController().signal }));
        await clock.advance(10_000);
        assert.deepEqual((await reader.upTo(7)).map(plainChange), [['delete', '/leased', 7, undefined]]);
        await copy.close();
        assert.deepEqual(await readdir(directory), ['copy.db'], 'nothing else is left');
      } finally {
        await rm(directory, { recursive: true });
      }
    });

    it('everything after close fails with `closed`', async (store) => {
      const pending = store.put('/a', bytes(''), { any: true });
      await store.close();
      await store.close();
      assert.equal((await pending).ok, true, 'close waits for writes under way');
      await rejects(store.put('/a', bytes(''), { any: true }), 'closed');
      await rejects(store.get('/a'), 'closed');
      await rejects(store.revision(), 'closed');
      await rejects(store.grantLease(5), 'closed');
      const watch = store.watch('', { afterRevision: 1, signal: new AbortController().signal });
      assert.equal((await watch[Symbol.asyncIterator]().next()).done, true);
    });

    void test('any sequence of operations answers as the model does', { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(commandArbitrary, { minLength: 5, maxLength: 40 }), async (commands) => {
          const clock = new SimulatedClock();
          const opened = await options.open({ clock, random: seededRandom(2) });
          try {
            await checkAgainstModel(commands, { clock, opened, keepsOrder: traits.keepsOrder });
          } finally {
            await opened.dispose();
          }
        }),
        { numRuns: options.propertyRuns },
      );
    });
  });
}

/** Reads a watch to given revisions. */
function read(watch: StoreWatch): { all: StoreChange[]; upTo(revision: number): Promise<StoreChange[]>; end(): Promise<void> } {
  const iterator = watch[Symbol.asyncIterator]();
  const all: StoreChange[] = [];
  let reached = 0;
  return {
    all,
    async upTo(revision) {
      const before = all.length;
      while (reached < revision) {
        const batch = await iterator.next();
        if (batch.done === true) assert.fail('the watch has ended');
        assert.ok(batch.value.revision >= reached, 'a watch goes forward');
        all.push(...batch.value.changes);
        reached = batch.value.revision;
      }
      return all.slice(before);
    },
    async end() {
      await iterator.return?.();
    },
  };
}

async function rejects(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof StoreError && error.code === code);
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

function plain(entry: StoreChange['entry']): unknown {
  return entry === undefined ? undefined : { ...entry, value: text(entry.value) };
}

function plainChange(change: StoreChange): unknown {
  return [change.type, change.key, change.revision, text(change.entry?.value)];
}
