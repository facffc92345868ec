import assert from 'node:assert/strict';
import test from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { CachedObject } from './cached-object.ts';
import { ResourceCache } from './resource-cache.ts';

function cached(name: string, revision: number, owner = 'a'): CachedObject<ConfigMap> {
  const bytes = Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'x' }, data: { owner } }));
  return new CachedObject(ConfigMap, `/registry/configmaps/x/${name}`, revision, bytes);
}
const ownerOf = (object: ConfigMap): string => object.data?.['owner'] ?? '';

test('a watcher that resumes sees every event after its revision, once', () => {
  const cache = new ResourceCache(ConfigMap, new SimulatedClock(), 10);
  cache.put(cached('one', 11));
  cache.put(cached('two', 12));
  cache.put(cached('one', 13));
  cache.remove('/registry/configmaps/x/two', 14);
  const events = cache.log.eventsFrom(cache.log.positionAfter(11));
  assert.deepEqual(events.map((event) => [event.type, event.revision]), [['ADDED', 12], ['MODIFIED', 13], ['DELETED', 14]]);
  assert.equal(events[2]?.current.object.metadata.resourceVersion, '14');
});

test('a watcher that was away for longer than the log reaches back is told that it has expired', async () => {
  const clock = new SimulatedClock();
  const cache = new ResourceCache(ConfigMap, clock, 10);
  assert.throws(() => cache.log.positionAfter(9), (error) => hasReason(error, 'Expired'));
  const position = cache.log.positionAfter(10);
  for (let revision = 11; revision < 500; revision++) {
    cache.put(cached('one', revision));
    await clock.advance(1000);
  }
  assert.throws(() => cache.log.eventsFrom(position), (error) => hasReason(error, 'Expired'));
  assert.throws(() => cache.log.positionAfter(10), (error) => hasReason(error, 'Expired'));
});

test('a lane has the events of its value, past ones too, and those that leave it', () => {
  const cache = new ResourceCache(ConfigMap, new SimulatedClock(), 0);
  cache.put(cached('one', 1, 'a'));
  cache.put(cached('two', 2, 'b'));
  const lane = cache.takeLane('owner', 'a', ownerOf);
  cache.put(cached('three', 3, 'b'));
  cache.put(cached('one', 4, 'b'));
  cache.put(cached('two', 5, 'a'));
  assert.deepEqual(lane.eventsFrom(lane.positionAfter(0)).map((event) => event.revision), [1, 4, 5]);
  cache.releaseLane('owner', 'a');
});

test('what is kept for those who are away is bounded in bytes, in lanes as well', () => {
  const cache = new ResourceCache(ConfigMap, new SimulatedClock(), 0);
  const lane = cache.takeLane('owner', 'a', ownerOf);
  const owners = ['a', ...Array.from({ length: 40 }, () => 'b'.repeat(2 ** 20))];
  for (const [index, owner] of owners.entries()) cache.put(cached(`each-${index}`, index + 1, owner));
  assert.throws(() => cache.log.positionAfter(20), (error) => hasReason(error, 'Expired'));
  assert.ok(cache.log.eventsFrom(cache.log.positionAfter(30)).length === 11, 'the latest are there');
  assert.equal(lane.completeFrom, cache.log.completeFrom);
  assert.throws(() => lane.eventsFrom(0), (error) => hasReason(error, 'Expired'));
});

test('only the watchers whose value is concerned wake up', async () => {
  const cache = new ResourceCache(ConfigMap, new SimulatedClock(), 0);
  const signal = new AbortController().signal;
  const woken: string[] = [];
  for (const owner of ['a', 'b']) void cache.takeLane('owner', owner, ownerOf).waiter(signal).changed().then(() => woken.push(owner));
  void cache.log.waiter(signal).changed().then(() => woken.push('all'));
  cache.put(cached('one', 1, 'a'));
  cache.wake();
  await Promise.resolve();
  assert.deepEqual(woken.toSorted(), ['a', 'all']);
});

test('many watchers are not resumed for every event, but soon enough', async () => {
  const clock = new SimulatedClock();
  const cache = new ResourceCache(ConfigMap, clock, 0);
  const signal = new AbortController().signal;
  let resumed = 0;
  const waiters = Array.from({ length: 100 }, () => cache.log.waiter(signal));
  const wait = (): void => waiters.forEach((waiter) => void waiter.changed().then(() => resumed++));
  for (let revision = 1; revision <= 3; revision++) {
    wait();
    cache.put(cached('one', revision));
    cache.wake();
    await clock.advance(1);
  }
  assert.equal(resumed, 100, 'the first event goes out at once, those that follow wait');
  await clock.advance(20);
  assert.equal(resumed, 200);
});

test('the JSON that is sent carries the revision, and the decoded object says the same', () => {
  const object = cached('one', 77);
  const text = object.json().toString();
  assert.equal(text, '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"77","name":"one","namespace":"x"},"data":{"owner":"a"}}');
  assert.equal(object.jsonLength, text.length);
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(object.object)));
  assert.ok(Object.isFrozen(object.object.data));
});
