import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '#api/core/service.ts';
import type { IPAddress as IPAddressObject } from '#api/networking/ip-address.ts';
import { parseRange } from '#apimachinery/ip-range.ts';
import type { Claim } from './claims.ts';
import { addressClaim, claimDraft, keyOfClaim, portClaim } from './claims.ts';
import type { Finding, RepairView } from './plan-repair.ts';
import { checkClaim, checkService } from './plan-repair.ts';

const made = { uid: '', nowIso: '' };

function service(name: string, clusterIP: string, nodePort?: number): Service {
  return { metadata: { name, namespace: 'n' }, spec: { type: 'NodePort', clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, nodePort }] } } as unknown as Service;
}
function claimOf(claim: Claim, name: string): readonly [Claim, IPAddressObject] {
  return [claim, claimDraft(claim, { namespace: 'n', name }, made)];
}
function view(services: readonly Service[], claims: readonly (readonly [Claim, IPAddressObject])[]): RepairView {
  const byKey = new Map(claims.map(([claim, object]) => [keyOfClaim(claim), object]));
  const range = parseRange('10.96.0.0/24');
  assert.ok(range !== undefined);
  return { ranges: [range], ports: { from: 30_000, to: 30_010 }, claim: (claim) => byKey.get(keyOfClaim(claim)), service: ({ name }) => services.find(({ metadata }) => metadata.name === name) };
}
function shown(findings: Iterable<Finding>): unknown[] {
  return [...findings].map(({ reason, remedy }) => [reason, remedy?.is]);
}

test('a Service with all its claims is in order', () => {
  const web = service('web', '10.96.0.7', 30_001);
  assert.deepEqual(shown(checkService(web, view([web], [claimOf(addressClaim('10.96.0.7'), 'web'), claimOf(portClaim(30_001), 'web')]))), []);
});

test('missing claims are written, and those that name somebody who is gone are written anew', () => {
  const web = service('web', '10.96.0.7', 30_001);
  const expected = [['ClusterIPNotAllocated', 'write'], ['PortNotAllocated', 'write']];
  assert.deepEqual(shown(checkService(web, view([web], []))), expected);
  assert.deepEqual(shown(checkService(web, view([web], [claimOf(addressClaim('10.96.0.7'), 'gone'), claimOf(portClaim(30_001), 'gone')]))), expected);
});

test('what two Services have is told to the one that does not hold it', () => {
  const web = service('web', '10.96.0.7', 30_001);
  const other = service('other', '10.96.0.7', 30_001);
  const both = view([web, other], [claimOf(addressClaim('10.96.0.7'), 'web'), claimOf(portClaim(30_001), 'web')]);
  assert.deepEqual(shown(checkService(web, both)), []);
  assert.deepEqual(shown(checkService(other, both)), [['ClusterIPAlreadyAllocated', undefined], ['PortAlreadyAllocated', undefined]]);
});

test('what is no address or lies outside is told', () => {
  for (const [clusterIP, nodePort, reasons] of [['nonsense', undefined, ['ClusterIPNotValid']], ['10.1.0.7', 8080, ['ClusterIPOutOfRange', 'PortOutOfRange']]] as const) {
    const web = service('web', clusterIP, nodePort);
    assert.deepEqual(shown(checkService(web, view([web], []))), reasons.map((reason) => [reason, undefined]));
  }
});

test('labels that are not the allocator\'s are put right', () => {
  const web = service('web', '10.96.0.7');
  const [claim, object] = claimOf(addressClaim('10.96.0.7'), 'web');
  const relabelled = { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'ipaddress.kubernetes.io/ip-family': 'IPv6' } } };
  assert.deepEqual(shown(checkService(web, view([web], [[claim, relabelled]]))), [['ClusterIPNotAllocated', 'write']]);
});

test('claims that nobody has go, those of others than Services are theirs', () => {
  const web = service('web', '10.96.0.7');
  const all = view([web], []);
  const check = ([claim, object]: readonly [Claim, IPAddressObject]): unknown[] => shown(checkClaim(claim, object, all));
  assert.deepEqual(check(claimOf(addressClaim('10.96.0.7'), 'web')), []);
  assert.deepEqual(check(claimOf(addressClaim('10.96.0.8'), 'web')), [['IPAddressWrongReference', 'delete']]);
  assert.deepEqual(check(claimOf(addressClaim('10.96.0.8'), 'gone')), [['IPAddressNotAllocated', 'delete']]);
  assert.deepEqual(check(claimOf(portClaim(30_001), 'gone')), [['PortNotAllocated', 'delete']]);
  const [claim, object] = claimOf(addressClaim('10.96.0.8'), 'gone');
  assert.deepEqual(check([claim, { ...object, metadata: { ...object.metadata, labels: {} } }]), []);
  assert.deepEqual(check([claim, { ...object, spec: { parentRef: { group: 'x.io', resource: 'gateways', name: 'g' } } }]), [['IPAddressNotAllocated', 'delete']]);
});
