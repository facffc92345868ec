import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { created, errorsOf, given, statusErrorsOf, updated, updateErrorsOf, warningsOf } from '../kind-probe.ts';
import { Endpoints } from './endpoints.ts';
import { LimitRange } from './limit-range.ts';
import { Namespace } from './namespace.ts';
import { Node } from './node.ts';
import { PersistentVolumeClaim } from './persistent-volume-claim.ts';
import { PersistentVolume } from './persistent-volume.ts';
import { ReplicationController } from './replication-controller.ts';
import { ResourceQuota } from './resource-quota.ts';
import { Secret } from './secret.ts';
import { ServiceAccount } from './service-account.ts';
import { Service } from './service.ts';

type Fields = Readonly<Record<string, unknown>>;
const metadata = { name: 'a', namespace: 'default' };

function of<T extends KubeObject>(kind: ResourceKind<T>, fields: Fields): T {
  return created(kind, { metadata, ...fields });
}
function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [fields, ...errors] of table) assert.deepEqual(errorsOf(kind, of(kind, fields)), errors, JSON.stringify(fields));
}

const ports = [{ port: 80 }];

test('what is refused in a service', () => {
  check(Service, [
    [{ spec: { ports } }],
    [{ spec: {} }, 'spec.ports: Required value'],
    [{ spec: { ports: [{ port: 80 }, { port: 80 }] } }, 'spec.ports[0].name: Required value', 'spec.ports[1].name: Required value', 'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'],
    [{ spec: { ports: [{ port: 80, nodePort: 30000 }] } }, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    [{ spec: { ports, externalIPs: ['127.0.0.1'] } }, 'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    [{ spec: { ports, loadBalancerSourceRanges: ['10.0.0.0/8 '] } }, "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    [{ spec: { ports, type: 'LoadBalancer', loadBalancerClass: 'a b' } }, "spec.loadBalancerClass: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
    [{ spec: { ports, healthCheckNodePort: 30000 } }, "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"],
    [{ spec: { ports, trafficDistribution: 'Near' } }, 'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"'],
    [{ spec: { type: 'ExternalName' } }, 'spec.externalName: Required value'],
  ]);
  assert.equal(Service.strategy.name, 'dns-label');
});

test('a load balancer tells where it is, and only of a service that asks for one', () => {
  const ingress = (type: string, entry: Fields): string[] => statusErrorsOf(Service, given(Service, { metadata, spec: { ports, type }, status: { loadBalancer: { ingress: [entry] } } }) as unknown as Service);
  assert.deepEqual(ingress('ClusterIP', { ip: '10.0.0.1' }), ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]);
  assert.deepEqual(ingress('LoadBalancer', { ip: '10.0.0.1' }), []);
  assert.deepEqual(ingress('LoadBalancer', { ipMode: 'VIP' }), ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set']);
});

test('writers of services are warned of fields that do nothing', () => {
  assert.deepEqual(warningsOf(Service, of(Service, { spec: { ports, clusterIP: 'None', sessionAffinity: 'ClientIP' } })), ['spec.SessionAffinity is ignored for headless services']);
  assert.deepEqual(warningsOf(Service, of(Service, { spec: { ports, externalName: 'x' } })), ['spec.externalName is ignored when spec.type is not "ExternalName"']);
  assert.deepEqual(warningsOf(Service, of(Service, { spec: { ports, trafficDistribution: 'PreferClose' } })), ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']);
});

const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } };

test('what is refused in a claim, and what of it may change', () => {
  check(PersistentVolumeClaim, [
    [{ spec: claim }],
    [{ spec: {} }, 'spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
    [{ spec: { ...claim, accessModes: ['ReadWriteOncePod', 'ReadWriteMany'] } }, 'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    [{ spec: { ...claim, dataSourceRef: { kind: 'Thing', name: 'n' } } }, 'spec.dataSource: Invalid value: "Thing": must be \'PersistentVolumeClaim\' when referencing the default apiGroup', 'spec.dataSourceRef: Invalid value: "Thing": must be \'PersistentVolumeClaim\' when referencing the default apiGroup'],
  ]);
  const change = (spec: Fields, status: Fields): string[] => {
    const old = given(PersistentVolumeClaim, { metadata, spec: claim, status }) as unknown as PersistentVolumeClaim;
    return updateErrorsOf(PersistentVolumeClaim, updated(PersistentVolumeClaim, old, { metadata, spec: { ...claim, ...spec }, status }), old);
  };
  const bound = { phase: 'Bound', capacity: { storage: '1Gi' } };
  assert.deepEqual(change({ volumeName: 'v' }, {}), []);
  assert.deepEqual(change({ resources: { requests: { storage: '3Gi' } } }, bound), []);
  assert.deepEqual(change({ resources: { requests: { storage: '1Gi' } } }, bound), ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity']);
  assert.match(change({ resources: { requests: { storage: '3Gi' } } }, {})[0] ?? '', /^spec: Forbidden: spec is immutable after creation except/);
});

test('what is refused in a volume', () => {
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
  check(PersistentVolume, [
    [{ spec: { ...spec, hostPath: { path: '/x' } } }],
    [{ spec: { ...spec, capacity: { cpu: '1' }, hostPath: { path: '/x' } } }, 'spec.capacity: Unsupported value: {"cpu":"1"}: supported values: "storage"'],
    [{ spec: { ...spec, hostPath: { path: '/..' }, persistentVolumeReclaimPolicy: 'Recycle' } }, 'spec.hostPath.path: Invalid value: "/..": must not contain \'..\'', "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    [{ spec: { ...spec, local: { path: '/x' } } }, 'spec.nodeAffinity: Required value: Local volume requires node affinity'],
    [{ spec: { ...spec, csi: { driver: 'd', volumeHandle: 'h', nodePublishSecretRef: { name: 's' } } } }, 'spec.csi.nodePublishSecretRef.namespace: Required value'],
    [{ spec: { ...spec, hostPath: { path: '/x' }, volumeAttributesClassName: '' } }, 'spec.volumeAttributesClassName: Required value: an empty string is disallowed', 'spec.csi: Required value: has to be specified when using volumeAttributesClassName'],
  ]);
  const old = of(PersistentVolume, { spec: { ...spec, hostPath: { path: '/x' } } });
  assert.match(updateErrorsOf(PersistentVolume, of(PersistentVolume, { spec: { ...spec, hostPath: { path: '/y' } } }), old)[0] ?? '', /^spec\.persistentvolumesource: Forbidden: spec\.persistentvolumesource is immutable after creation/);
  assert.deepEqual(warningsOf(PersistentVolume, of(PersistentVolume, { spec: { ...spec, cephfs: { monitors: ['m'] } } })), ['spec.cephfs: deprecated in v1.28, non-functional in v1.31+']);
});

test('a quota limits what its scopes have', () => {
  check(ResourceQuota, [
    [{ spec: { hard: { pods: '1', 'count/deployments.apps': '2' } } }],
    [{ spec: { hard: { secrets: '1' }, scopes: ['BestEffort'] } }, 'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    [{ spec: { hard: { what: '1' } } }, 'spec.hard[what]: Invalid value: "what": must be a standard resource type or fully qualified', 'spec.hard[what]: Invalid value: "what": must be a standard resource for quota'],
    [{ spec: { hard: { pods: '1500m' } } }, 'spec.hard[pods]: Invalid value: "1500m": must be an integer'],
    [{ spec: { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } } }, "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"],
  ]);
});

test('limits are in order', () => {
  const limits = (item: Fields): Fields => ({ spec: { limits: [item] } });
  check(LimitRange, [
    [limits({ type: 'Container', min: { cpu: '1' }, max: { cpu: '2' } })],
    [limits({ type: 'Pod', default: { cpu: '1' } }), "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    [limits({ type: 'Node' }), 'spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified'],
    [limits({ type: 'PersistentVolumeClaim' }), 'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
    [limits({ type: 'Container', min: { cpu: '3' }, max: { cpu: '2' }, default: { cpu: '3' }, defaultRequest: { cpu: '3' } }),
      'spec.limits[0].min[cpu]: Invalid value: "3": min value 3 is greater than max value 2', 'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than max value 2',
      'spec.limits[0].default[cpu]: Invalid value: "2": default value 3 is greater than max value 2'],
    [limits({ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3' } }), 'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'],
  ]);
});

test('what is refused in smaller kinds', () => {
  check(Secret, [
    [{ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'eA==' } }, 'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character \'x\' looking for beginning of value'],
    [{ type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } }, 'data[ssh-privatekey]: Required value'],
  ]);
  const warnings = (certificate: string, key: string): string[] => warningsOf(Secret, created(Secret, { metadata, type: 'kubernetes.io/tls', stringData: { 'tls.crt': certificate, 'tls.key': key } }));
  const [pemCertificate, pemKey] = ['CERTIFICATE', 'EC PRIVATE KEY'].map((type) => `-----BEGIN ${type}-----\nMA==\n-----END ${type}-----\n`) as [string, string];
  assert.deepEqual(warnings(pemCertificate, pemKey), []);
  assert.deepEqual(warnings('a', 'b'), ['tls: failed to find any PEM data in certificate input']);
  assert.deepEqual(warnings(pemCertificate, pemCertificate), ['tls: found a certificate rather than a key in the PEM for the private key']);
  const account = created(ServiceAccount, { metadata: { ...metadata, annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } });
  assert.deepEqual(warningsOf(ServiceAccount, account), ['metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets']);
  assert.deepEqual(warningsOf(ServiceAccount, account, account), []);
  check(Endpoints, [
    [{ subsets: [{ addresses: [{ ip: '169.254.0.1' }] }] }, 'subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
    [{ subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { port: 2, name: 'b' }] }] }, 'subsets[0].ports[0].name: Required value'],
  ]);
  check(Namespace, [[{ spec: { finalizers: ['odd'] } }, 'spec.finalizers: Invalid value: "odd": name is neither a standard finalizer name nor is it fully qualified']]);
  check(ReplicationController, [[{ spec: { template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }], activeDeadlineSeconds: 1 } } } }, 'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported']]);
});

test('of a node the address range and the provider stay', () => {
  const node = (spec: Fields, status: Fields = {}): Node => given(Node, { metadata: { name: 'n' }, spec, status });
  assert.deepEqual(errorsOf(Node, node({ taints: [{ key: 'k', effect: 'NoSchedule' }, { key: 'k', effect: 'NoSchedule' }] })), ['metadata.taints[1]: Duplicate value: {"key":"k","effect":"NoSchedule"}: taints must be unique by key and effect pair']);
  assert.deepEqual(node({ podCIDR: '10.0.0.0/24', podCIDRs: ['10.1.0.0/24'] }).spec.podCIDRs, ['10.0.0.0/24']);
  assert.deepEqual(updateErrorsOf(Node, node({ providerID: 'b' }), node({ providerID: 'a' })), ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid']);
  assert.deepEqual(statusErrorsOf(Node, node({}, { addresses: [{ type: 'Hostname', address: 'n' }, { type: 'Hostname', address: 'n' }] })), ['status.addresses[1]: Duplicate value: {"Type":"Hostname","Address":"n"}']);
});
