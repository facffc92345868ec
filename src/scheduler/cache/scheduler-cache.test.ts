import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cacheOf, sampleNode, samplePod } from '../samples.ts';
import { podInfoOf } from './pod-info.ts';

test('zones take turns', () => {
  const zone = (name: string, of: string): ReturnType<typeof sampleNode> => sampleNode(name, { labels: { 'topology.kubernetes.io/zone': of } });
  const cache = cacheOf([zone('a1', 'a'), zone('a2', 'a'), zone('b1', 'b'), zone('a3', 'a'), zone('b2', 'b')]);
  assert.deepEqual(cache.nodes.map((node) => node.name), ['a1', 'b1', 'a2', 'b2', 'a3']);
});

test('an assumed pod counts until it is forgotten, a confirmed one stays', () => {
  const cache = cacheOf([sampleNode('n1')]);
  const info = podInfoOf(samplePod('p', { requests: { cpu: '1' } }));
  cache.assume(info, 'n1');
  assert.equal(cache.get('n1')?.cpuMillis, 1000);
  cache.forget('p');
  assert.equal(cache.get('n1')?.cpuMillis, 0);
  cache.assume(info, 'n1');
  cache.setPod(samplePod('p', { requests: { cpu: '1' }, node: 'n1' }));
  cache.forget('p');
  assert.equal(cache.get('n1')?.cpuMillis, 1000);
  assert.equal(cache.assumedCount, 0);
});

test('pods that come before their node count when it comes', () => {
  const cache = cacheOf([], [samplePod('p', { node: 'n1', requests: { cpu: '1' } })]);
  cache.setNode(sampleNode('n1'));
  assert.equal(cache.get('n1')?.cpuMillis, 1000);
  cache.deleteNode('n1');
  cache.setNode(sampleNode('n1'));
  assert.equal(cache.get('n1')?.pods.size, 1);
});

test('sums are those of the pods that are there, whatever came and went', () => {
  const step = fc.record({
    what: fc.constantFrom('set', 'assume', 'forget', 'delete', 'node', 'deleteNode'),
    pod: fc.integer({ min: 0, max: 5 }), node: fc.integer({ min: 0, max: 2 }), cpu: fc.integer({ min: 0, max: 4 }), port: fc.boolean(), apart: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const cache = cacheOf([sampleNode('n0')]);
    for (const { apart, cpu, node, pod, port, what } of steps) {
      const sample = samplePod(`p${pod}`, {
        owner: 'web', node: `n${node}`, ...(cpu > 0 && { requests: { cpu: String(cpu), 'example.com/gpu': '1' } }), ...(port && { ports: [{ containerPort: 80, hostPort: 80 }] }),
        ...(apart && { spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'x' }] } } } }),
      });
      if (what === 'set') cache.setPod(sample);
      else if (what === 'assume') cache.assume(podInfoOf(sample), `n${node}`);
      else if (what === 'forget') cache.forget(`p${pod}`);
      else if (what === 'delete') cache.deletePod(`p${pod}`);
      else if (what === 'node') cache.setNode(sampleNode(`n${node}`));
      else cache.deleteNode(`n${node}`);
    }
    let replicas = 0;
    for (const node of cache.nodes) {
      const fresh = node.clone();
      assert.equal(node.cpuMillis, fresh.cpuMillis);
      assert.equal(node.usualMemoryBytes, fresh.usualMemoryBytes);
      assert.equal(node.scalar('example.com/gpu'), fresh.scalar('example.com/gpu'));
      assert.equal(node.hasPort({ protocol: 'TCP', ip: '0.0.0.0', port: 80 }), fresh.hasPort({ protocol: 'TCP', ip: '0.0.0.0', port: 80 }));
      assert.equal(cache.antiAffinityNodes.has(node), fresh.antiAffinityPods.size > 0);
      assert.equal(cache.replicas('web')?.get(node.name) ?? 0, node.pods.size);
      replicas += node.pods.size;
    }
    assert.ok(replicas <= cache.podCount);
  }), { numRuns: 100 });
});
