import { createdAtColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, pointer, struct } from '#apimachinery/schema.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';

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

interface Rules {
  readonly rules: readonly PolicyRule[] | null;
  readonly aggregationRule?: AggregationRule | undefined;
}

/** `namespaced`: of a Role, which cannot speak of paths that belong to no namespace. */
export function* validateRules({ rules }: Rules, namespaced: boolean): Iterable<FieldError> {
  for (const [index, rule] of (rules ?? []).entries()) {
    const at = `rules[${index}]`;
    const { apiGroups = [], nonResourceURLs = [], resourceNames = [], resources = [], verbs } = rule;
    if (verbs.length === 0) yield required(`${at}.verbs`, 'verbs must contain at least one value');
    if (nonResourceURLs.length > 0) {
      if (namespaced) yield invalidValue(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
      if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
        yield invalidValue(`${at}.nonResourceURLs`, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
      }
      continue;
    }
    if (apiGroups.length === 0) yield required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    if (resources.length === 0) yield required(`${at}.resources`, 'resource rules must supply at least one resource');
  }
}

function* validateClusterRules(role: Rules): Iterable<FieldError> {
  yield* validateRules(role, false);
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (role.aggregationRule === undefined) return;
  if ((selectors ?? []).length === 0) yield required('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  for (const [index, selector] of (selectors ?? []).entries()) yield* validateLabelSelector(`aggregationRule.clusterRoleSelectors[${index}]`, selector);
}

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
  strategy: { name: 'path-segment', createOnUpdate: true },
  validate: [validateClusterRules],
  columns: [nameColumn, createdAtColumn],
});
export interface ClusterRole extends Infer<typeof ClusterRole> {}
