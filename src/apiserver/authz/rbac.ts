import type { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { ClusterRoleBinding as ClusterRoleBindings } from '#api/rbac/cluster-role-binding.ts';
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { Role } from '#api/rbac/role.ts';
import type { RoleBinding } from '#api/rbac/role-binding.ts';
import { RoleBinding as RoleBindings } from '#api/rbac/role-binding.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';

/** Members of this group may do everything, whatever roles say. */
export const masters: Authorizer = {
  name: 'system:masters',
  authorize({ user }) {
    return user.groups.includes('system:masters') ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: '' };
  },
};

/** Allows everything to everybody who says who they are, and to nobody else. For --authorization-mode=AlwaysAllow. */
export const alwaysAllow: Authorizer = { name: 'AlwaysAllow', authorize: () => ({ verdict: 'allow', reason: '' }) };
export const alwaysDeny: Authorizer = { name: 'AlwaysDeny', authorize: () => ({ verdict: 'no-opinion', reason: 'Everything is forbidden.' }) };

/**
 * Roles and bindings. It never denies; what no role allows is left to others.
 * Source: Kubernetes documentation, "Using RBAC Authorization".
 */
export function rbacAuthorizer(objects: ObjectReader): Authorizer {
  return {
    name: 'RBAC',
    authorize(attributes): Decision {
      for (const { rules, because } of rulesFor(objects, attributes.user, attributes.namespace)) {
        if (rules.some((rule) => ruleAllows(rule, attributes))) return { verdict: 'allow', reason: `RBAC: allowed by ${because}` };
      }
      return { verdict: 'no-opinion', reason: '' };
    },
  };
}

/** Every set of rules that holds for a user in a namespace ('' for the whole cluster), with where it comes from. */
export function* rulesFor(
  objects: ObjectReader, user: UserInfo, namespace: string,
): Generator<{ readonly rules: readonly PolicyRule[]; readonly because: string }> {
  for (const binding of objects.list(ClusterRoleBindings)) {
    const subject = matchingSubject(binding, user, '');
    if (subject === undefined) continue;
    const role = objects.get(ClusterRole, binding.roleRef.name);
    if (role?.rules === undefined) continue;
    yield { rules: role.rules, because: `ClusterRoleBinding "${binding.metadata.name}" of ClusterRole "${binding.roleRef.name}" to ${subject}` };
  }
  if (namespace === '') return;
  for (const binding of objects.list(RoleBindings, namespace)) {
    const subject = matchingSubject(binding, user, namespace);
    if (subject === undefined) continue;
    const { kind, name } = binding.roleRef;
    const rules = kind === 'ClusterRole' ? objects.get(ClusterRole, name)?.rules : objects.get(Role, name, namespace)?.rules;
    if (rules === undefined) continue;
    yield { rules, because: `RoleBinding "${binding.metadata.name}/${namespace}" of ${kind} "${name}" to ${subject}` };
  }
}

function matchingSubject(binding: ClusterRoleBinding | RoleBinding, user: UserInfo, namespace: string): string | undefined {
  for (const subject of binding.subjects ?? []) {
    switch (subject.kind) {
      case 'User':
        if (subject.name === user.name) return `User "${subject.name}"`;
        break;
      case 'Group':
        if (user.groups.includes(subject.name)) return `Group "${subject.name}"`;
        break;
      case 'ServiceAccount': {
        const where = (subject.namespace ?? '') === '' ? namespace : subject.namespace;
        if (user.name === `system:serviceaccount:${where}:${subject.name}`) return `ServiceAccount "${subject.name}/${where}"`;
        break;
      }
      default:
    }
  }
  return undefined;
}

/** Whether one rule covers a request. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!covers(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, attributes.path));
  const resource = attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  if (!covers(rule.apiGroups ?? [], attributes.group)) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && !names.includes(attributes.name)) return false;
  return (rule.resources ?? []).some((each) => each === '*' || each === resource || (attributes.subresource !== '' && each === `*/${attributes.subresource}`));
}

function covers(given: readonly string[], wanted: string): boolean {
  return given.includes('*') || given.includes(wanted);
}

function urlCovers(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
