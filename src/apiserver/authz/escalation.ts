/**
 * Nobody gives rights away that they do not have: writers of roles must hold every right in them, or the verb
 * `escalate`; writers of bindings every right of the role, or the verb `bind` on it.
 * Source: Kubernetes documentation, "Using RBAC Authorization: privilege escalation prevention and bootstrapping".
 */
import type { ClusterRole as ClusterRoleObject, PolicyRule } from '#api/rbac/cluster-role.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import type { ClusterRoleBinding as ClusterRoleBindingObject } from '#api/rbac/cluster-role-binding.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { Role } from '#api/rbac/role.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import { forbidden, internalError, notFound } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Authorizer } from './authorizer.ts';
import { decideFully } from './authorizer.ts';
import type { RbacRules } from './rbac.ts';
import { describeRule, missingRules, quotedList } from './rule-cover.ts';

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Runs among the admission plugins, so that patches, applies and creations by PUT are looked at like everything else. */
export function escalationCheck({ authorizers, rbac }: { readonly authorizers: readonly Authorizer[]; readonly rbac: RbacRules }): AdmissionPlugin {
  const may = async (request: AdmissionRequest, verb: string, target: { readonly resource: string; readonly name: string; readonly namespace: string }): Promise<boolean> =>
    (await decideFully(authorizers, { user: request.user, verb, isResource: true, path: '', group: 'rbac.authorization.k8s.io', version: 'v1', subresource: '', ...target })).verdict === 'allow';

  const checkRole = async (request: AdmissionRequest): Promise<void> => {
    const { kind, namespace, user } = request;
    const role = request.object as unknown as ClusterRoleObject;
    const old = request.old as ClusterRoleObject | undefined;
    // Who leaves the rules as they are gives nothing away.
    if (old !== undefined && saysTheSame(old.rules, role.rules) && saysTheSame(old.aggregationRule, role.aggregationRule)) return;
    if (await may(request, 'escalate', { resource: kind.plural, name: role.metadata.name, namespace })) return;
    if (old?.aggregationRule !== undefined || role.aggregationRule !== undefined) {
      if (missingRules(heldRules(rbac, user, ''), everything).length > 0) throw forbidden(kind, role.metadata.name, 'must have cluster-admin privileges to use an aggregationRule');
    }
    confirm(request, rbac, role.rules ?? []);
  };

  const checkBinding = async (request: AdmissionRequest): Promise<void> => {
    const { kind, namespace } = request;
    const binding = request.object as unknown as ClusterRoleBindingObject;
    const old = request.old as ClusterRoleBindingObject | undefined;
    if (old !== undefined && saysTheSame(old.roleRef, binding.roleRef) && saysTheSame(old.subjects, binding.subjects)) return;
    const { roleRef } = binding;
    const roleKind = roleRef.kind === 'Role' ? Role : ClusterRole;
    if (await may(request, 'bind', { resource: roleKind.plural, name: roleRef.name, namespace })) return;
    const rules = rbac.ofRole(roleRef, namespace);
    if (rules === undefined) throw notFound(roleKind, roleRef.name);
    confirm({ ...request, kind, name: binding.metadata.name }, rbac, rules);
  };

  return {
    name: 'RBACEscalation',
    validate(request): void | Promise<void> {
      if (request.operation === 'DELETE' || request.object === undefined || request.kind.group !== ClusterRole.group) return;
      if (request.user.groups.includes('system:masters')) return;
      switch (request.kind.plural) {
        case ClusterRole.plural:
        case Role.plural:
          return checkRole(request);
        case ClusterRoleBinding.plural:
        case RoleBinding.plural:
          return checkBinding(request);
        default:
          throw internalError(new Error(`no escalation check for ${request.kind.plural}`));
      }
    },
  };
}

/** Throws a 403 that names what the user lacks. */
function confirm({ user, namespace, kind, object }: AdmissionRequest, rbac: RbacRules, rules: readonly PolicyRule[]): void {
  const missing = missingRules(heldRules(rbac, user, namespace), rules);
  if (missing.length === 0) return;
  const lines = missing.map(describeRule).sort().join('\n');
  throw forbidden(kind, object?.metadata.name ?? '', `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines}`);
}

function heldRules(rbac: RbacRules, user: UserInfo, namespace: string): PolicyRule[] {
  return [...rbac.of(user, namespace)].flatMap((each) => each.rules);
}
