import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { Role } from '#api/rbac/role.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { defaultRoles } from './default-objects.ts';
import type { RoleOrBinding } from './reconcile-role.ts';

const spec = new URL('../../../../shared/spec/rbac/', import.meta.url);
const skip = existsSync(spec) ? false : 'the reference data ../shared/spec/rbac is not here';

const files: readonly (readonly [ResourceKind, readonly string[]])[] = [
  [ClusterRole, ['cluster-roles', 'controller-roles']],
  [ClusterRoleBinding, ['cluster-role-bindings', 'controller-role-bindings']],
  [Role, ['namespace-roles']],
  [RoleBinding, ['namespace-role-bindings']],
] as unknown as readonly (readonly [ResourceKind, readonly string[]])[];

describe('the default roles are those of Kubernetes v1.36', () => {
  for (const [kind, names] of files) {
    it(`every ${kind.kind} is there and says the same`, { skip }, () => {
      const theirs = names.flatMap((name) => (parse(readFileSync(new URL(`${name}.yaml`, spec), 'utf8')) as { items: RoleOrBinding[] }).items);
      const ours = defaultRoles.filter((each) => each.kind === kind).map((each) => each.object as RoleOrBinding);
      assert.deepEqual(table(ours), table(theirs));
    });
  }
});

/** By namespace and name, everything in one order, so that only the content counts. */
function table(objects: readonly RoleOrBinding[]): Record<string, object> {
  const sorted = objects.map(({ metadata, rules, aggregationRule, roleRef, subjects }) => {
    const { name, namespace = '', labels, annotations } = metadata;
    return [`${namespace}/${name}`, {
      labels: { ...labels }, annotations: { ...annotations }, aggregationRule, roleRef,
      rules: (rules ?? []).map(ruleText).sort(),
      subjects: (subjects ?? []).map((each) => JSON.stringify(each, ['kind', 'apiGroup', 'namespace', 'name'])).sort(),
    }] as const;
  });
  return Object.fromEntries(sorted.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function ruleText({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  return [verbs, apiGroups, resources, resourceNames, nonResourceURLs].map((list) => [...(list ?? [])].sort().join(' ')).join(' | ');
}
