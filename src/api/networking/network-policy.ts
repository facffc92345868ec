import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { parseRange } from '#apimachinery/ip-range.ts';
import { cidrWarnings, validateCidr } from '#apimachinery/ip.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { portNumber } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, intOrString, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import { formatSelector } from '../core/template-columns.ts';
import { validatePortReference } from '../core/validate-probe.ts';

export const NetworkPolicyPort = struct('io.k8s.api.networking.v1.NetworkPolicyPort', {
  protocol: oneOf(1, ['TCP', 'UDP', 'SCTP'], { pointer: true, default: 'TCP' }),
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

function* validatePolicy({ spec }: SpecPart<NetworkPolicySpec>): Iterable<FieldError> {
  yield* validateLabelSelector('spec.podSelector', spec.podSelector);
  for (const [index, rule] of (spec.ingress ?? []).entries()) yield* validateRule(rule.ports ?? [], rule.from ?? [], `spec.ingress[${index}]`, 'from');
  for (const [index, rule] of (spec.egress ?? []).entries()) yield* validateRule(rule.ports ?? [], rule.to ?? [], `spec.egress[${index}]`, 'to');
  const types = spec.policyTypes ?? [];
  if (types.length > 2) return yield invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes');
  for (const [index, type] of types.entries()) {
    if (type !== 'Ingress' && type !== 'Egress') yield notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress']);
  }
}

function* validateRule(ports: readonly NetworkPolicyPort[], peers: readonly NetworkPolicyPeer[], path: string, direction: string): Iterable<FieldError> {
  for (const [index, { port, endPort }] of ports.entries()) {
    const at = `${path}.ports[${index}]`;
    if (port !== undefined) yield* validatePortReference(port, `${at}.port`);
    if (endPort === undefined) continue;
    if (typeof port === 'string') yield invalidValue(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    else if (port === undefined) yield invalidValue(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified');
    else {
      if (endPort < port) yield invalidValue(`${at}.endPort`, port, 'must be greater than or equal to `port`');
      for (const message of portNumber(endPort)) yield invalidValue(`${at}.endPort`, endPort, message);
    }
  }
  for (const [index, peer] of peers.entries()) yield* validatePeer(peer, `${path}.${direction}[${index}]`);
}

function* validatePeer({ ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer, path: string): Iterable<FieldError> {
  yield* validateLabelSelector(`${path}.podSelector`, podSelector);
  yield* validateLabelSelector(`${path}.namespaceSelector`, namespaceSelector);
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (ipBlock === undefined && !selects) yield required(path, 'must specify a peer');
  if (ipBlock === undefined) return;
  if (selects) yield forbiddenField(path, 'may not specify both ipBlock and another peer');
  yield* validateBlock(ipBlock, `${path}.ipBlock`);
}

function* validateBlock({ cidr, except = [] }: IPBlock, path: string): Iterable<FieldError> {
  if (cidr === '') return;
  yield* validateCidr(cidr, `${path}.cidr`);
  const whole = parseRange(cidr);
  if (whole === undefined) return;
  for (const [index, range] of except.entries()) {
    const at = `${path}.except[${index}]`;
    yield* validateCidr(range, at);
    const part = parseRange(range);
    if (part !== undefined && !isPart(part, whole)) yield invalidValue(at, range, 'must be a strict subset of `cidr`');
  }
}

/** Whether `part` is inside `whole`, and smaller. */
function isPart(part: AddressRange, whole: AddressRange): boolean {
  const size = 1n << BigInt((whole.family === 'IPv4' ? 32 : 128) - whole.bits);
  return part.family === whole.family && part.bits > whole.bits && part.network >= whole.network && part.network < whole.network + size;
}

function* warnOfBlocks({ spec }: SpecPart<NetworkPolicySpec>): Iterable<string> {
  const peers = [
    ...(spec.ingress ?? []).map(({ from = [] }, index) => [from, `spec.ingress[${index}].from`] as const),
    ...(spec.egress ?? []).map(({ to = [] }, index) => [to, `spec.egress[${index}].to`] as const),
  ];
  for (const [all, path] of peers) {
    for (const [index, { ipBlock }] of all.entries()) {
      if (ipBlock === undefined) continue;
      yield* cidrWarnings(ipBlock.cidr, `${path}[${index}].ipBlock.cidr`);
      for (const [position, range] of (ipBlock.except ?? []).entries()) yield* cidrWarnings(range, `${path}[${index}].ipBlock.except[${position}]`);
    }
  }
}

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
  strategy: { warnings: warnOfBlocks },
  // A policy that speaks of egress isolates that way, too; every policy isolates ingress.
  defaults: ({ spec }) => {
    spec.policyTypes ??= spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'];
  },
  validate: [validatePolicy],
  columns: [nameColumn, column<SpecPart<NetworkPolicySpec>>('Pod-Selector', ({ spec }) => formatSelector(spec.podSelector)), ageColumn],
});
export interface NetworkPolicy extends Infer<typeof NetworkPolicy> {}
