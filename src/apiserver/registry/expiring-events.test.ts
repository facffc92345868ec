import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { LeaseId } from '#store/store.ts';
import { withExpiringEvents } from './expiring-events.ts';

test('events end, other objects do not; an event that is written again lives on', async () => {
  const clock = new SimulatedClock();
  const store = withExpiringEvents(openMemoryStore({ clock, random: seededRandom(1) }), { clock, ttlMs: 3_600_000 });
  for (const key of ['/registry/events/default/a', '/registry/events/default/b', '/registry/pods/default/a']) await store.put(key, Buffer.from('x'), { absent: true });
  await clock.advance(1_800_000);
  await store.put('/registry/events/default/b', Buffer.from('y'), { any: true });
  const keys = async (): Promise<readonly string[]> => (await store.range('/registry/')).entries.map(({ key }) => key);
  await clock.advance(1_800_000 + 70_000);
  assert.deepEqual(await keys(), ['/registry/events/default/b', '/registry/pods/default/a']);
  await clock.advance(1_800_000);
  assert.deepEqual(await keys(), ['/registry/pods/default/a']);
  await store.close();
});

test('a lease that is gone is taken anew', async () => {
  const clock = new SimulatedClock();
  const inner = openMemoryStore({ clock, random: seededRandom(1) });
  const granted: LeaseId[] = [];
  const store = withExpiringEvents(Object.assign(Object.create(inner) as typeof inner, {
    async grantLease(seconds: number) {
      const id = await inner.grantLease(seconds);
      granted.push(id);
      return id;
    },
    put: inner.put.bind(inner), range: inner.range.bind(inner), close: inner.close.bind(inner),
  }), { clock, ttlMs: 3_600_000 });
  await store.put('/registry/events/default/a', Buffer.from('x'), { absent: true });
  for (const id of granted) await inner.revokeLease(id);
  assert.equal((await store.put('/registry/events/default/b', Buffer.from('x'), { absent: true })).ok, true);
  assert.equal(granted.length, 2);
  await inner.close();
});
