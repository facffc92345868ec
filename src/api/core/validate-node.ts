/** Rules on nodes. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { ipFamily, validateCidr } from '#apimachinery/ip.ts';
import { labelValue, qualifiedName } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { NodeSpec, NodeStatus } from './node.ts';
import type { Taint } from './scheduling.ts';

type Node = Parts<NodeSpec, NodeStatus>;

export function* validateNode({ spec }: Node): Iterable<FieldError> {
  yield* validateTaints(spec.taints ?? [], 'spec.taints');
  const ranges = spec.podCIDRs ?? [];
  for (const [index, range] of ranges.entries()) yield* validateCidr(range, `spec.podCIDRs[${index}]`);
  if (ranges.length > 0 && spec.podCIDR !== undefined && spec.podCIDR !== ranges[0]) {
    yield invalidValue('spec.podCIDRs', ranges, 'first value must match `podCIDR`');
  }
  const families = new Set(ranges.map((range) => ipFamily(range.split('/')[0] ?? '')));
  if (ranges.length > 2 || families.size !== ranges.length) yield invalidValue('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
}

function* validateTaints(taints: readonly Taint[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const at = `${path}[${index}]`;
    if (taint.key !== '') for (const message of qualifiedName(taint.key)) yield invalidValue(`${at}.key`, taint.key, message);
    const wrong = labelValue(taint.value ?? '');
    if (wrong.length > 0) yield invalidValue(`${at}.value`, taint.value, wrong.join(';'));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) yield { ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' };
    seen.add(pair);
  }
}

export function* validateNodeUpdate({ spec }: Node, { spec: old }: Node): Iterable<FieldError> {
  // An address range is given once: pods on the node have addresses from it.
  if ((old.podCIDRs ?? []).length > 0 && !saysTheSame(spec.podCIDRs, old.podCIDRs)) {
    yield forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
  }
  if (old.providerID !== undefined && spec.providerID !== old.providerID) {
    yield forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
}
