import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';

export const ScopedResourceSelectorRequirement = struct('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: oneOf(1, ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity', 'VolumeAttributesClass'], { required: true }),
  operator: oneOf(2, ['In', 'NotIn', 'Exists', 'DoesNotExist'], { required: true }),
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
});
export interface ResourceQuota extends Infer<typeof ResourceQuota> {}
