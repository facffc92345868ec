import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import { podInfoOf } from '../cache/pod-info.ts';
import type { NodeSample, PodSample } from '../samples.ts';
import { cacheOf, place, sampleNode, samplePlugins, samplePod } from '../samples.ts';
import type { PreemptionPlan } from './plan-preemption.ts';
import { planPreemption } from './plan-preemption.ts';

type Nodes = Readonly<Record<string, NodeSample>>;
type Pods = Readonly<Record<string, PodSample>>;

function plan(pod: PodSample, nodes: Nodes, others: Pods, budgets: readonly PodDisruptionBudget[] = []): PreemptionPlan {
  const cache = cacheOf(Object.entries(nodes).map(([name, node]) => sampleNode(name, node)), Object.entries(others).map(([name, other]) => samplePod(name, other)));
  const wanted = samplePod('new', pod);
  const placement = place(wanted, cache);
  assert.ok(placement.is === 'unplaced');
  return planPreemption(podInfoOf(wanted), cache, { plugins: samplePlugins, diagnosis: placement.diagnosis, budgets, offset: 0 });
}
function shown(result: PreemptionPlan): string {
  return result.is === 'none' ? result.message : `${result.nodeName}: ${result.victims.map((victim) => victim.uid).join()}`;
}
const cpu = (amount: string, priority: number, node: string, more: PodSample = {}): PodSample => ({ requests: { cpu: amount }, priority, node, ...more });

test('as few and as unimportant pods as possible go', () => {
  const table: readonly (readonly [string, string, PodSample, Nodes, Pods])[] = [
    ['nobody is less important', 'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.', cpu('2', 0, ''), { n1: {} }, { p: cpu('3', 0, 'n1') }],
    ['no node could ever hold it', 'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.', cpu('9', 9, ''), { n1: {}, n2: {} }, { p: cpu('3', 0, 'n1') }],
    ['one victim', 'n1: p', cpu('2', 9, ''), { n1: {} }, { p: cpu('3', 0, 'n1') }],
    ['the least important of two', 'n1: low', cpu('2', 9, ''), { n1: {} }, { low: cpu('2', 1, 'n1'), high: cpu('2', 5, 'n1') }],
    ['the node whose victims matter least', 'n2: b', cpu('2', 9, ''), { n1: {}, n2: {} }, { a: cpu('3', 5, 'n1'), b: cpu('3', 1, 'n2') }],
    ['fewer victims', 'n2: c', cpu('3', 9, ''), { n1: {}, n2: {} }, { a: cpu('2', 1, 'n1'), b: cpu('2', 1, 'n1'), c: cpu('4', 1, 'n2') }],
    ['still too small', 'preemption: 0/1 nodes are available: 1 Insufficient cpu.', cpu('3', 9, ''), { n1: {} }, { low: cpu('1', 0, 'n1'), high: cpu('2', 99, 'n1') }],
    ['never', 'preemption: not eligible due to preemptionPolicy=Never.', cpu('2', 9, '', { spec: { preemptionPolicy: 'Never' } }), { n1: {} }, { p: cpu('3', 0, 'n1') }],
    ['anti-affinity is resolved, too', 'n1: p', { priority: 9, spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } }] } } } }, { n1: {} }, { p: { node: 'n1', labels: { app: 'web' } } }],
  ];
  for (const [what, expected, pod, nodes, others] of table) assert.equal(shown(plan(pod, nodes, others)), expected, what);
});

test('a disruption budget turns the choice to another node', () => {
  const budget = decodeObject(PodDisruptionBudget, { metadata: { name: 'b', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'web' } } }, status: { disruptionsAllowed: 0 } });
  const others = { a: cpu('3', 0, 'n1', { labels: { app: 'web' } }), b: cpu('3', 5, 'n2') };
  assert.equal(shown(plan({ requests: { cpu: '2' }, priority: 9 }, { n1: {}, n2: {} }, others)), 'n1: a');
  assert.equal(shown(plan({ requests: { cpu: '2' }, priority: 9 }, { n1: {}, n2: {} }, others, [budget])), 'n2: b');
});

test('a disruption budget for all pods keeps those without labels, too', () => {
  const budget = decodeObject(PodDisruptionBudget, { metadata: { name: 'b', namespace: 'default' }, spec: { selector: {} }, status: { disruptionsAllowed: 1 } });
  const others = { a: cpu('2', 0, 'n1'), b: cpu('2', 0, 'n1'), c: cpu('4', 5, 'n2') };
  assert.equal(shown(plan({ requests: { cpu: '4' }, priority: 9 }, { n1: {}, n2: {} }, others)), 'n1: a,b');
  assert.equal(shown(plan({ requests: { cpu: '4' }, priority: 9 }, { n1: {}, n2: {} }, others, [budget])), 'n2: c');
});

test('while a victim is still leaving, no second one is taken', () => {
  const cache = cacheOf([sampleNode('n1')]);
  const leaving = samplePod('p', cpu('3', 0, 'n1'));
  cache.setPod({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  const wanted = samplePod('new', { requests: { cpu: '2' }, priority: 9, status: { nominatedNodeName: 'n1' } });
  const placement = place(wanted, cache);
  assert.ok(placement.is === 'unplaced');
  const result = planPreemption(podInfoOf(wanted), cache, { plugins: samplePlugins, diagnosis: placement.diagnosis, budgets: [], offset: 0 });
  assert.equal(shown(result), 'preemption: not eligible due to a terminating pod on the nominated node.');
});

test('without the victims the pod fits, and no victim goes in vain', () => {
  const other = fc.record({ cpu: fc.integer({ min: 1, max: 4 }), priority: fc.integer({ min: 0, max: 3 }), node: fc.integer({ min: 0, max: 2 }) });
  fc.assert(fc.property(fc.array(other, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (others, wantedCpu) => {
    const pods = others.map((each, index) => samplePod(`p${index}`, cpu(String(each.cpu), each.priority, `n${each.node}`)));
    const nodes = [0, 1, 2].map((index) => sampleNode(`n${index}`));
    const wanted = samplePod('new', { requests: { cpu: String(wantedCpu) }, priority: 2 });
    const cache = cacheOf(nodes, pods);
    const placement = place(wanted, cache);
    if (placement.is === 'placed') return;
    const result = planPreemption(podInfoOf(wanted), cache, { plugins: samplePlugins, diagnosis: placement.diagnosis, budgets: [], offset: 0 });
    if (result.is === 'none') return;
    const victims = new Set(result.victims.map((victim) => victim.uid));
    for (const victim of result.victims) assert.ok(victim.priority < 2);
    const without = (gone: ReadonlySet<string>): boolean => {
      const after = place(wanted, cacheOf(nodes.filter((node) => node.metadata.name === result.nodeName), pods.filter((pod) => !gone.has(pod.metadata.uid))));
      return after.is === 'placed';
    };
    assert.ok(without(victims));
    for (const victim of victims) assert.ok(!without(victims.difference(new Set([victim]))));
  }), { numRuns: 100 });
});
