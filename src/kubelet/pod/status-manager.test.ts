import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { Pod, PodStatus } from '#api/core/pod.ts';
import type { Client } from '#client/client.ts';
import { podOf } from './pod.fixture.ts';
import { StatusManager } from './status-manager.ts';

/** An API that answers a patch when it is told to. */
function slowApi(first: Pod) {
  let stored = first;
  let version = 1;
  const sent: { readonly status: PodStatus; readonly answer: () => Promise<void> }[] = [];
  const patch = (_kind: unknown, _key: unknown, { patch: { status } }: { readonly patch: { readonly status: PodStatus } }): Promise<Pod> => {
    const answered = Promise.withResolvers<Pod>();
    const answer = async (): Promise<void> => {
      version++;
      const conditions = [...(status.conditions ?? []), ...(stored.status.conditions ?? []).filter(({ type }) => status.conditions?.every((each) => each.type !== type) ?? true)];
      stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(version) }, status: { ...stored.status, ...status, conditions } };
      answered.resolve(stored);
      await new Promise((resolve) => { setImmediate(resolve); });
    };
    sent.push({ status, answer });
    return answered.promise;
  };
  return {
    client: { patch } as unknown as Client,
    sent,
    get stored() { return stored; },
    change(status: PodStatus): void {
      version++;
      stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(version) }, status };
    },
  };
}

function managerOf(client: Client): StatusManager {
  return new StatusManager({ client, clock: new SimulatedClock(), log: silentLog, signal: new AbortController().signal });
}

const ready = (lastTransitionTime: string): PodStatus => ({ phase: 'Running', startTime: lastTransitionTime, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] });

test('what is found out while a report is on its way goes on from that report', async () => {
  const pod = podOf({ containers: [{ name: 'main', image: 'x' }] });
  const api = slowApi({ ...pod, metadata: { ...pod.metadata, resourceVersion: '1' }, status: { phase: 'Pending' } });
  const manager = managerOf(api.client);
  const before = api.stored;
  manager.report(before, ready('2026-01-01T00:00:01Z'));
  assert.equal(manager.expected(before).startTime, '2026-01-01T00:00:01Z');
  await api.sent[0]?.answer();
  assert.equal(manager.expected(before).startTime, '2026-01-01T00:00:01Z', 'the answer is known before the watch shows it');
  assert.equal(api.sent.length, 1);
});

test('conditions of others stay as the API has them', async () => {
  const pod = podOf({ containers: [{ name: 'main', image: 'x' }] });
  const gate = (status: 'True' | 'False'): NonNullable<PodStatus['conditions']>[number] => ({ type: 'example.com/gate', status });
  const api = slowApi({ ...pod, metadata: { ...pod.metadata, resourceVersion: '1' }, status: { phase: 'Pending', conditions: [gate('False')] } });
  const manager = managerOf(api.client);
  const found = ready('2026-01-01T00:00:01Z');
  manager.report(api.stored, { ...found, conditions: [...(found.conditions ?? []), gate('False')] });
  // Somebody opens the gate before the API has seen the report.
  api.change({ ...api.stored.status, conditions: [gate('True')] });
  for (let index = 0; index < api.sent.length; index++) await api.sent[index]?.answer();
  assert.equal(api.sent.length, 1);
  assert.equal(api.stored.status.conditions?.find(({ type }) => type === 'example.com/gate')?.status, 'True');
});
