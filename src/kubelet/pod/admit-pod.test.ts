import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Given } from '#apimachinery/resource.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import { Node } from '#api/core/node.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import { admitPod } from './admit-pod.ts';
import type { AdmissionView } from './admit-pod.ts';
import { podOf } from './pod.fixture.ts';

const allocatable = { cpu: '2', memory: '1Gi', 'ephemeral-storage': '10Gi', pods: '3', 'example.com/dongle': '1' };
const node = (spec: Given<Node>['spec'] = {}, labels: Record<string, string> = { zone: 'a' }): Node =>
  decodeObject<Node>(Node, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels, creationTimestamp: '2026-01-01T00:00:00Z' }, spec, status: {} });
const asking = (requests: Record<string, string>, more: Given<PodSpec> = {}) => podOf({ containers: [{ name: 'a', image: 'x', resources: { requests } }], ...more });

function refusal(spec: Given<PodSpec>, more: Partial<AdmissionView> = {}): string | undefined {
  const verdict = admitPod({ pod: podOf({ containers: [{ name: 'a', image: 'x' }], ...spec }), node: node(), allocatable, others: [], isStatic: false, allowedUnsafeSysctls: [], ...more });
  return verdict === undefined ? undefined : `${verdict.reason}: ${verdict.message}`;
}

test('a pod that fits is taken', () => {
  assert.equal(refusal({ nodeSelector: { zone: 'a' }, containers: [{ name: 'a', image: 'x', resources: { requests: { cpu: '2', memory: '1Gi' } }, ports: [{ containerPort: 80, hostPort: 80 }] }] }), undefined);
});

test('what others have is not there any more, and the numbers are told', () => {
  assert.equal(refusal({}, { pod: asking({ cpu: '1500m' }), others: [asking({ cpu: '1' })] }), 'OutOfcpu: Node didn\'t have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000');
  assert.equal(refusal({}, { pod: asking({ memory: '2Gi' }) }), 'OutOfmemory: Node didn\'t have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824');
  assert.equal(refusal({}, { others: [podOf({ containers: [] }), podOf({ containers: [] }), podOf({ containers: [] })] }), 'OutOfpods: Node didn\'t have enough resource: pods, requested: 1, used: 3, capacity: 3');
});

test('a resize counts as soon as it is asked for; one that can never be does not', () => {
  const resized = (reason: string) => podOf({ containers: [{ name: 'a', image: 'x', resources: { requests: { cpu: '2' } } }] }, {
    conditions: [{ type: 'PodResizePending', status: 'True', reason }],
    containerStatuses: [{ name: 'a', ready: true, restartCount: 0, image: 'x', imageID: '', allocatedResources: { cpu: '500m' }, resources: { requests: { cpu: '500m' } } }],
  });
  assert.match(refusal({}, { pod: asking({ cpu: '1' }), others: [resized('Deferred')] }) ?? '', /^OutOfcpu: .* used: 2000,/);
  assert.equal(refusal({}, { pod: asking({ cpu: '1' }), others: [resized('Infeasible')] }), undefined);
});

test('extended resources count when the node has them, else they are the cluster\'s', () => {
  assert.equal(refusal({}, { pod: asking({ 'example.com/dongle': '2' }) }), 'OutOfexample.com/dongle: Node didn\'t have enough resource: example.com/dongle, requested: 2, used: 0, capacity: 1');
  assert.equal(refusal({}, { pod: asking({ 'example.com/licence': '2' }) }), undefined);
});

test('a node that the pod does not want, and one whose ports are taken', () => {
  assert.equal(refusal({ nodeSelector: { zone: 'b' } }), 'NodeAffinity: Predicate NodeAffinity failed: node(s) didn\'t match Pod\'s node affinity/selector');
  const listening = (hostIP?: string): Given<PodSpec> => ({ containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 80, hostPort: 80, ...(hostIP !== undefined && { hostIP }) }] }] });
  assert.equal(refusal(listening(), { others: [podOf(listening('10.0.0.1'))] }), 'NodePorts: Predicate NodePorts failed: node(s) didn\'t have free ports for the requested pod ports');
  assert.equal(refusal(listening('10.0.0.2'), { others: [podOf(listening('10.0.0.1'))] }), undefined);
});

test('taints keep pods away only when they would drive them off, and never static ones', () => {
  const tainted = (effect: 'NoExecute' | 'NoSchedule') => node({ taints: [{ key: 'k', value: 'v', effect }] });
  assert.equal(refusal({}, { node: tainted('NoExecute') }), 'TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn\'t tolerate');
  assert.equal(refusal({}, { node: tainted('NoSchedule') }), undefined);
  assert.equal(refusal({ tolerations: [{ operator: 'Exists' }] }, { node: tainted('NoExecute') }), undefined);
  assert.equal(refusal({}, { node: tainted('NoExecute'), isStatic: true }), undefined);
});

test('a pod of another operating system', () => {
  assert.equal(refusal({ os: { name: 'windows' } }), 'PodOSNotSupported: Failed to admit pod as the OS field doesn\'t match node OS');
});

test('kernel parameters: safe ones, ones that are allowed, ones of the node\'s own namespaces', () => {
  const setting = (name: string, more: Given<PodSpec> = {}): Given<PodSpec> => ({ ...more, securityContext: { sysctls: [{ name, value: '1' }] } });
  assert.equal(refusal(setting('net.ipv4.tcp_syncookies')), undefined);
  assert.equal(refusal(setting('kernel.msgmax')), 'SysctlForbidden: forbidden sysctl: "kernel.msgmax" not allowlisted');
  assert.equal(refusal(setting('kernel.msgmax'), { allowedUnsafeSysctls: ['kernel.msg*'] }), undefined);
  assert.equal(refusal(setting('net.ipv4.tcp_syncookies', { hostNetwork: true })), 'SysctlForbidden: forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled');
});
