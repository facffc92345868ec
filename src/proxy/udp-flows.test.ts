import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planReconciliation } from './udp-flows.ts';

const line = (dst: string, dport: number, endpoint: string, more = ''): string =>
  `udp      17 25 src=10.244.0.6 dst=${dst} sport=4242 dport=${dport} ${more}src=${endpoint} dst=10.244.0.6 sport=53 dport=4242 [ASSURED] mark=0 use=1`;
const targets = new Map([['ip|10.96.0.53|53', new Set(['10.244.1.1'])], ['ip||30053', new Set(['10.244.1.1'])], ['ip|10.96.0.54|53', new Set<string>()]]);

test('flows to endpoints that a service does not have are forgotten, each once', async () => {
  const listing = [
    line('10.96.0.53', 53, '10.244.1.1'), line('10.96.0.53', 53, '10.244.9.9'), line('10.96.0.53', 53, '10.244.9.9', '[UNREPLIED] '),
    line('192.0.2.1', 30053, '10.244.9.9'), line('192.0.2.1', 30053, '10.244.1.1'), line('10.96.0.54', 53, '10.244.9.9'),
  ].join('\n');
  assert.deepEqual(await planReconciliation(listing, 'ip', targets), [
    { family: 'ip', address: '10.96.0.53', port: 53, target: '10.244.9.9' },
    { family: 'ip', address: undefined, port: 30053, target: '10.244.9.9' },
    { family: 'ip', address: '10.96.0.54', port: 53, target: '10.244.9.9' },
  ]);
});

test('what is none of ours stays', async () => {
  const listing = ['', 'tcp 6 1 ESTABLISHED src=1.1.1.1 dst=10.96.0.53 sport=1 dport=53 src=9.9.9.9 dst=1.1.1.1 sport=53 dport=1', line('10.96.0.99', 53, '10.244.9.9'), line('192.0.2.1', 30054, '10.244.9.9')].join('\n');
  assert.deepEqual(await planReconciliation(listing, 'ip', targets), []);
  assert.deepEqual(await planReconciliation(line('10.96.0.53', 53, '10.244.9.9'), 'ip6', targets), []);
});
