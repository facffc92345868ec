/** A notation for rules, short enough that a role can be read at a glance. Lists are words separated by spaces. */
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { Role } from '#api/rbac/role.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import type { Subject } from '#api/rbac/subject.ts';
import type { DefaultObject } from '../default-object.ts';
import { defaultObject } from '../default-object.ts';

export const read = 'get list watch';
export const write = 'create update patch delete deletecollection';
export const all = `${read} ${write}`;

/** A rule about resources. The core group is called `core`; `names` narrows it to objects of these names. */
export function allow(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((each) => (each === 'core' ? '' : each)),
    resources: words(resources),
    ...(names !== undefined && { resourceNames: words(names) }),
  };
}

/** A rule about paths that are no resources. */
export function urls(verbs: string, paths: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths) };
}

/** Whoever reports events needs this. */
export const events = allow('create update patch', 'core events.k8s.io', 'events');

function words(text: string): readonly string[] {
  return text.split(' ');
}

const rbac = 'rbac.authorization.k8s.io';
/** What marks the objects that a start keeps complete. Source: Kubernetes documentation, "Using RBAC: auto-reconciliation". */
const metadata = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const aggregateTo = (target: string): string => `${rbac}/aggregate-to-${target}`;

/** `partOf`: the role (`admin`, `edit`, `view`) that takes over these rules. */
export function clusterRole(name: string, rules: readonly PolicyRule[], partOf?: string): DefaultObject {
  const labels = partOf === undefined ? metadata.labels : { ...metadata.labels, [aggregateTo(partOf)]: 'true' };
  return defaultObject(ClusterRole, { metadata: { ...metadata, labels, name }, rules });
}

/** A role whose rules are those of all roles that are labelled as part of it. */
export function aggregatedRole(name: string, partOf?: string): DefaultObject {
  const labels = partOf === undefined ? metadata.labels : { ...metadata.labels, [aggregateTo(partOf)]: 'true' };
  return defaultObject(ClusterRole, {
    metadata: { ...metadata, labels, name },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: 'true' } }] },
    rules: [],
  });
}

export function role(namespace: string, name: string, rules: readonly PolicyRule[]): DefaultObject {
  return defaultObject(Role, { metadata: { ...metadata, namespace, name }, rules });
}

export function clusterRoleBinding(name: string, subjects: readonly Subject[]): DefaultObject {
  return defaultObject(ClusterRoleBinding, { metadata: { ...metadata, name }, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name }, subjects });
}

export function roleBinding(namespace: string, name: string, roleName: string, subjects: readonly Subject[]): DefaultObject {
  return defaultObject(RoleBinding, { metadata: { ...metadata, namespace, name }, roleRef: { apiGroup: rbac, kind: 'Role', name: roleName }, subjects });
}

export function user(name: string): Subject {
  return { apiGroup: rbac, kind: 'User', name };
}
export function group(name: string): Subject {
  return { apiGroup: rbac, kind: 'Group', name };
}
/** An account in kube-system. */
export function account(name: string): Subject {
  return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
}
