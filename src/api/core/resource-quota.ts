import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from './validate-quota.ts';

export const ScopedResourceSelectorRequirement = struct('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: oneOf(1, ['BestEffort', 'CrossNamespacePodAffinity', 'NotBestEffort', 'NotTerminating', 'PriorityClass', 'Terminating', 'VolumeAttributesClass'], { required: true, mayBeEmpty: true, worded: true }),
  operator: oneOf(2, ['DoesNotExist', 'Exists', 'In', 'NotIn'], { required: true, mayBeEmpty: true, worded: true }),
  values: list(3, 'string', { listType: 'atomic' }),
});
export interface ScopedResourceSelectorRequirement extends Infer<typeof ScopedResourceSelectorRequirement> {}

export const ScopeSelector = struct('io.k8s.api.core.v1.ScopeSelector', {
  matchExpressions: list(1, ScopedResourceSelectorRequirement, { listType: 'atomic' }),
}, { atomic: true });
export interface ScopeSelector extends Infer<typeof ScopeSelector> {}

export const ResourceQuotaSpec = struct('io.k8s.api.core.v1.ResourceQuotaSpec', {
  hard: map(1, 'quantity'),
  scopes: list(2, 'string', { listType: 'atomic' }),
  scopeSelector: pointer(3, ScopeSelector),
});
export interface ResourceQuotaSpec extends Infer<typeof ResourceQuotaSpec> {}

export const ResourceQuotaStatus = struct('io.k8s.api.core.v1.ResourceQuotaStatus', {
  hard: map(1, 'quantity'),
  used: map(2, 'quantity'),
});
export interface ResourceQuotaStatus extends Infer<typeof ResourceQuotaStatus> {}

type Parted = Parts<ResourceQuotaSpec, ResourceQuotaStatus>;

/** `pods: 3/10, requests.cpu: 1/4`: limits in one column, everything else in the other. */
function showUse({ hard = {}, used = {} }: ResourceQuotaStatus, limits: boolean): string {
  const names = Object.keys(hard).filter((name) => name.startsWith('limits') === limits);
  return names.toSorted().map((name) => `${name}: ${used[name] ?? '0'}/${hard[name] ?? '0'}`).join(', ');
}

export const ResourceQuota = defineResource({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, ResourceQuotaSpec),
    status: object(3, ResourceQuotaStatus),
  },
  subresources: [status()],
  strategy: { generation: false },
  validate: [validateQuota],
  validateUpdate: [validateQuotaUpdate],
  validateStatusUpdate: [validateQuotaStatus],
  columns: [
    nameColumn,
    column<Parted>('Request', ({ status: now }) => showUse(now, false)),
    column<Parted>('Limit', ({ status: now }) => showUse(now, true)),
    ageColumn,
  ],
});
export interface ResourceQuota extends Infer<typeof ResourceQuota> {}
