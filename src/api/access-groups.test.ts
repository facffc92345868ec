import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { APIService } from './apiregistration/api-service.ts';
import { CertificateSigningRequest } from './certificates/certificate-signing-request.ts';
import { Lease } from './coordination/lease.ts';
import { EndpointSlice } from './discovery/endpoint-slice.ts';
import { created, createErrorsOf, updated, updateErrorsOf, warningsOf } from './kind-probe.ts';
import { RuntimeClass } from './node/runtime-class.ts';
import { ClusterRole } from './rbac/cluster-role.ts';
import { RoleBinding } from './rbac/role-binding.ts';
import { PriorityClass } from './scheduling/priority-class.ts';

type Fields = Readonly<Record<string, unknown>>;
const metadata = { name: 'a', namespace: 'default' };

function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [fields, ...errors] of table) assert.deepEqual(createErrorsOf(kind, created(kind, { metadata, ...fields })), errors, JSON.stringify(fields));
}

test('what is refused in roles and bindings', () => {
  check(ClusterRole, [
    [{ rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] }, 'rules[0].verbs: Required value: verbs must contain at least one value'],
    [{ rules: [{ verbs: ['get'] }] }, 'rules[0].apiGroups: Required value: resource rules must supply at least one api group', 'rules[0].resources: Required value: resource rules must supply at least one resource'],
  ]);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
  check(RoleBinding, [
    [{ roleRef, subjects: [{ kind: 'User', name: 'u' }] }],
    [{ roleRef, subjects: [{ kind: 'Robot', name: 'u' }] }, 'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
    [{ roleRef: { ...roleRef, kind: 'Pod' } }, 'roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"'],
  ]);
});

test('what is refused in priority classes', () => {
  const reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ";
  check(PriorityClass, [
    [{ value: 10 }],
    [{ metadata: { name: 'system-x' }, value: 10 }, `${reserved}system-x is not a known system priority class`],
    [{ metadata: { name: 'system-node-critical' }, value: 10 }, `${reserved}value of system-node-critical PriorityClass must be 2000001000`],
  ]);
  const [old, now] = [created(PriorityClass, { metadata, value: 1 }), created(PriorityClass, { metadata, value: 2 })];
  assert.deepEqual(updateErrorsOf(PriorityClass, now, old), ['value: Forbidden: may not be changed in an update.']);
});

test('elections that the cluster coordinates are not kept', () => {
  assert.deepEqual(created(Lease, { metadata, spec: { holderIdentity: 'h', strategy: 'OldestEmulationVersion', preferredHolder: 'p' } }).spec, { holderIdentity: 'h' });
});

test('what is refused in runtime classes', () => {
  check(RuntimeClass, [
    [{ handler: 'runc', overhead: { podFixed: { cpu: '1' } } }],
    [{ handler: 'Run C' }, `handler: Invalid value: "Run C": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`],
    [{ handler: 'runc', overhead: { podFixed: { cpu: '-1' } } }, 'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  ]);
});

test('what is refused in a registration of a served group', () => {
  const spec = { group: 'g.example.com', version: 'v1', groupPriorityMinimum: 10, versionPriority: 10 };
  const named = { metadata: { name: 'v1.g.example.com' } };
  check(APIService, [
    [{ ...named, spec }],
    [{ ...named, spec: { ...spec, service: { namespace: 'n', name: 's', port: 70_000 } } }, 'spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
    [{ ...named, spec: { ...spec, caBundle: 'YWJj' } }, 'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
  ]);
});

test('what is refused in a request for a certificate', () => {
  const request = btoa('-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n');
  const spec = { request, signerName: 'example.com/s', usages: ['client auth'] };
  check(CertificateSigningRequest, [
    [{ spec }],
    [{ spec: { ...spec, request: 'YWJj' } }, 'spec.request: Invalid value: "YWJj": PEM block type must be CERTIFICATE REQUEST'],
    [{ spec: { ...spec, usages: [] } }, 'spec.usages: Required value'],
    [{ spec: { ...spec, usages: ['any', 'any'] } }, 'spec.usages[1]: Duplicate value: "any"'],
    [{ spec: { ...spec, signerName: 'kubernetes.io/legacy-unknown' } }, 'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
  ]);
});

test('what is refused, dropped and warned of in slices of endpoints', () => {
  const slice = (addressType: string, address: string, ports: readonly Fields[] = []): Fields => ({ addressType, endpoints: [{ addresses: [address] }], ports });
  const at = 'endpoints[0].addresses[0]';
  check(EndpointSlice, [
    [slice('IPv4', '10.0.0.1', [{ name: 'a', port: 80, appProtocol: 'example.com/p' }])],
    [slice('IPv4', '127.0.0.1'), `${at}: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`],
    [slice('IPv6', '10.0.0.1'), `${at}: Invalid value: "10.0.0.1": must be a valid IPv6 address`],
    [slice('FQDN', 'host'), `${at}: Invalid value: "host": should be a domain with at least two segments separated by dots`],
    [slice('IPv4', '10.0.0.1', [{ name: 'a', port: 1 }, { name: 'a', port: 2 }]), 'ports[1].name: Duplicate value: "a"'],
  ]);
  assert.deepEqual(warningsOf(EndpointSlice, created(EndpointSlice, { metadata, ...slice('FQDN', 'a.b') })), ['spec.addressType: FQDN endpoints are deprecated']);
  const counted = (labels?: Fields): Fields => ({ metadata: { ...metadata, labels, generation: 1 }, ...slice('IPv4', '10.0.0.1') });
  assert.equal(updated(EndpointSlice, created(EndpointSlice, counted()), counted({ a: 'b' })).metadata.generation, 2);
  const made = created(EndpointSlice, { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: { zone: 'z' } }] });
  assert.equal(made.endpoints[0]?.deprecatedTopology, undefined);
});
