import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { openSqliteStore, type SqliteStoreOptions } from './sqlite.ts';
import { storeContract } from './store.contract.ts';
import { StoreError, type Store, type StoreErrorCode } from './store.ts';

storeContract('SQLite store', {
  propertyRuns: process.env['SKIFF_TEST_QUICK'] === '1' ? 20 : 60,
  open: async (options) => {
    const directory = await mkdtemp(join(tmpdir(), 'skiff-store-'));
    const file = join(directory, 'store.db');
    let store = await openSqliteStore({ ...options, file });
    return {
      store,
      async reopen() {
        await store.close();
        store = await openSqliteStore({ ...options, file });
        return store;
      },
      async dispose() {
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

interface TestFile {
  readonly file: string;
  readonly clock: SimulatedClock;
  /** Opens the file; closed at the end of the test. */
  readonly open: (options?: Partial<SqliteStoreOptions>) => Promise<Store>;
}

function withFile(title: string, run: (file: TestFile) => Promise<void>): void {
  void test(title, { timeout: 30_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'skiff-store-'));
    const file = join(directory, 'store.db');
    const clock = new SimulatedClock();
    const stores: Store[] = [];
    const open = async (options: Partial<SqliteStoreOptions> = {}): Promise<Store> => {
      const store = await openSqliteStore({ file, clock, random: seededRandom(1), ...options });
      stores.push(store);
      return store;
    };
    try {
      await run({ file, clock, open });
    } finally {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true });
    }
  });
}

withFile('a second opener gets one clear error', async ({ file, open }) => {
  const first = await open();
  await assert.rejects(open(), errorOf('locked', `${file} is in use by another process`));
  await first.put('/a', new Uint8Array(1), { any: true });
  await first.close();
  const second = await open();
  assert.equal(await second.revision(), 2);
});

withFile('a file of a newer version, of another program or of no database is refused and left alone', async ({ file, open }) => {
  await (await open()).close();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await assert.rejects(open(), errorOf('incompatible', /format 99.*use a newer one/));
  await rm(file);
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE other (x)');
  other.close();
  await assert.rejects(open(), errorOf('incompatible', /not a store of Skiff/));
  await rm(file);
  await writeFile(file, 'not a database, but long enough to be read as the header of one; '.repeat(20));
  await assert.rejects(open(), errorOf('incompatible', /not a store of Skiff/));
  assert.equal((await stat(file)).size, 65 * 20);
});

withFile('a file that cannot be made gives one clear error', async ({ file, open }) => {
  await assert.rejects(open({ file: join(file, 'below', 'store.db') }), errorOf('unavailable', /cannot be opened/));
});

withFile('after a restart a watch goes on where it was', async ({ open }) => {
  const first = await open();
  for (let index = 0; index < 1300; index++) await first.put(`/${index % 3}`, new Uint8Array([index % 256]), { any: true });
  await first.close();
  const second = await open();
  await second.put('/1', new Uint8Array(0), { any: true });
  let expected = 100;
  for await (const batch of second.watch('/', { afterRevision: expected, signal: new AbortController().signal })) {
    for (const change of batch.changes) {
      assert.equal(change.revision, ++expected);
      assert.equal(change.entry?.value[0], change.revision === 1302 ? undefined : (change.revision - 2) % 256);
    }
    if (batch.revision === 1302) break;
  }
  assert.equal(expected, 1302);
});

withFile('a lease outlives a restart and then has its whole time again', async ({ open, clock }) => {
  const first = await open();
  const id = await first.grantLease(10);
  await first.put('/a', new Uint8Array(1), { any: true }, { leaseId: id });
  await clock.advance(8_000);
  await first.close();
  const second = await open();
  await clock.advance(9_000);
  assert.ok((await second.get('/a')).entry !== undefined);
  const gone = second.watch('/a', { afterRevision: 2, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
  await clock.advance(1_000);
  assert.equal((await gone).value?.changes[0]?.type, 'delete');
});

withFile('history older than the retention goes with the next writes', async ({ open, clock }) => {
  const store = await open({ retention: { ageMs: 60_000 } });
  for (let minute = 0; minute < 5; minute++) {
    for (let index = 0; index < 10; index++) await store.put('/a', new Uint8Array(1), { any: true });
    await clock.advance(30_000);
  }
  const compacted = await store.compactedRevision();
  assert.ok(compacted > 1 && compacted <= 31, `compacted to ${compacted}`);
});

withFile('rewriting the same keys keeps the file small, and what was freed is given back', async ({ file, open }) => {
  const store = await open({ clock: systemClock, retention: { bytes: 2 ** 20 } });
  const rewrite = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.put(`/${index}`, new Uint8Array(2000), { any: true })));
    }
  };
  await rewrite(100);
  const early = (await stat(file)).size;
  await rewrite(300);
  const late = (await stat(file)).size;
  assert.ok(late < 8 * 2 ** 20 && late <= early + 2 ** 20, `${early} bytes after 5000 writes, ${late} after 20000`);

  await store.transaction(Array.from({ length: 40 }, (_, index) => ({ key: `/large/${index}`, value: new Uint8Array(2 ** 20), expect: { any: true } })));
  for (let index = 0; index < 40; index++) await store.delete(`/large/${index}`, { any: true });
  for (let turn = 0; (await stat(file)).size > 16 * 2 ** 20; turn++) {
    assert.ok(turn < 1000, `the file keeps ${(await stat(file)).size} bytes`);
    await systemClock.sleep(10);
  }
});

withFile('a fork is of one revision while writes and compaction go on', async ({ open }) => {
  const store = await open({ retention: { revisions: 20 } });
  const keys = Array.from({ length: 1500 }, (_, index) => `/${index}`);
  await store.transaction(keys.map((key) => ({ key, value: new Uint8Array([0]), expect: { any: true } })));
  const done = new AbortController();
  const write = async (): Promise<void> => {
    for (let round = 1; !done.signal.aborted; round++) {
      await store.transaction(['/1', '/1499'].map((key) => ({ key, value: new Uint8Array([round % 256]), expect: { any: true } })));
    }
  };
  const writing = write();
  const fork = await store.fork();
  done.abort();
  await writing;
  const entries = new Map((await fork.range('')).entries.map((entry) => [entry.key, entry]));
  assert.equal(entries.size, 1500);
  assert.deepEqual(entries.get('/1')?.value, entries.get('/1499')?.value);
  assert.equal(await fork.revision(), Math.max(2, entries.get('/1')?.modRevision ?? 0));
  await store.compact(await store.revision());
  await fork.close();
});

withFile('a read in the past is right when many keys have changed since', async ({ open }) => {
  const store = await open();
  const all = Array.from({ length: 1200 }, (_, index) => `/${String(index).padStart(4, '0')}`);
  await store.transaction(all.map((key) => ({ key, value: new Uint8Array([1]), expect: { any: true } })));
  await store.transaction(all.filter((_, index) => index % 2 === 0).map((key) => ({ key, value: new Uint8Array([2]), expect: { any: true } })));
  await store.transaction(all.filter((_, index) => index % 3 === 0).map((key) => ({ key, value: undefined, expect: { any: true } })));
  const then = await store.range('/', { revision: 2 });
  assert.deepEqual(then.entries.map((entry) => entry.key), all);
  assert.ok(then.entries.every((entry) => entry.value[0] === 1 && entry.modRevision === 2));
  const page = await store.range('/', { revision: 3, from: '/0600', limit: 100 });
  assert.deepEqual([page.entries.length, page.remaining, page.entries[1]?.value[0]], [100, 500, 1]);
});

function errorOf(code: StoreErrorCode, message: string | RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code, error.message);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

const noMounts = process.getuid?.() === 0 ? false : 'needs root to mount a small disk';
test('a full disk is told as such, and nothing that was written is lost', { skip: noMounts }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-full-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  const options = { file: join(directory, 'store.db'), clock: systemClock, random: seededRandom(1) };
  let store = await openSqliteStore(options);
  try {
    const value = Buffer.alloc(100_000, 7);
    let written = 0;
    const fill = async (): Promise<void> => {
      for (; written < 100; written++) await store.put(`/${written}`, value, { absent: true });
    };
    await assert.rejects(fill(), (error) => error instanceof StoreError && error.code === 'no-space' && /^the disk with .*store\.db is full/.test(error.message));
    assert.ok(written > 5, `${written} values fit`);
    await store.close();
    store = await openSqliteStore(options);
    const { entries } = await store.range('');
    assert.deepEqual(entries.map((entry) => entry.key).sort(), Array.from({ length: written }, (_, turn) => `/${turn}`).sort());
    assert.ok(entries.every((entry) => Buffer.compare(entry.value, value) === 0));
  } finally {
    await store.close();
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  }
});
