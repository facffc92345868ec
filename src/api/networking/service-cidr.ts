import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition } from '#apimachinery/condition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { required, tooMany } from '#apimachinery/field-error.ts';
import { validateCidr } from '#apimachinery/ip.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
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

function* validateRanges({ spec: { cidrs = [] } }: Parted): Iterable<FieldError> {
  if (cidrs.length === 0) yield required('spec.cidrs', 'at least one CIDR required');
  if (cidrs.length > 2) yield tooMany('spec.cidrs', cidrs.length, 2);
  for (const [index, range] of cidrs.entries()) yield* validateCidr(range, `spec.cidrs[${index}]`);
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
  validateUpdate: [immutableFields('spec.cidrs')],
  columns: [nameColumn, column<Parted>('CIDRs', ({ spec }) => (spec.cidrs ?? []).join(',')), ageColumn],
});
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}
