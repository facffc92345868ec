import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { Event } from '#api/core/event.ts';
import { createClient } from './create-client.ts';
import { MemoryTransport } from './memory-transport.ts';
import { createEventRecorder } from './recorder.ts';

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', namespace: 'shop', uid: 'u1', resourceVersion: '7' } };

function setUp() {
  const client = createClient(new MemoryTransport());
  const clock = new SimulatedClock();
  const recorder = createEventRecorder({ client, clock, log: silentLog }, 'kubelet', { host: 'node-1' });
  const events = async () => (await client.list(Event)).items;
  return { clock, recorder, events };
}

test('an event says who did what to which object', async () => {
  const { recorder, events } = setUp();
  recorder.event({ object: pod, fieldPath: 'spec.containers{web}' }, 'Normal', 'Started', 'Started container web');
  await recorder.flush();
  const [event] = await events();
  assert.match(event?.metadata.name ?? '', /^web-0\.[0-9a-f]+$/);
  assert.equal(event?.metadata.namespace, 'shop');
  assert.deepEqual(event?.involvedObject, { kind: 'Pod', namespace: 'shop', name: 'web-0', uid: 'u1', apiVersion: 'v1', resourceVersion: '7', fieldPath: 'spec.containers{web}' });
  assert.deepEqual(event?.source, { component: 'kubelet', host: 'node-1' });
  assert.equal(event?.reportingComponent, 'kubelet');
  assert.equal(event?.reportingInstance, 'node-1');
  assert.equal(event?.firstTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(event?.count, 1);
});

test('two components write about one object in the same millisecond', async () => {
  const client = createClient(new MemoryTransport());
  const clock = new SimulatedClock();
  for (const component of ['kubelet', 'default-scheduler']) {
    const recorder = createEventRecorder({ client, clock, log: silentLog }, component);
    recorder.event({ object: pod }, 'Normal', 'Seen', 'Seen');
    await recorder.flush();
  }
  assert.deepEqual(new Set((await client.list(Event)).items.map(({ source }) => source?.component)), new Set(['default-scheduler', 'kubelet']));
});

test('the same event again counts up', async () => {
  const { clock, recorder, events } = setUp();
  for (let time = 0; time < 3; time++) {
    recorder.event({ object: pod }, 'Warning', 'BackOff', 'Back-off restarting failed container');
    await clock.advance(5000);
  }
  await recorder.flush();
  const all = await events();
  assert.equal(all.length, 1);
  assert.equal(all[0]?.count, 3);
  assert.equal(all[0]?.firstTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(all[0]?.lastTimestamp, '2026-01-01T00:00:10Z');
});

test('the tenth similar event and those after it are combined', async () => {
  const { recorder, events } = setUp();
  for (let number = 0; number < 15; number++) recorder.event({ object: pod }, 'Normal', 'SuccessfulCreate', `Created pod: web-${number}`);
  await recorder.flush();
  const all = await events();
  assert.equal(all.length, 10);
  const combined = all.find((event) => event.message?.startsWith('(combined from similar events): '));
  assert.equal(combined?.count, 6);
  assert.equal(combined?.message, '(combined from similar events): Created pod: web-14');
});

test('one object gets at most 25 events at once, then one every five minutes', async () => {
  const { clock, recorder, events } = setUp();
  const total = async () => (await events()).reduce((sum, event) => sum + (event.count ?? 0), 0);
  for (let number = 0; number < 40; number++) recorder.event({ object: pod }, 'Warning', 'Failed', 'no');
  await recorder.flush();
  assert.equal(await total(), 25);
  await clock.advance(300_000);
  for (let number = 0; number < 10; number++) recorder.event({ object: pod }, 'Warning', 'Failed', 'no');
  await recorder.flush();
  assert.equal(await total(), 26);
});

test('events about objects without namespace go to default', async () => {
  const { recorder, events } = setUp();
  recorder.event({ object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } } }, 'Normal', 'Starting', 'Starting kubelet.');
  await recorder.flush();
  assert.equal((await events())[0]?.metadata.namespace, 'default');
});
