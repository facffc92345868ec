import { Event } from '#api/core/event.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { findCondition } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import type { ComponentContext } from '#client/component.ts';
import { createClient } from '#client/create-client.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { RunningScheduler } from './scheduler.ts';
import { createScheduler } from './scheduler.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

const serviceAccountKey = createServiceAccountKey();

interface Bed {
  readonly client: Client;
  readonly clock: SimulatedClock;
  readonly scheduler: RunningScheduler;
  node(name: string, more?: object): Promise<void>;
  pod(name: string, spec?: object): Promise<void>;
  get(name: string): Promise<Pod>;
  until<T>(condition: () => Promise<T | false | undefined>): Promise<T>;
}

/** The scheduler against the real API server, without anybody else. */
async function withScheduler(use: (bed: Bed) => Promise<void>): Promise<void> {
  const clock = new SimulatedClock();
  const random = seededRandom(1);
  const store = openMemoryStore({ clock, random });
  const apiServer = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey, nodes: noNodes });
  const client = createClient(apiServer.transport({ name: 'system:admin', groups: ['system:masters', 'system:authenticated'] }, 'test'));
  const informers = createSharedInformers({ client, clock, random, log: silentLog });
  const context: ComponentContext = {
    client, informers, clock, random, log: silentLog,
    recorderFor: (component, options) => createEventRecorder({ client, clock, log: silentLog }, component, options),
  };
  const scheduler = createScheduler(context);
  await scheduler.ready;
  const namespace = 'test';
  await client.create(Namespace, { metadata: { name: namespace } });
  await client.create(ServiceAccount, { metadata: { name: 'default', namespace } });
  const until: Bed['until'] = async (condition) => {
    for (let turn = 0; turn < 2000; turn++) {
      const result = await condition();
      if (result !== false && result !== undefined) return result;
      await nextTurn();
      await clock.advance(10);
    }
    return assert.fail(`never came true: ${condition.toString()}`);
  };
  const bed: Bed = {
    client, clock, scheduler, until,
    async node(name, more = {}) {
      const node = { metadata: { name }, status: { capacity: { cpu: '4', memory: '8Gi', pods: '10' } }, ...more };
      const created = await client.create(Node, node);
      // Nobody else is here to see that it is ready.
      if (created.spec.taints !== undefined) await client.update(Node, { ...created, spec: { ...created.spec, taints: (more as { spec?: { taints?: [] } }).spec?.taints ?? [] } });
    },
    async pod(name, spec = {}) {
      const containers = [{ name: 'a', image: 'x:1', resources: { requests: { cpu: '1' } } }];
      await client.create(Pod, { metadata: { name, namespace }, spec: { containers, automountServiceAccountToken: false, ...spec } });
    },
    get: (name) => client.get(Pod, { namespace, name }),
  };
  try {
    await until(async () => (await client.list(Namespace)).items.length > 0);
    await use(bed);
  } finally {
    await scheduler.close();
    await informers.close();
    await apiServer.close();
    await store.close();
  }
}

async function events(client: Client, reason: string): Promise<readonly string[]> {
  return (await client.list(Event)).items.filter((event) => event.reason === reason).map((event) => event.message ?? '');
}
const isBound = (name: string, bed: Bed) => async (): Promise<string | undefined> => (await bed.get(name)).spec.nodeName;

test('a pod gets a node, and an event says so', async () => {
  await withScheduler(async (bed) => {
    await bed.node('node-1');
    await bed.pod('web-0');
    assert.equal(await bed.until(isBound('web-0', bed)), 'node-1');
    const [message] = await bed.until(async () => (await events(bed.client, 'Scheduled')).length > 0 && events(bed.client, 'Scheduled'));
    assert.equal(message, 'Successfully assigned test/web-0 to node-1');
    assert.equal(findCondition((await bed.get('web-0')).status.conditions, 'PodScheduled')?.status, 'True');
    assert.equal(bed.scheduler.explain('test/web-0')?.nodeName, 'node-1');
  });
});

test('a pod that fits nowhere is told why, and is placed when a node comes', async () => {
  await withScheduler(async (bed) => {
    await bed.node('node-1', { status: { capacity: { cpu: '500m', pods: '10' } } });
    await bed.pod('web-0');
    const condition = await bed.until(async () => findCondition((await bed.get('web-0')).status.conditions, 'PodScheduled'));
    assert.equal(condition.status, 'False');
    assert.equal(condition.reason, 'Unschedulable');
    const expected = '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    assert.equal(condition.message, expected);
    const messages = await bed.until(async () => (await events(bed.client, 'FailedScheduling')).length > 0 && events(bed.client, 'FailedScheduling'));
    assert.deepEqual(messages, [expected]);
    assert.deepEqual(bed.scheduler.explain('test/web-0')?.reasons, { 'node-1': ['Insufficient cpu'] });
    await bed.node('node-2');
    assert.equal(await bed.until(isBound('web-0', bed)), 'node-2');
  });
});

test('a more important pod takes the place of a less important one', async () => {
  await withScheduler(async (bed) => {
    await bed.node('node-1');
    await bed.pod('low', { containers: [{ name: 'a', image: 'x:1', resources: { requests: { cpu: '3' } } }], terminationGracePeriodSeconds: 0 });
    await bed.until(isBound('low', bed));
    await bed.pod('high', { containers: [{ name: 'a', image: 'x:1', resources: { requests: { cpu: '3' } } }], priorityClassName: 'system-cluster-critical' });
    assert.equal(await bed.until(isBound('high', bed)), 'node-1');
    assert.equal((await bed.client.list(Pod)).items.length, 1);
    const [message] = await bed.until(async () => (await events(bed.client, 'Preempted')).length > 0 && events(bed.client, 'Preempted'));
    assert.match(message ?? '', /^Preempted by pod [0-9a-f-]+ on node node-1$/);
  });
});

test('pods that were promised room and lost it to a more important one share what is left', async () => {
  await withScheduler(async (bed) => {
    const half = (priority: number, grace: number): object => ({ priority, containers: [{ name: 'a', image: 'x:1', resources: { requests: { cpu: '2' } } }], terminationGracePeriodSeconds: grace });
    const isNominated = (name: string) => async (): Promise<boolean> => (await bed.get(name)).status.nominatedNodeName === 'node-1';
    await bed.node('node-1');
    for (const [name, value] of [['mid', 10], ['high', 20]] as const) await bed.client.create(PriorityClass, { metadata: { name }, value });
    for (const name of ['low-0', 'low-1']) await bed.pod(name, half(0, 600));
    for (const name of ['low-0', 'low-1']) await bed.until(isBound(name, bed));
    for (const name of ['mid-0', 'mid-1']) await bed.pod(name, { ...half(10, 0), priorityClassName: 'mid' });
    for (const name of ['mid-0', 'mid-1']) await bed.until(isNominated(name));
    await bed.pod('high', { ...half(20, 0), priorityClassName: 'high' });
    await bed.until(isNominated('high'));
    for (const name of ['low-0', 'low-1']) await bed.client.delete(Pod, { namespace: 'test', name }, { gracePeriodSeconds: 0 });
    assert.equal(await bed.until(isBound('high', bed)), 'node-1');
    await bed.until(async () => (await isBound('mid-0', bed)()) || (await isBound('mid-1', bed)()));
  });
});

test('pods of other schedulers and gated pods are left alone', async () => {
  await withScheduler(async (bed) => {
    await bed.node('node-1');
    await bed.pod('other', { schedulerName: 'mine' });
    await bed.pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] });
    await bed.pod('plain');
    await bed.until(isBound('plain', bed));
    assert.equal((await bed.get('other')).spec.nodeName, undefined);
    const gated = await bed.get('gated');
    assert.equal(gated.spec.nodeName, undefined);
    assert.equal(findCondition(gated.status.conditions, 'PodScheduled')?.reason, 'SchedulingGated');
    const { schedulingGates: _gates, ...open } = gated.spec;
    await bed.client.update(Pod, { ...gated, spec: open });
    assert.equal(await bed.until(isBound('gated', bed)), 'node-1');
  });
});

test('many pods fill the nodes and no node gets too many', async () => {
  await withScheduler(async (bed) => {
    for (const name of ['node-1', 'node-2', 'node-3']) await bed.node(name);
    await Promise.all(Array.from({ length: 14 }, (_, index) => bed.pod(`web-${index}`)));
    await bed.until(async () => (await bed.client.list(Pod)).items.filter((pod) => pod.spec.nodeName !== undefined).length === 12);
    const counts = Map.groupBy((await bed.client.list(Pod)).items, (pod) => pod.spec.nodeName ?? '');
    assert.deepEqual(['node-1', 'node-2', 'node-3', ''].map((name) => counts.get(name)?.length), [4, 4, 4, 2]);
  });
});
