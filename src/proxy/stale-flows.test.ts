import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';
import { planStaleFlows, udpTargets } from './stale-flows.ts';
import type { UdpTargets } from './stale-flows.ts';

const ports = [{ name: 'dns', port: 53, protocol: 'UDP' as const }];
const service = serviceOf('dns', { type: 'NodePort', clusterIP: '10.96.0.53', clusterIPs: ['10.96.0.53', 'fd00::53'], ports: [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }] });

function targets(v4: readonly string[], v6: readonly string[]): UdpTargets {
  const slices = [sliceOf('dns', v4.map((each) => endpoint(each)), ports), sliceOf('dns', v6.map((each) => endpoint(each)), ports, 'IPv6')];
  return udpTargets([service], slices, { node: { name: 'n1' }, clusterName: 't', clusterCidrs: [] });
}

test('what went to an endpoint that has gone is forgotten, at every address of the service', () => {
  assert.deepEqual(planStaleFlows(targets(['10.0.0.1', '10.0.0.2'], []), targets(['10.0.0.2'], [])), [
    { family: 'ip', address: '10.96.0.53', port: 53, target: '10.0.0.1' }, { family: 'ip', address: undefined, port: 30053, target: '10.0.0.1' },
  ]);
});

test('a family that gets its first endpoint is told from one that had some', () => {
  assert.deepEqual(planStaleFlows(targets(['10.0.0.1'], []), targets(['10.0.0.1', '10.0.0.2'], ['fd00::1'])), [
    { family: 'ip6', address: 'fd00::53', port: 53, target: undefined }, { family: 'ip6', address: undefined, port: 30053, target: undefined },
  ]);
});

test('where nothing changes, nothing is forgotten', () => {
  assert.deepEqual(planStaleFlows(targets(['10.0.0.1'], ['fd00::1']), targets(['10.0.0.1'], ['fd00::1'])), []);
});
