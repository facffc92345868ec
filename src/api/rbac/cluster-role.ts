import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, pointer, struct } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';

export const PolicyRule = struct('io.k8s.api.rbac.v1.PolicyRule', {
  verbs: list(1, 'string', { required: true, listType: 'atomic' }),
  apiGroups: list(2, 'string', { listType: 'atomic' }),
  resources: list(3, 'string', { listType: 'atomic' }),
  resourceNames: list(4, 'string', { listType: 'atomic' }),
  nonResourceURLs: list(5, 'string', { listType: 'atomic' }),
});
export interface PolicyRule extends Infer<typeof PolicyRule> {}

export const AggregationRule = struct('io.k8s.api.rbac.v1.AggregationRule', {
  clusterRoleSelectors: list(1, LabelSelector, { listType: 'atomic' }),
});
export interface AggregationRule extends Infer<typeof AggregationRule> {}

export const ClusterRole = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
  fields: {
    rules: list(2, PolicyRule, { always: true, listType: 'atomic' }),
    aggregationRule: pointer(3, AggregationRule),
  },
});
export interface ClusterRole extends Infer<typeof ClusterRole> {}
