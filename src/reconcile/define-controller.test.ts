import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { selectorFromMap } from '#apimachinery/selector.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Secret } from '#api/core/secret.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { claim, controllerReference } from './adoption.ts';
import { slowStartBatches } from './batches.ts';
import type { ControllerDeclaration } from './controller.ts';
import { done, recheckAfter, watch } from './controller.ts';
import { defineController } from './define-controller.ts';

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await condition()); turn++) {
    assert.ok(turn < 1000, `never came true: ${condition.toString()}`);
    await nextTurn();
  }
}

function start(declaration: ControllerDeclaration<ConfigMap>) {
  const transport = new MemoryTransport();
  const client = createClient(transport);
  const clock = new SimulatedClock();
  const random = seededRandom(1);
  const informers = createSharedInformers({ client, clock, random, log: silentLog });
  const recorderFor = () => ({ event: () => {}, flush: async () => {} });
  const running = defineController(declaration).start({ client, informers, recorderFor, clock, random, log: silentLog });
  const close = async (): Promise<void> => {
    await running.close();
    await informers.close();
  };
  return { transport, client, clock, informers, running, close };
}

const owner = { metadata: { name: 'owner', namespace: 'x' }, data: { app: 'web' } };

test('a controller never acts on a copy that does not show its own writes yet', async () => {
  let wanted = 5;
  const { client, running, close } = start({
    name: 'five-secrets',
    for: ConfigMap,
    owns: [Secret],
    async reconcile(key, { lister, client: writer }) {
      const map = lister.get(ConfigMap, key);
      if (map === undefined) return done;
      const missing = wanted - lister.ownedBy(Secret, map).length;
      await slowStartBatches(missing, () =>
        writer.create(Secret, { metadata: { generateName: 's-', namespace: 'x', ownerReferences: [controllerReference(ConfigMap, map)] } }));
      for (const extra of lister.ownedBy(Secret, map).slice(wanted)) await writer.delete(Secret, extra.metadata);
      return done;
    },
  });
  await running.ready;
  const made = await client.create(ConfigMap, owner);
  const count = async () => (await client.list(Secret)).items.length;
  await until(async () => (await count()) === 5);
  wanted = 2;
  await client.update(ConfigMap, { ...made, data: { app: 'less' } });
  await until(async () => (await count()) === 2);
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.equal(await count(), 2);
  await close();
});

test('orphans that the owner selects are adopted, others let go', async () => {
  const owned: string[][] = [];
  const { client, running, close } = start({
    name: 'adopter',
    for: ConfigMap,
    owns: [Secret],
    selects: (map) => selectorFromMap({ app: map.data?.['app'] ?? '' }),
    async reconcile(key, context) {
      const map = context.lister.get(ConfigMap, key);
      if (map === undefined) return done;
      const secrets = await claim(Secret, { kind: ConfigMap, owner: map, query: selectorFromMap({ app: map.data?.['app'] ?? '' }) }, context);
      owned.push(secrets.map((secret) => secret.metadata.name));
      return done;
    },
  });
  await running.ready;
  await client.create(ConfigMap, owner);
  await client.create(Secret, { metadata: { name: 'other', namespace: 'x', labels: { app: 'db' } } });
  const secret = await client.create(Secret, { metadata: { name: 'mine', namespace: 'x', labels: { app: 'web' } } });
  await until(() => owned.at(-1)?.includes('mine') === true);
  const adopted = await client.get(Secret, secret.metadata);
  assert.equal(adopted.metadata.ownerReferences?.[0]?.name, 'owner');
  assert.equal(adopted.metadata.ownerReferences?.[0]?.controller, true);
  await close();
});

test('a failure is tried again with growing pauses, a recheck comes when it is due', async () => {
  const times: number[] = [];
  const { client, clock, running, close } = start({
    name: 'unlucky',
    for: ConfigMap,
    async reconcile(_key, context) {
      times.push(context.clock.nowMs());
      if (times.length < 4) throw new Error('not yet');
      return times.length === 4 ? recheckAfter(60_000) : done;
    },
  });
  await running.ready;
  await client.create(ConfigMap, owner);
  await until(() => times.length === 1);
  await clock.advance(120_000);
  const first = times[0] ?? 0;
  assert.deepEqual(times.map((time) => time - first), [0, 5, 15, 35, 60_035]);
  await close();
});

test('what can never succeed in a terminating namespace is not tried again', async () => {
  let attempts = 0;
  const { client, clock, running, close } = start({
    name: 'late',
    for: ConfigMap,
    async reconcile() {
      attempts++;
      throw new StatusError(403, 'Forbidden', 'going away', { causes: [{ reason: 'NamespaceTerminating' }] });
    },
  });
  await running.ready;
  await client.create(ConfigMap, owner);
  await until(() => attempts === 1);
  await clock.advance(3_600_000);
  assert.equal(attempts, 1);
  await close();
});

test('watches map changes of other kinds to keys, for the old state as well', async () => {
  const keys: string[] = [];
  const { client, running, close } = start({
    name: 'watcher',
    for: ConfigMap,
    watches: [watch(Secret, (secret) => [`x/${secret.metadata.labels?.['for'] ?? 'none'}`])],
    async reconcile(key) {
      keys.push(key);
      return done;
    },
  });
  await running.ready;
  const secret = await client.create(Secret, { metadata: { name: 's', namespace: 'x', labels: { for: 'a' } } });
  await until(() => keys.length === 1);
  await client.update(Secret, { ...secret, metadata: { ...secret.metadata, labels: { for: 'b' } } });
  await until(() => keys.length === 3);
  assert.deepEqual(keys.toSorted(), ['x/a', 'x/a', 'x/b']);
  await close();
});

test('closing waits for the reconciliation under way', async () => {
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  const { client, running, informers } = start({
    name: 'slow',
    for: ConfigMap,
    async reconcile() {
      events.push('began');
      await gate.promise;
      events.push('ended');
      return done;
    },
  });
  await running.ready;
  await client.create(ConfigMap, owner);
  await until(() => events.length === 1);
  const closing = running.close().then(() => events.push('closed'));
  gate.resolve();
  await closing;
  assert.deepEqual(events, ['began', 'ended', 'closed']);
  await informers.close();
});

test('slow start stops at the first batch that fails', async () => {
  const tried: number[] = [];
  const result = await slowStartBatches(100, async (index) => {
    tried.push(index);
    if (index >= 3) throw new Error('quota');
  });
  assert.equal(result.succeeded, 3);
  assert.equal(tried.length, 7);
  assert.equal((await slowStartBatches(0, async () => {})).succeeded, 0);
});
