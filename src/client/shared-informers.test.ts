import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { createClient } from './create-client.ts';
import type { Informer } from './informer.ts';
import { keyOf } from './informer.ts';
import { MemoryTransport } from './memory-transport.ts';
import { createSharedInformers } from './shared-informers.ts';

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 1000, `never came true: ${condition.toString()}`);
    await nextTurn();
  }
}

function setUp() {
  const transport = new MemoryTransport();
  const client = createClient(transport);
  const clock = new SimulatedClock();
  const informers = createSharedInformers({ client, clock, random: seededRandom(1), log: silentLog });
  const put = (name: string, value: string, namespace = 'default') => client.create(ConfigMap, { metadata: { name, namespace }, data: { value } });
  return { transport, client, clock, informers, put };
}

function record(informer: Informer<ConfigMap>): string[] {
  const calls: string[] = [];
  informer.addHandler({
    added: (object) => calls.push(`+${keyOf(object)}=${object.data?.['value']}`),
    updated: (object, old) => calls.push(`~${keyOf(object)}=${old.data?.['value']}>${object.data?.['value']}`),
    deleted: (object) => calls.push(`-${keyOf(object)}`),
  });
  return calls;
}

test('an informer lists, then follows changes, and calls handlers in order', async () => {
  const { client, informers, put } = setUp();
  await put('a', '1');
  const informer = informers.for(ConfigMap);
  const calls = record(informer);
  await informers.synced();
  const b = await put('b', '1', 'other');
  const changed = await client.update(ConfigMap, { ...b, data: { value: '2' } });
  await informer.reached(changed.metadata.resourceVersion);
  await client.delete(ConfigMap, { namespace: 'default', name: 'a' });
  await until(() => informer.size === 1);
  assert.deepEqual(calls, ['+default/a=1', '+other/b=1', '~other/b=1>2', '-default/a']);
  assert.equal(informer.list('other').length, 1);
  assert.equal(informer.list('default').length, 0);
  assert.equal(informers.for(ConfigMap), informer);
  await informers.close();
});

test('after 410 a fresh list shows as ordinary changes, and a deletion in between is not lost', async () => {
  const { transport, client, clock, informers, put } = setUp();
  await put('a', '1');
  await put('b', '1');
  const informer = informers.for(ConfigMap);
  await informers.synced();
  const calls = record(informer);
  calls.length = 0;
  transport.failWith = () => unavailable('away');
  transport.cutWatches();
  await clock.advance(2000);
  transport.failWith = undefined;
  await client.delete(ConfigMap, { namespace: 'default', name: 'a' });
  await client.delete(ConfigMap, { namespace: 'default', name: 'b' });
  await put('b', '2');
  transport.compact();
  await clock.advance(60_000);
  await until(() => calls.length === 3);
  assert.deepEqual(calls, ['-default/b', '+default/b=2', '-default/a']);
  await informers.close();
});

test('a server that is away is asked again with growing pauses, and nothing is forgotten meanwhile', async () => {
  const { transport, clock, informers, put } = setUp();
  await put('a', '1');
  const informer = informers.for(ConfigMap);
  await informers.synced();
  transport.failWith = () => unavailable('away');
  transport.cutWatches();
  const before = transport.requests.length;
  await clock.advance(120_000);
  const attempts = transport.requests.length - before;
  assert.ok(attempts >= 4 && attempts <= 12, `${attempts} attempts in two minutes`);
  assert.equal(informer.get('default/a')?.data?.['value'], '1');
  await informers.close();
});

test('an index follows changes of what it is made from', async () => {
  const { client, informers, put } = setUp();
  const informer = informers.for(ConfigMap);
  const a = await put('a', 'red');
  await put('b', 'red');
  await informers.synced();
  informer.addIndex('value', (object) => [object.data?.['value'] ?? '']);
  assert.equal(informer.byIndex('value', 'red').length, 2);
  const changed = await client.update(ConfigMap, { ...a, data: { value: 'blue' } });
  await informer.reached(changed.metadata.resourceVersion);
  assert.deepEqual(informer.byIndex('value', 'red').map(keyOf), ['default/b']);
  assert.deepEqual(informer.byIndex('value', 'blue').map(keyOf), ['default/a']);
  assert.throws(() => informer.byIndex('colour', 'red'), RangeError);
  await informers.close();
});

test('a handler that comes late hears of everything, one that left of nothing more', async () => {
  const { informers, put } = setUp();
  const informer = informers.for(ConfigMap);
  await informer.reached((await put('a', '1')).metadata.resourceVersion);
  const heard: string[] = [];
  const leave = informer.addHandler({ added: (object) => heard.push(object.metadata.name) });
  leave();
  const b = await put('b', '1');
  await informer.reached(b.metadata.resourceVersion);
  assert.deepEqual(heard, ['a']);
  await informers.close();
});

test('closing rejects whoever still waits', async () => {
  const { transport, informers } = setUp();
  transport.failWith = () => unavailable('away');
  const waiting = informers.for(ConfigMap).synced();
  const rejected = assert.rejects(waiting, /closed/);
  await informers.close();
  await rejected;
});
