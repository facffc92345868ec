/** Rules on nodes. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { ipFamily, validateCidr } from '#apimachinery/ip.ts';
import { labelValue, qualifiedName } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { NodeSpec, NodeStatus } from './node.ts';
import type { Taint } from './scheduling.ts';
import { validateAmount } from './validate-resources.ts';

type Node = Parts<NodeSpec, NodeStatus>;

export function* validateNode({ spec, status }: Node): Iterable<FieldError> {
  // They were annotations once, and are still said to be part of the metadata.
  yield* validateTaints(spec.taints ?? [], 'metadata.taints');
  yield* validateAmounts(status);
  const ranges = spec.podCIDRs ?? [];
  for (const [index, range] of ranges.entries()) yield* validateCidr(range, `spec.podCIDRs[${index}]`);
  const families = new Set(ranges.map((range) => ipFamily(range.split('/')[0] ?? '')));
  if (ranges.length > 2 || families.size !== ranges.length) yield invalidValue('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
  for (const [index, range] of ranges.entries()) if (ranges.indexOf(range) < index) yield duplicate(`spec.podCIDRs[${index}]`, range);
}

function* validateAmounts(status: NodeStatus): Iterable<FieldError> {
  for (const part of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status[part] ?? {})) yield* validateAmount(name, amount, `status.${part}.${name}`);
  }
}

function* validateTaints(taints: readonly Taint[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const at = `${path}[${index}]`;
    for (const message of qualifiedName(taint.key)) yield invalidValue(`${at}.key`, taint.key, message);
    const wrong = labelValue(taint.value ?? '');
    if (wrong.length > 0) yield invalidValue(`${at}.value`, taint.value, wrong.join(';'));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) yield { ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' };
    seen.add(pair);
  }
}

export function* validateNodeUpdate({ spec, status }: Node, { spec: old }: Node): Iterable<FieldError> {
  const addresses = new Set<string>();
  for (const [index, { address, type }] of (status.addresses ?? []).entries()) {
    const key = `${type} ${address}`;
    if (addresses.has(key)) yield duplicate(`status.addresses[${index}]`, { Type: type, Address: address });
    addresses.add(key);
  }
  // An address range is given once: pods on the node have addresses from it.
  if ((old.podCIDRs ?? []).length > 0 && !saysTheSame(spec.podCIDRs, old.podCIDRs)) {
    yield forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
  }
  if ((old.providerID ?? '') !== '' && spec.providerID !== old.providerID) {
    yield forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
  if ((spec.externalID ?? '') !== (old.externalID ?? '')) yield forbiddenField('spec.externalID', 'may not be updated');
}

/** The same holds for the writer of the status, who may say nothing odd of the node's resources. */
export function* validateNodeStatusUpdate(node: Node, old: Node): Iterable<FieldError> {
  yield* validateAmounts(node.status);
  yield* validateNodeUpdate(node, old);
}
