import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openEtcdStore } from '#store/etcd.ts';
import type { EtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { etcdMissing, startEtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import type { Store } from '#store/store.ts';

interface Running {
  readonly server: ApiServer;
  readonly store: Store;
  readonly client: Client;
}

const namespace = 'default';

describe('several API servers over one etcd', { skip: etcdMissing, timeout: 60_000 }, () => {
  let etcd: EtcdCluster;
  let tokenKey: ServiceAccountKey;
  let first: Running;
  let second: Running;
  before(async () => {
    // The limits are etcd's own: what an unprepared etcd takes must be enough.
    etcd = await startEtcdCluster({ members: 1, flags: ['--max-txn-ops', '128'] });
    tokenKey = createServiceAccountKey();
    [first, second] = await Promise.all([start(1), start(2)]);
  });
  after(async () => {
    for (const running of [first, second]) {
      await running.server.close();
      await running.store.close();
    }
    await etcd.close();
  });

  async function start(seed: number): Promise<Running> {
    const random = seededRandom(seed);
    const store = await openEtcdStore({ endpoints: etcd.endpoints, keyPrefix: '/cluster-a', clock: systemClock, random });
    const server = await createApiServer({ store, clock: systemClock, random, log: silentLog, serviceAccountKey: tokenKey, nodes: noNodes });
    return { server, store, client: createClient(server.transport(inProcessAdmin, `server-${seed}`)) };
  }

  it('what one has answered, the other shows at once', async () => {
    for (let index = 0; index < 50; index++) {
      const [writer, reader] = index % 2 === 0 ? [first, second] : [second, first];
      const name = `shown-${index}`;
      const made = await writer.client.create(ConfigMap, { metadata: { namespace, name }, data: { index: String(index) } });
      const read = await reader.client.get(ConfigMap, { namespace, name });
      assert.equal(read.metadata.resourceVersion, made.metadata.resourceVersion);
      const list = await reader.client.list(ConfigMap, { namespace });
      assert.equal(list.items.filter((item) => item.metadata.name === name).length, 1);
    }
  });

  it('of two that change the same version one wins, and retries see the other\'s change', async () => {
    const object = await first.client.create(ConfigMap, { metadata: { namespace, name: 'contested' }, data: {} });
    const outcomes = await Promise.allSettled([first, second].map(({ client }, index) => client.update(ConfigMap, { ...object, data: { winner: String(index) } })));
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    await Promise.all([first, second].map(({ client }, index) =>
      client.patch(ConfigMap, { namespace, name: 'contested' }, { type: 'merge', patch: { data: { [`patched-${index}`]: 'yes' } } })));
    const { data } = await first.client.get(ConfigMap, { namespace, name: 'contested' });
    assert.deepEqual([data?.['patched-0'], data?.['patched-1']], ['yes', 'yes']);
  });

  it('what one has just made can be changed, applied to and deleted through the other', async () => {
    for (let index = 0; index < 40; index++) {
      const [maker, other] = index % 2 === 0 ? [first, second] : [second, first];
      const key = { namespace, name: `handed-over-${index}` };
      const made = await maker.client.create(ConfigMap, { metadata: key, data: { at: 'first' } });
      switch (index % 4) {
        case 0: await other.client.update(ConfigMap, { ...made, data: { at: 'second' } }); break;
        case 1: await other.client.patch(ConfigMap, key, { type: 'merge', patch: { data: { at: 'second' } } }); break;
        case 2: await other.client.apply(ConfigMap, { metadata: key, data: { at: 'second' } }, { fieldManager: 'test', force: true }); break;
        default:
          await other.client.deleteCollection(ConfigMap, { namespace, fieldSelector: `metadata.name=${key.name}` });
          await assert.rejects(maker.client.get(ConfigMap, key), (error) => (error as { reason?: string }).reason === 'NotFound');
          continue;
      }
      assert.equal((await maker.client.get(ConfigMap, key)).data?.['at'], 'second');
    }
  });

  it('a watch that was opened on one goes on at the other, without gap or repeat', async () => {
    const { metadata } = await first.client.list(ConfigMap, { namespace });
    const names = Array.from({ length: 20 }, (_, index) => `watched-${index}`);
    for (const name of names.slice(0, 10)) await first.client.create(ConfigMap, { metadata: { namespace, name } });
    const seen: string[] = [];
    const resume = await readWatch(first, metadata.resourceVersion ?? '', seen, 5);
    for (const name of names.slice(10)) await first.client.create(ConfigMap, { metadata: { namespace, name } });
    await readWatch(second, resume, seen, 20);
    assert.deepEqual(seen, names);
  });

  it('writes of others in the same etcd are not seen and hold nobody up', async () => {
    const other = await openEtcdStore({ endpoints: etcd.endpoints, keyPrefix: '/cluster-b', clock: systemClock, random: seededRandom(3) });
    try {
      for (let index = 0; index < 20; index++) await other.put(`/registry/configmaps/default/foreign-${index}`, new TextEncoder().encode('{}'), { absent: true });
      const list = await first.client.list(ConfigMap, { namespace });
      assert.equal(list.items.some((item) => item.metadata.name.startsWith('foreign')), false);
      assert.equal((await other.range('/registry/')).entries.length, 20);
      // The version of that list was made by the others' writes; the other server takes it all the same.
      const seen: string[] = [];
      await second.client.create(ConfigMap, { metadata: { namespace, name: 'after-foreign' } });
      await readWatch(second, list.metadata.resourceVersion, seen, 1);
      assert.deepEqual(seen, ['after-foreign']);
      await other.put('/registry/configmaps/default/foreign-last', new TextEncoder().encode('{}'), { absent: true });
      const { metadata } = await first.client.list(ConfigMap, { namespace });
      await second.client.list(ConfigMap, { namespace, resourceVersion: metadata.resourceVersion, resourceVersionMatch: 'NotOlderThan' });
    } finally {
      await other.close();
    }
  });

  /** Reads a watch until `seen` has `count` names; answers the version to go on from. */
  async function readWatch(running: Running, resourceVersion: string, seen: string[], count: number): Promise<string> {
    const abort = new AbortController();
    let reached = resourceVersion;
    for await (const events of running.client.watch(ConfigMap, { namespace, resourceVersion, signal: abort.signal })) {
      for (const { object } of events) {
        if (seen.length === count) break;
        seen.push(object.metadata.name);
        reached = object.metadata.resourceVersion ?? '';
      }
      if (seen.length === count) break;
    }
    abort.abort();
    return reached;
  }
});
