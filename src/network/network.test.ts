import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCniConfig } from './cni-config.ts';
import { dropsByDefault, forwardRules } from './forward-rules.ts';
import { isHostPortLeftover } from './host-port-leftovers.ts';
import { egressTableName, planEgressTables } from './egress-table.ts';

const options = { clusterName: 'blue', leaseDir: '/run/x/leases', withHostPorts: true };

test('each address family of the node gets a range and a default route', () => {
  const config = planCniConfig({ ...options, podCidrs: ['10.244.3.0/24', 'fd00:3::/64'] });
  const ptp = (config['plugins'] as { ipam: { ranges: unknown; routes: unknown } }[])[0];
  assert.deepEqual(ptp?.ipam.ranges, [[{ subnet: '10.244.3.0/24' }], [{ subnet: 'fd00:3::/64' }]]);
  assert.deepEqual(ptp?.ipam.routes, [{ dst: '0.0.0.0/0' }, { dst: '::/0' }]);
});

test('the network carries the name of the cluster', () => {
  assert.equal(planCniConfig({ ...options, podCidrs: ['10.1.0.0/24'] })['name'], 'skiff-blue');
  assert.equal(egressTableName('blue'), 'skiff-net-blue');
});

test('without iptables there is no portmap plugin, which could not even take a pod down', () => {
  const config = planCniConfig({ ...options, withHostPorts: false, podCidrs: ['10.1.0.0/24'] });
  assert.deepEqual((config['plugins'] as { type: string }[]).map((plugin) => plugin.type), ['ptp']);
});

test('only what leaves the cluster is masqueraded', () => {
  const script = planEgressTables({ clusterName: 'blue', podCidrs: ['10.244.3.0/24'], clusterCidrs: ['10.244.0.0/16'] });
  assert.match(script, /ip saddr 10\.244\.3\.0\/24 ip daddr != \{ 10\.244\.0\.0\/16, 10\.244\.3\.0\/24, 224\.0\.0\.0\/4 \} masquerade/);
  assert.doesNotMatch(script, /table ip6/);
});

test('the frame that the portmap plugin leaves is told from a table that somebody uses', () => {
  const chains = ['PREROUTING', 'POSTROUTING', 'OUTPUT', 'CNI-HOSTPORT-DNAT', 'CNI-HOSTPORT-MASQ'].map((name) => ({ chain: { name } }));
  const jump = (chain: string, target: string) => ({ rule: { chain, expr: [{ counter: {} }, { jump: { target } }] } });
  const frame = [...chains, jump('OUTPUT', 'CNI-HOSTPORT-DNAT'), { rule: { chain: 'CNI-HOSTPORT-MASQ', expr: [{ masquerade: null }] } }];
  assert.equal(isHostPortLeftover({ nftables: frame }), true);
  assert.equal(isHostPortLeftover({ nftables: [] }), true);
  assert.equal(isHostPortLeftover({ nftables: [...frame, { chain: { name: 'CNI-DN-abc' } }] }), false);
  assert.equal(isHostPortLeftover({ nftables: [...frame, jump('CNI-HOSTPORT-DNAT', 'CNI-DN-abc')] }), false);
  assert.equal(isHostPortLeftover({ nftables: [...chains, { rule: { chain: 'POSTROUTING', expr: [{ masquerade: null }] } }] }), false);
});

test('where forwarding is dropped by default, both directions of the pod range are let through', () => {
  assert.equal(dropsByDefault({ nftables: [{}, { chain: { policy: 'drop' } }] }), true);
  assert.equal(dropsByDefault({ nftables: [{ chain: { policy: 'accept' } }] }), false);
  assert.deepEqual(forwardRules('blue', ['10.244.0.0/16', 'fd00::/48'], 'ip').map((rule) => rule.slice(0, 2)), [['-s', '10.244.0.0/16'], ['-d', '10.244.0.0/16']]);
});
