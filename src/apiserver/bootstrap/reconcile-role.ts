/**
 * What a start adds to default roles and bindings that are there already: what newer versions of them allow more, and
 * what somebody took out. Pure.
 * Source: Kubernetes documentation, "Using RBAC Authorization: auto-reconciliation".
 */
import type { ClusterRole } from '#api/rbac/cluster-role.ts';
import type { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import type { Subject } from '#api/rbac/subject.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { missingRules } from '../authz/rule-cover.ts';

export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

/** Of any of the four kinds. */
export type RoleOrBinding = KubeObject & Partial<Pick<ClusterRole, 'rules' | 'aggregationRule'>> & Partial<Pick<ClusterRoleBinding, 'subjects' | 'roleRef'>>;

/** What the object lacks, as the fields to write; undefined when it lacks nothing or is not to be touched. */
export function planReconciliation(found: RoleOrBinding, wanted: RoleOrBinding): Partial<RoleOrBinding> | undefined {
  if (found.metadata.annotations?.[autoUpdate] !== 'true') return undefined;
  const labels = { ...wanted.metadata.labels, ...found.metadata.labels };
  const annotations = { ...wanted.metadata.annotations, ...found.metadata.annotations };
  const plan = {
    metadata: { ...found.metadata, labels, annotations },
    // The rules of an aggregated role are put together from others.
    ...(wanted.rules !== undefined && wanted.aggregationRule === undefined && { rules: completedRules(found.rules ?? [], wanted.rules ?? []) }),
    ...(wanted.aggregationRule !== undefined && { aggregationRule: wanted.aggregationRule }),
    ...(wanted.roleRef !== undefined && { roleRef: wanted.roleRef, subjects: completedSubjects(found.subjects ?? [], wanted.subjects ?? []) }),
  };
  const isComplete = Object.entries(plan).every(([field, value]) => saysTheSame(value, found[field as keyof RoleOrBinding]));
  return isComplete ? undefined : plan;
}

function completedRules(found: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  const missing = missingRules(found, wanted);
  return missing.length === 0 ? found : [...found, ...missing];
}

function completedSubjects(found: readonly Subject[], wanted: readonly Subject[]): readonly Subject[] {
  const missing = wanted.filter((each) => !found.some((other) => other.kind === each.kind && other.name === each.name && (other.namespace ?? '') === (each.namespace ?? '')));
  return missing.length === 0 ? found : [...found, ...missing];
}
