import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition } from '#apimachinery/condition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { validateExactCidr } from '#apimachinery/ip.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, struct } from '#apimachinery/schema.ts';

export const ServiceCIDRSpec = struct('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: list(1, 'string', { listType: 'atomic' }),
});
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = struct('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: list(1, Condition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

type Parted = Parts<ServiceCIDRSpec, ServiceCIDRStatus>;

function* validateRanges({ spec }: Parted): Iterable<FieldError> {
  const { cidrs = [] } = spec;
  if (cidrs.length === 0) return yield required('spec.cidrs', 'at least one CIDR required');
  if (cidrs.length > 2) return yield invalidValue('spec.cidrs', spec, 'may only hold up to 2 values');
  const [first = '', second] = cidrs;
  if (second !== undefined && first.includes(':') === second.includes(':')) {
    return yield invalidValue('spec.cidrs', spec, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64');
  }
  for (const [index, range] of cidrs.entries()) yield* validateExactCidr(range, `spec.cidrs[${index}]`);
}

/** Addresses are taken from the ranges, so these stay; but a second family may come to the first. */
function* validateChange({ spec: { cidrs = [] } }: Parted, { spec: { cidrs: old = [] } }: Parted): Iterable<FieldError> {
  const immutable = 'field is immutable';
  if (cidrs.length !== old.length && !(old.length === 1 && cidrs.length === 2)) return yield invalidValue('spec.cidrs', cidrs, immutable);
  for (const [index, range] of old.entries()) if (cidrs[index] !== range) yield invalidValue(`spec.cidrs[${index}]`, cidrs[index], immutable);
}

export const ServiceCIDR = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  scope: 'Cluster',
  fields: {
    spec: object(2, ServiceCIDRSpec),
    status: object(3, ServiceCIDRStatus),
  },
  subresources: [status()],
  strategy: { generation: false },
  validate: [validateRanges],
  validateUpdate: [validateChange],
  columns: [nameColumn, column<Parted>('CIDRs', ({ spec }) => (spec.cidrs ?? []).join(',')), ageColumn],
});
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}
