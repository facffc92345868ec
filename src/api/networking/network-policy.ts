import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, intOrString, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';

export const NetworkPolicyPort = struct('io.k8s.api.networking.v1.NetworkPolicyPort', {
  protocol: oneOf(1, ['TCP', 'UDP', 'SCTP'], { pointer: true }),
  port: intOrString(2, { pointer: true }),
  endPort: int32(3, { pointer: true }),
});
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const IPBlock = struct('io.k8s.api.networking.v1.IPBlock', {
  cidr: string(1, { required: true }),
  except: list(2, 'string', { listType: 'atomic' }),
});
export interface IPBlock extends Infer<typeof IPBlock> {}

export const NetworkPolicyPeer = struct('io.k8s.api.networking.v1.NetworkPolicyPeer', {
  podSelector: pointer(1, LabelSelector),
  namespaceSelector: pointer(2, LabelSelector),
  ipBlock: pointer(3, IPBlock),
});
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyIngressRule = struct('io.k8s.api.networking.v1.NetworkPolicyIngressRule', {
  ports: list(1, NetworkPolicyPort, { listType: 'atomic' }),
  from: list(2, NetworkPolicyPeer, { listType: 'atomic' }),
});
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicyEgressRule = struct('io.k8s.api.networking.v1.NetworkPolicyEgressRule', {
  ports: list(1, NetworkPolicyPort, { listType: 'atomic' }),
  to: list(2, NetworkPolicyPeer, { listType: 'atomic' }),
});
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicySpec = struct('io.k8s.api.networking.v1.NetworkPolicySpec', {
  podSelector: object(1, LabelSelector),
  ingress: list(2, NetworkPolicyIngressRule, { listType: 'atomic' }),
  egress: list(3, NetworkPolicyEgressRule, { listType: 'atomic' }),
  policyTypes: list(4, 'string', { listType: 'atomic' }),
});
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const NetworkPolicy = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, NetworkPolicySpec),
  },
});
export interface NetworkPolicy extends Infer<typeof NetworkPolicy> {}
