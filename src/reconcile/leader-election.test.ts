import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import { Lease } from '#api/coordination/lease.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { runElected } from './leader-election.ts';

const place = { name: 'kube-controller-manager', namespace: 'kube-system' };

function setUp() {
  const transport = new MemoryTransport();
  const clock = new SimulatedClock();
  const leaders = new Set<string>();
  let most = 0;
  const stand = (identity: string) => {
    const stop = new AbortController();
    const client = createClient(transport);
    const over = runElected({ client, clock, random: seededRandom(identity.length), log: silentLog }, { ...place, identity }, async (signal) => {
      leaders.add(identity);
      most = Math.max(most, leaders.size);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      leaders.delete(identity);
    }, stop.signal);
    return { stop, over };
  };
  return { transport, clock, leaders, stand, most: () => most };
}

test('one leads, and when it steps down the other follows at once', async () => {
  const { transport, clock, leaders, stand, most } = setUp();
  const a = stand('a');
  await clock.advance(100);
  const b = stand('bb');
  await clock.advance(60_000);
  assert.deepEqual([...leaders], ['a']);
  a.stop.abort();
  await a.over;
  await clock.advance(5000);
  assert.deepEqual([...leaders], ['bb']);
  const lease = await createClient(transport).get(Lease, place);
  assert.equal(lease.spec.holderIdentity, 'bb');
  assert.equal(lease.spec.leaseTransitions, 1);
  assert.equal(lease.spec.leaseDurationSeconds, 15);
  assert.equal(most(), 1);
  b.stop.abort();
  await b.over;
});

test('a leader that cannot renew stops before another may start', async () => {
  const { transport, clock, leaders, stand, most } = setUp();
  const a = stand('a');
  await clock.advance(3000);
  let isAlone = true;
  transport.failWith = () => (isAlone ? unavailable('away') : undefined);
  await clock.advance(13_000);
  assert.equal(leaders.size, 0);
  await a.over;
  isAlone = false;
  const b = stand('bb');
  await clock.advance(20_000);
  assert.deepEqual([...leaders], ['bb']);
  assert.equal(most(), 1);
  b.stop.abort();
  await b.over;
});
