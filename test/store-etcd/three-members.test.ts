import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { openEtcdStore } from '#store/etcd.ts';
import { etcdMissing, startEtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { storeContract } from '#store/store.contract.ts';
import type { StoreChange } from '#store/store.ts';

if (etcdMissing === false) {
  storeContract('etcd store, three members', {
    propertyRuns: 3,
    traits: { keepsOrder: false, leaseRevisions: 1 },
    open: async (options) => {
      const cluster = await startEtcdCluster({ members: 3, ...(options.limitBytes !== undefined && { flags: ['--quota-backend-bytes', String(options.limitBytes)] }) });
      let store = await openEtcdStore({ ...options, endpoints: cluster.endpoints });
      return {
        store,
        async reopen() {
          await store.close();
          // Another member first: what is read must not depend on it.
          store = await openEtcdStore({ ...options, endpoints: cluster.endpoints.toReversed() });
          return store;
        },
        async dispose() {
          await store.close();
          await cluster.close();
        },
      };
    },
  });
}

describe('three members, one of which dies', { skip: etcdMissing }, () => {
  it('no write is lost, refused or done twice, and a watch has all of them once and in order', { timeout: 60_000 }, async () => {
    const cluster = await startEtcdCluster({ members: 3 });
    const store = await openEtcdStore({ endpoints: cluster.endpoints, clock: systemClock, random: seededRandom(1) });
    try {
      const seen: StoreChange[] = [];
      const watch = store.watch('/', { afterRevision: await store.revision(), signal: new AbortController().signal });
      const reading = (async () => {
        for await (const { changes } of watch) {
          seen.push(...changes);
          if (changes.some(({ key }) => key === '/end')) return;
        }
      })();
      const written = await writeWhile(store, async (more) => {
        // The member in use goes first, then the one that took over.
        for (const member of [0, 1]) {
          await more(100);
          await cluster.kill(member);
          await more(100);
          await cluster.start(member);
        }
        await more(100);
      });
      await store.put('/end', new Uint8Array(1), { absent: true });
      await reading;
      seen.pop();
      assert.ok(written.length >= 500, `${written.length} writes`);
      assert.deepEqual(seen.map(({ revision }) => revision), written.map(({ revision }) => revision).toSorted((a, b) => a - b));
      const counted = new Map(written.map(({ key, count }) => [key, count]));
      for (const [key, count] of counted) assert.equal(new TextDecoder().decode((await store.get(key)).entry?.value), String(count));
    } finally {
      await store.close();
      await cluster.close();
    }
  });
});

describe('one member that is started again', { skip: etcdMissing }, () => {
  it('callers wait for it, and a watch goes on where it was', { timeout: 60_000 }, async () => {
    const cluster = await startEtcdCluster({ members: 1 });
    const store = await openEtcdStore({ endpoints: cluster.endpoints, clock: systemClock, random: seededRandom(1) });
    try {
      const watch = store.watch('/', { afterRevision: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
      await store.put('/before', new Uint8Array(1), { absent: true });
      assert.equal((await watch.next()).value?.revision, 2);
      await cluster.kill(0);
      const during = Promise.all([store.put('/during', new Uint8Array(1), { absent: true }), store.get('/before'), store.revision()]);
      await cluster.start(0);
      const [written, read] = await during;
      assert.deepEqual([written, read.entry?.modRevision], [{ ok: true, revision: 3 }, 2]);
      assert.deepEqual((await watch.next()).value?.changes.map(({ key }: StoreChange) => key), ['/during']);
    } finally {
      await store.close();
      await cluster.close();
    }
  });
});

/** Four writers, each counting up a key of its own by expected revision, until `work` is over. */
async function writeWhile(store: Awaited<ReturnType<typeof openEtcdStore>>, work: (more: (count: number) => Promise<void>) => Promise<void>): Promise<readonly { key: string; count: number; revision: number }[]> {
  const written: { key: string; count: number; revision: number }[] = [];
  const stop = new AbortController();
  const writers = Array.from({ length: 4 }, async (_, index) => {
    let revision = 0;
    for (let count = 0; !stop.signal.aborted; count++) {
      const key = `/counter/${index}`;
      const result = await store.put(key, new TextEncoder().encode(String(count)), revision === 0 ? { absent: true } : { modRevision: revision });
      assert.ok(result.ok, `nobody else writes ${key}`);
      revision = result.revision;
      written.push({ key, count, revision });
    }
  });
  const more = async (count: number): Promise<void> => {
    for (const until = written.length + count; written.length < until;) await systemClock.sleep(10);
  };
  try {
    await Promise.race([work(more), Promise.all(writers)]);
  } finally {
    stop.abort();
  }
  await Promise.all(writers);
  return written;
}
