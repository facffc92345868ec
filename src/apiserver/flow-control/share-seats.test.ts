import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { flowControlObjects } from '../bootstrap/flow-control.ts';
import { Integrator, nextDemand, noDemand } from './seat-demand.ts';
import { defaultConfiguration } from './keep-configuration.ts';
import { divide, seatLimits } from './share-seats.ts';
import { estimateWork } from './work-estimate.ts';
import { requestInfo } from '../request/request-info.ts';

const defaults = defaultConfiguration(flowControlObjects('2026-01-01T00:00:00Z'));

test('the default levels divide 600 seats as Kubernetes does', () => {
  const limits = seatLimits(new Map(defaults.levels.map(({ metadata, spec }: PriorityLevelConfiguration) => [metadata.name, spec])), 600);
  const shown = Object.fromEntries([...limits].map(([name, { nominal, lower, upper, perRequest }]) => [name, [nominal, lower, upper, perRequest]]));
  assert.deepEqual(shown, {
    exempt: [0, 0, 600, 10],
    'catch-all': [13, 13, 613, 10],
    system: [74, 50, 674, 10],
    'node-high': [98, 73, 698, 10],
    'leader-election': [25, 25, 625, 4],
    'workload-high': [98, 49, 698, 10],
    'workload-low': [245, 24, 845, 10],
    'global-default': [49, 24, 649, 8],
  });
});

test('a division gives everybody the same fraction of their target, but for their bounds', () => {
  const claimant = fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }), fc.nat({ max: 100 })).map(([lower, more, extra]) => ({ lower, target: lower + more, upper: lower + extra }));
  fc.assert(fc.property(fc.array(claimant, { minLength: 1, maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (claimants, part) => {
    const low = claimants.reduce((sum, { lower }) => sum + lower, 0);
    const high = claimants.reduce((sum, { upper }) => sum + upper, 0);
    const total = low + Math.floor(part * (high - low));
    const division = divide(total, claimants);
    assert.ok(division !== undefined);
    assert.ok(Math.abs(division.shares.reduce((sum, each) => sum + each, 0) - total) < 1e-4);
    for (const [index, { lower, upper, target }] of claimants.entries()) {
      const share: number = division.shares[index] ?? -1;
      const fair: number = division.fairFraction * Math.max(0.001, target);
      assert.ok(Math.abs(share - Math.max(lower, Math.min(upper, fair))) < 1e-6);
    }
  }));
});

test('a division that the bounds forbid is none', () => {
  assert.equal(divide(1, [{ lower: 2, target: 2, upper: 3 }]), undefined);
  assert.equal(divide(9, [{ lower: 2, target: 2, upper: 3 }]), undefined);
  assert.deepEqual(divide(10, [{ lower: 0, target: 30, upper: 100 }, { lower: 4, target: 4, upper: 100 }])?.shares.map((each) => Math.round(each)), [6, 4]);
});

test('demand is measured by time, rises at once and falls slowly', () => {
  const integrator = new Integrator(0);
  integrator.set(10, 0);
  integrator.set(0, 5000);
  const observed = integrator.take(10_000);
  assert.deepEqual(observed, { average: 5, deviation: 5, peak: 10 });
  const risen = nextDemand(noDemand, observed);
  assert.equal(risen.smoothed, 10);
  const fallen = nextDemand(risen, integrator.take(20_000));
  assert.deepEqual([fallen.average, fallen.peak, fallen.smoothed], [0, 0, 9.77]);
  assert.equal(integrator.take(20_000), undefined);
});

test('a request is as wide as what it lists, and lingers for those who watch', () => {
  const load = { objects: () => 730, watchers: () => 95 };
  const seats = (path: string, query: Record<string, string> = {}, maxSeats = 10): number => estimateWork({ info: requestInfo('GET', path, query['watch'] === 'true'), query }, maxSeats, load).seats;
  const pods = '/api/v1/namespaces/default/pods';
  assert.equal(seats(pods), 8);
  assert.equal(seats(pods, {}, 4), 4);
  assert.equal(seats(`${pods}/one`), 1);
  assert.equal(seats(pods, { fieldSelector: 'metadata.name=one' }), 1);
  assert.equal(seats(pods, { watch: 'true' }), 1);
  assert.equal(seats(pods, { watch: 'true', sendInitialEvents: 'true' }), 8);
  assert.equal(seats('/version'), 1);
  const write = (maxSeats: number): unknown => estimateWork({ info: requestInfo('POST', pods, false), query: {} }, maxSeats, load);
  assert.deepEqual(write(10), { seats: 1, finalSeats: 10, lingersMs: 5 });
  // The same work on fewer seats takes longer.
  assert.deepEqual(write(5), { seats: 1, finalSeats: 5, lingersMs: 10 });
  assert.deepEqual(estimateWork({ info: requestInfo('POST', pods, false), query: {} }, 10, { ...load, watchers: () => 9 }), { seats: 1, finalSeats: 0, lingersMs: 0 });
});
