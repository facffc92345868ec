import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api/core/node.ts';
import { kubeletAddress } from './node-gateway.ts';

const nodeWith = (addresses: readonly { readonly type: string; readonly address: string }[], port?: number): Node =>
  ({ metadata: { name: 'n' }, status: { addresses, ...(port !== undefined && { daemonEndpoints: { kubeletEndpoint: { Port: port } } }) } }) as unknown as Node;

test('the kubelet is found at the first address of the first preferred type', () => {
  const node = nodeWith([{ type: 'Hostname', address: 'n' }, { type: 'InternalIP', address: '192.0.2.1' }, { type: 'InternalIP', address: '192.0.2.2' }], 10_270);
  assert.equal(kubeletAddress(node, ['ExternalIP', 'InternalIP', 'Hostname']), '192.0.2.1:10270');
  assert.equal(kubeletAddress(node, ['Hostname']), 'n:10270');
});

test('without a port of its own it is 10250, and IPv6 stands in brackets', () => {
  assert.equal(kubeletAddress(nodeWith([{ type: 'InternalIP', address: 'fd00::1' }]), ['InternalIP']), '[fd00::1]:10250');
});

test('a node without a fitting address is unavailable', () => {
  assert.throws(() => kubeletAddress(nodeWith([{ type: 'Hostname', address: 'n' }]), ['InternalIP']), /no preferred addresses found; known addresses: \[n\]/);
});
