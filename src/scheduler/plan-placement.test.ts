import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { podInfoOf } from './cache/pod-info.ts';
import { fitMessage } from './fit-message.ts';
import { numberToFind } from './plan-placement.ts';
import type { NodeSample, PodSample } from './samples.ts';
import { cacheOf, place, sampleNode, samplePod } from './samples.ts';

/** Where the pod goes, or the text of the event. */
function outcome(pod: PodSample, nodes: Readonly<Record<string, NodeSample>>, others: Readonly<Record<string, PodSample>> = {}): string {
  const cache = cacheOf(Object.entries(nodes).map(([name, node]) => sampleNode(name, node)), Object.entries(others).map(([name, other]) => samplePod(name, other)));
  const placement = place(samplePod('new', pod), cache);
  return placement.is === 'placed' ? placement.nodeName : fitMessage(placement.diagnosis);
}
const taint = { key: 'gpu', effect: 'NoSchedule' };
const require = (requirement: object): object => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [requirement] } } } });
const apart = (labels: Record<string, string>, topologyKey = 'kubernetes.io/hostname'): object => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: labels } }] } } });
const together = (labels: Record<string, string>, topologyKey = 'kubernetes.io/hostname'): object => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: labels } }] } } });
const spread = (maxSkew: number, topologyKey: string): object => ({ topologySpreadConstraints: [{ maxSkew, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } } }] });
const restartsAll = { spec: { containers: [{ name: 'a', image: 'x:1', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }] }] } };
const zones = { a: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } } };

test('a pod goes where it fits, or is told why it fits nowhere', () => {
  const table: readonly (readonly [string, string, PodSample, Readonly<Record<string, NodeSample>>, Readonly<Record<string, PodSample>>?])[] = [
    ['no nodes', 'no nodes available to schedule pods', {}, {}],
    ['one node', 'n1', {}, { n1: {} }],
    ['cordoned', '0/1 nodes are available: 1 node(s) were unschedulable.', {}, { n1: { unschedulable: true } }],
    ['cordoned, tolerated', 'n1', { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } }, { n1: { unschedulable: true } }],
    ['mixed reasons', '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu.', { requests: { cpu: '3' } }, { n1: { taints: [taint] }, n2: { allocatable: { cpu: '2' } }, n3: { allocatable: { cpu: '1' } } }],
    ['two lacks of one node', '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.', { requests: { cpu: '9', memory: '9Gi' } }, { n1: {} }],
    ['taint tolerated', 'n1', { spec: { tolerations: [{ key: 'gpu', operator: 'Exists' }] } }, { n1: { taints: [taint] } }],
    ['node selector', 'b', { spec: { nodeSelector: { zone: 'b' } } }, zones],
    ['no such label', "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", { spec: { nodeSelector: { zone: 'c' } } }, zones],
    ['node affinity', 'a', { spec: require({ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['b'] }] }) }, zones],
    ['named node', 'b', { spec: require({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }) }, zones],
    ['named node is full', "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].", { requests: { cpu: '9' }, spec: require({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }) }, zones],
    ['host port taken', "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.", { ports: [{ containerPort: 80, hostPort: 80 }] }, { n1: {} }, { p: { node: 'n1', ports: [{ containerPort: 80, hostPort: 80 }] } }],
    ['host port of another address', 'n1', { ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }] }, { n1: {} }, { p: { node: 'n1', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.2' }] } }],
    ['too many pods', '0/1 nodes are available: 1 Too many pods.', {}, { n1: { allocatable: { pods: '1' } } }, { p: { node: 'n1' } }],
    ['extended resource', '0/1 nodes are available: 1 Insufficient example.com/gpu.', { requests: { 'example.com/gpu': '1' } }, { n1: { allocatable: { 'example.com/gpu': '1' } } }, { p: { node: 'n1', requests: { 'example.com/gpu': '1' } } }],
    ['least allocated', 'n2', { requests: { cpu: '1' } }, { n1: {}, n2: {} }, { p: { node: 'n1', requests: { cpu: '2', memory: '4Gi' } } }],
    ['preferred taint', 'n2', {}, { n1: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }, n2: {} }, { p: { node: 'n2', requests: { cpu: '500m' } } }],
    ['image is there', 'n2', { image: 'big:1' }, { n1: {}, n2: { images: [{ names: ['big:1'], sizeBytes: 2_000_000_000 }] } }],
    ['image of a volume is there', 'n2', { spec: { volumes: [{ name: 'v', image: { reference: 'big' } }] } }, { n1: {}, n2: { images: [{ names: ['big:latest'], sizeBytes: 2_000_000_000 }] } }],
    ['replicas apart', 'n2', { owner: 'web' }, { n1: {}, n2: {} }, { p: { node: 'n1', owner: 'web' } }],
    ['anti-affinity', 'b', { spec: apart({ app: 'web' }) }, zones, { p: { node: 'a', labels: { app: 'web' } } }],
    ['anti-affinity of the new pod', "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.", { spec: apart({ app: 'web' }) }, { n1: {} }, { p: { node: 'n1', labels: { app: 'web' } } }],
    ['anti-affinity of the old pod', "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.", { labels: { app: 'new' } }, { n1: {} }, { p: { node: 'n1', spec: apart({ app: 'new' }) } }],
    ['anti-affinity by zone', '0/2 nodes are available: 2 node(s) didn\'t match pod anti-affinity rules.', { spec: apart({ app: 'web' }, 'zone') }, { a: zones.a, a2: zones.a }, { p: { node: 'a', labels: { app: 'web' } } }],
    ['affinity', 'b', { spec: together({ app: 'web' }) }, zones, { p: { node: 'b', labels: { app: 'web' } } }],
    ['nobody to be with', "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.", { spec: together({ app: 'web' }) }, zones],
    ['the first of a group', 'a', { labels: { app: 'web' }, spec: together({ app: 'web' }) }, { a: {} }],
    ['spreading', 'b', { labels: { app: 'web' }, spec: spread(1, 'zone') }, zones, { p: { node: 'a', labels: { app: 'web' } } }],
    ['cannot be spread', "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) had untolerated taint(s).", { labels: { app: 'web' }, spec: spread(1, 'zone') }, { a: zones.a, b: { ...zones.b, taints: [taint] } }, { p: { node: 'a', labels: { app: 'web' } } }],
    ['no label to spread by', "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).", { labels: { app: 'web' }, spec: spread(1, 'zone') }, { n1: {} }],
    ['features that no node declares', "0/1 nodes are available: 1 node(s) didn't match Pod's required features.", restartsAll, { n1: {} }],
    ['features that one node declares', 'n2', restartsAll, { n1: {}, n2: { declaredFeatures: ['RestartAllContainersOnContainerExits'] } }],
    ['claim is missing', '0/1 nodes are available: persistentvolumeclaim "data" not found.', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } }, { n1: {} }],
  ];
  for (const [what, expected, pod, nodes, others] of table) assert.equal(outcome(pod, nodes, others), expected, what);
});

test('a node where room was made is taken first', () => {
  const cache = cacheOf([sampleNode('n1'), sampleNode('n2')], [samplePod('p', { node: 'n1', requests: { cpu: '1' } })]);
  const placement = place(samplePod('new', { status: { nominatedNodeName: 'n1' } }), cache);
  assert.equal(placement.is === 'placed' && placement.nodeName, 'n1');
});

test('room that waits for a more important pod is not given away', () => {
  const cache = cacheOf([sampleNode('n1')]);
  const coming = podInfoOf(samplePod('coming', { priority: 10, requests: { cpu: '3' } }));
  const nominated = (): readonly typeof coming[] => [coming];
  assert.equal(place(samplePod('new', { requests: { cpu: '2' } }), cache, { nominated }).is, 'unplaced');
  assert.equal(place(samplePod('new', { requests: { cpu: '2' }, priority: 20 }), cache, { nominated }).is, 'placed');
  assert.equal(place(coming, cache, { nominated }).is, 'placed');
});

test('the more nodes there are, the smaller the share that is looked at', () => {
  const table: readonly (readonly [number, number, number])[] = [[50, 0, 50], [1000, 0, 420], [5000, 0, 500], [6000, 0, 300], [1000, 30, 300], [1000, 100, 1000], [200, 10, 100]];
  for (const [nodes, percent, expected] of table) assert.equal(numberToFind(nodes, percent), expected, `${nodes} at ${percent}`);
});

test('the search goes on where the last one stopped', () => {
  const cache = cacheOf(Array.from({ length: 200 }, (_, index) => sampleNode(`n${index}`)));
  const first = place(samplePod('new'), cache, { percentageOfNodesToScore: 50 });
  assert.equal(first.nextStartIndex, 100);
  assert.equal(place(samplePod('new'), cache, { percentageOfNodesToScore: 50, startIndex: first.nextStartIndex }).nextStartIndex, 0);
});

test('points of every plugin can be recorded', () => {
  const placement = place(samplePod('new', { requests: { cpu: '1' } }), cacheOf([sampleNode('n1'), sampleNode('n2')]), { explain: true });
  assert.ok(placement.is === 'placed');
  assert.deepEqual([...(placement.points?.keys() ?? [])], ['n1', 'n2']);
  assert.ok((placement.points?.get('n1')?.['NodeResourcesFit'] ?? 0) > 0);
});

test('what counts of a node\'s balance is what the pod makes of it', () => {
  const pointsOf = (pod: PodSample, others: Readonly<Record<string, PodSample>>): number | undefined => {
    // Where there is one node only, nobody counts.
    const nodes = ['n1', 'n2'].map((name) => sampleNode(name, { allocatable: { cpu: '6', memory: '6Gi' } }));
    const placement = place(samplePod('new', pod), cacheOf(nodes, Object.entries(others).map(([name, other]) => samplePod(name, { node: 'n1', ...other }))), { explain: true });
    assert.ok(placement.is === 'placed');
    return placement.points?.get('n1')?.['NodeResourcesBalancedAllocation'];
  };
  assert.equal(pointsOf({ requests: { cpu: '3', memory: '3Gi' } }, {}), 75, 'nothing changes');
  assert.equal(pointsOf({ requests: { cpu: '3' } }, { p: { requests: { cpu: '3' } } }), 62, 'worse');
  assert.equal(pointsOf({ requests: { cpu: '6' } }, {}), 50, 'out of all balance');
  assert.equal(pointsOf({ requests: { memory: '6Gi' } }, { p: { requests: { cpu: '6' } } }), 100, 'into balance');
});

test('no node ever gets more than it has, whatever comes', () => {
  const amount = fc.integer({ min: 0, max: 3000 });
  fc.assert(fc.property(fc.array(amount, { minLength: 1, maxLength: 5 }), fc.array(amount, { maxLength: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (sizes, requests, tieBreak) => {
    const cache = cacheOf(sizes.map((millis, index) => sampleNode(`n${index}`, { allocatable: { cpu: `${millis}m`, pods: '20' } })));
    for (const [index, millis] of requests.entries()) {
      const info = podInfoOf(samplePod(`p${index}`, millis === 0 ? {} : { requests: { cpu: `${millis}m` } }));
      const placement = place(info, cache, { tieBreak });
      if (placement.is === 'placed') cache.assume(info, placement.nodeName);
      // Unplaced means that really no node has room.
      else for (const node of cache.nodes) assert.ok(node.cpuMillis + millis > node.allocatable.cpuMillis || node.pods.size >= 20);
    }
    for (const node of cache.nodes) {
      assert.ok(node.cpuMillis <= node.allocatable.cpuMillis);
      assert.ok(node.pods.size <= 20);
    }
  }), { numRuns: 60 });
});
