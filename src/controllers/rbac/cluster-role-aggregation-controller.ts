/** Gives aggregated ClusterRoles the rules of all that their selectors match. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { matchesLabels } from '#apimachinery/selector.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { done, watch } from '#reconcile/controller.ts';
import { queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';

/** The rules of the roles that `role` aggregates, each once, in the order of the roles' names. Pure. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] {
  const rules: PolicyRule[] = [];
  const ordered = all.toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const query = queryOf(selector);
    for (const other of ordered) {
      if (other.metadata.name === role.metadata.name || !matchesLabels(query, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => saysTheSame(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** Whether both lists allow the same: their order says nothing. */
function sameRules(left: readonly PolicyRule[], right: readonly PolicyRule[]): boolean {
  return left.length === right.length && left.every((rule) => right.some((other) => saysTheSame(rule, other)));
}

export const clusterRoleAggregationController = defineController<ClusterRole>({
  name: 'clusterrole-aggregation-controller',
  for: ClusterRole,
  watches: [watch(ClusterRole, (_, lister) => lister.list(ClusterRole).filter(({ aggregationRule }) => aggregationRule !== undefined).map(({ metadata }) => metadata.name))],

  async reconcile(key, { lister, client, signal }) {
    const role = lister.get(ClusterRole, key);
    if (role?.aggregationRule === undefined || role.metadata.deletionTimestamp !== undefined) return done;
    const rules = aggregatedRules(role, lister.list(ClusterRole));
    if (!sameRules(rules, role.rules ?? [])) await client.update(ClusterRole, { ...role, rules }, { signal });
    return done;
  },
});
