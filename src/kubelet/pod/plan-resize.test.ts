import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResizeView } from './plan-resize.ts';
import { planResize } from './plan-resize.ts';
import { podOf, record } from './pod.fixture.ts';

const main = (cpu: string, more: object = {}): { readonly name: string; readonly image: string; readonly resources: object } => ({ name: 'main', image: 'x', resources: { requests: { cpu } }, ...more });

function plan(wanted: ReturnType<typeof main>, traits: Partial<ResizeView> = {}) {
  return planResize({
    pod: podOf({ containers: [wanted] }), containers: [record('main')], actual: () => ({ requests: { cpu: '1' } }),
    allocatable: { cpu: '4' }, requestedByOthers: () => ({}), ...traits,
  });
}

test('what has what it asks for stays, however the amount is written', () => {
  assert.deepEqual(plan(main('1000m')), { updates: [], restarts: [], pending: undefined });
});

test('a running container is given what it asks for now; one that does not run is not', () => {
  assert.deepEqual(plan(main('2')).updates.map(({ record: { id } }) => id), ['main-0']);
  assert.deepEqual(plan(main('2'), { containers: [record('main', { state: 'exited' })] }).updates, []);
});

test('a container that wants it so is started anew, for the resource that changes', () => {
  const policy = (resourceName: string) => ({ resizePolicy: [{ resourceName, restartPolicy: 'RestartContainer' }] });
  assert.equal(plan(main('2', policy('cpu'))).restarts.length, 1);
  assert.equal(plan(main('2', policy('memory'))).restarts.length, 0);
});

test('more than the node has is never given, more than it has left not now, less always', () => {
  assert.deepEqual(plan(main('5')).pending, { reason: 'Infeasible', message: `Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000` });
  const full = { requestedByOthers: () => ({ cpu: '3500m' }) };
  assert.deepEqual(plan(main('2'), full).pending, { reason: 'Deferred', message: `Node didn't have enough resource: cpu, requested: 2000, used: 3500, capacity: 4000` });
  assert.equal(plan(main('500m'), full).updates.length, 1);
});
