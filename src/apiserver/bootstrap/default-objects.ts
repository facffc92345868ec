import { Namespace } from '#api/core/namespace.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';

/** An object that a cluster has from its first start on. */
export interface DefaultObject {
  readonly kind: ResourceKind;
  readonly object: Given<KubeObject> & object;
}

function defaultObject<T extends KubeObject>(kind: ResourceKind<T>, object: Given<T>): DefaultObject {
  return { kind: kind, object: object };
}

const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

/**
 * What every cluster starts with.
 * Source: Kubernetes documentation, "Namespaces: initial namespaces", "Pod Priority", "Using RBAC Authorization: default roles".
 */
export const defaultObjects: readonly DefaultObject[] = [
  ...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
    defaultObject(Namespace, { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
  ),
  defaultObject(PriorityClass, {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  }),
  defaultObject(PriorityClass, {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  }),
  defaultObject(ClusterRole, {
    metadata: { name: 'cluster-admin', labels: bootstrapLabels, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' } },
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
  }),
  defaultObject(ClusterRoleBinding, {
    metadata: { name: 'cluster-admin', labels: bootstrapLabels, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' }],
  }),
];
