import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { HorizontalPodAutoscaler } from './autoscaling/horizontal-pod-autoscaler.ts';
import { created, createErrorsOf, given, statusErrorsOf, updated, updateErrorsOf, warningsOf } from './kind-probe.ts';
import { IngressClass } from './networking/ingress-class.ts';
import { Ingress } from './networking/ingress.ts';
import { NetworkPolicy } from './networking/network-policy.ts';
import { PodDisruptionBudget } from './policy/pod-disruption-budget.ts';
import { CSIDriver } from './storage/csi-driver.ts';
import { CSINode } from './storage/csi-node.ts';
import { StorageClass } from './storage/storage-class.ts';
import { VolumeAttachment } from './storage/volume-attachment.ts';
import { VolumeAttributesClass } from './storage/volume-attributes-class.ts';

type Fields = Readonly<Record<string, unknown>>;
const metadata = { name: 'a', namespace: 'default' };

function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [fields, ...errors] of table) assert.deepEqual(createErrorsOf(kind, created(kind, { metadata, ...fields })), errors, JSON.stringify(fields));
}

const service = { service: { name: 's', port: { number: 80 } } };

test('what is refused in ingresses and their classes', () => {
  const path = (fields: Fields): Fields => ({ spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: service, ...fields }] } }] } });
  const at = 'spec.rules[0].http.paths[0]';
  check(Ingress, [
    [path({})],
    [path({ pathType: undefined }), `${at}.pathType: Required value: pathType must be specified`],
    [path({ path: '/a//b' }), `${at}.path: Invalid value: "/a//b": must not contain '//'`],
    [path({ backend: {} }), `${at}.backend: Invalid value: "": resource or service backend is required`],
    [path({ backend: { service: { name: 's', port: {} } } }), `${at}.backend: Required value: port name or number is required`],
    [{ spec: { defaultBackend: service, ingressClassName: 'x' }, metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'y' } } }, 'annotations.kubernetes.io/ingress.class: Invalid value: "y": must match `ingressClassName` when both are specified'],
  ]);
  assert.deepEqual(warningsOf(Ingress, created(Ingress, { metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'y' } }, ...path({}) })), [
    'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
  ]);
  check(IngressClass, [
    [{ spec: { controller: 'example.com/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace', namespace: 'x' } } }],
    [{ spec: { controller: 'c' } }, 'spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")'],
    [{ spec: { controller: 'example.com/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace' } } }, "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  ]);
});

test('what is refused in a network policy', () => {
  const rule = (ports: readonly Fields[], from: readonly Fields[] = []): Fields => ({ spec: { ingress: [{ ports, from }] } });
  check(NetworkPolicy, [
    [rule([{ port: 80, endPort: 70 }]), 'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`'],
    [rule([], [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }]), 'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`'],
    [rule([], [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }])],
    [{ spec: { policyTypes: ['Sideways'] } }, 'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"'],
  ]);
});

test('what is refused in an autoscaler', () => {
  const metric = (fields: Fields): Fields => ({ spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3, metrics: [fields] } });
  const at = 'spec.metrics[0]';
  check(HorizontalPodAutoscaler, [
    [metric({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } })],
    [metric({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Value', value: '1' } } }), `${at}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`],
    [metric({ type: 'Pods', object: { describedObject: { kind: 'K', name: 'n' }, metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }), `${at}.pods: Required value: must populate information for the given metric source`],
    [metric({ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '0' } } }), `${at}.external.target.value: Invalid value: "0": must be positive`],
  ]);
  const carried = given(HorizontalPodAutoscaler, { metadata: { ...metadata, annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '[]', x: 'y' } }, ...metric({ type: 'Pods' }) });
  assert.deepEqual(carried.metadata.annotations, { x: 'y' });
});

test('what is refused in storage', () => {
  check(StorageClass, [
    [{ provisioner: 'p', reclaimPolicy: 'Recycle' }, 'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    [{ provisioner: 'p', allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] }] }, 'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"'],
  ]);
  check(VolumeAttributesClass, [[{ driverName: 'd' }, 'parameters: Required value: must contain at least one key/value pair']]);
  check(CSIDriver, [
    [{ spec: { tokenRequests: [{ audience: 'a' }, { audience: 'a' }] } }, 'spec.tokenRequests[1].audience: Duplicate value: "a"'],
    [{ spec: { nodeAllocatableUpdatePeriodSeconds: 5 } }, 'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 5: must be greater than or equal to 10 seconds'],
  ]);
  assert.equal(created(CSIDriver, { metadata, spec: { preventPodSchedulingIfMissing: true } }).spec.preventPodSchedulingIfMissing, undefined);
  const [driver, noisy] = [created(CSIDriver, { metadata, spec: {} }), { metadata, spec: { requiresRepublish: true } }];
  assert.deepEqual([driver, updated(CSIDriver, driver, { metadata, spec: {} }), updated(CSIDriver, driver, noisy)].map((each) => each.metadata.generation), [undefined, undefined, 1]);
  check(CSINode, [[{ spec: { drivers: [{ name: 'd', nodeID: 'n', topologyKeys: ['k', 'k'] }] } }, 'spec.drivers[0]: Duplicate value: "k"']]);
  check(VolumeAttachment, [
    [{ spec: { attacher: 'd', nodeName: 'n', source: {} } }, 'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    [{ spec: { attacher: 'd', nodeName: 'n', source: { inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } } } }, 'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes'],
  ]);
  const [one, other] = ['1', '2'].map((value) => created(VolumeAttributesClass, { metadata, driverName: 'd', parameters: { value } }));
  assert.ok(one !== undefined && other !== undefined);
  assert.deepEqual(updateErrorsOf(VolumeAttributesClass, one, other), ['parameters: Forbidden: updates to parameters are forbidden.']);
});

test('what a controller may not say of a budget', () => {
  const budget = given(PodDisruptionBudget, { metadata, spec: {}, status: { expectedPods: -1, conditions: [{ type: 'DisruptionAllowed', status: 'Maybe', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'a b', message: '' }] } });
  assert.deepEqual(statusErrorsOf(PodDisruptionBudget, budget).map((text) => text.slice(0, 60)), [
    'status.conditions[0].status: Unsupported value: "Maybe": sup', 'status.conditions[0].reason: Invalid value: "a b": a conditi', 'status.expectedPods: Invalid value: -1: must be greater than',
  ]);
});
