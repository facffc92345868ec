import { Namespace } from '#api/core/namespace.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
import { defaultServiceCidrObject } from '../service-allocation/default-service-cidr.ts';
import type { DefaultObject } from './default-object.ts';
import { defaultObject } from './default-object.ts';
import { flowControlObjects } from './flow-control.ts';
import { clusterRoleBindings } from './roles/cluster-role-bindings.ts';
import { componentRoles } from './roles/component-roles.ts';
import { controllerRoles } from './roles/controller-roles.ts';
import { namespaceRoles } from './roles/namespace-roles.ts';
import { userRoles } from './roles/user-roles.ts';

/** All default roles and bindings, as they are written at the first start but for the rules of aggregated roles. */
export const defaultRoles: readonly DefaultObject[] = [...userRoles, ...componentRoles, ...controllerRoles, ...clusterRoleBindings, ...namespaceRoles];

/**
 * What every cluster starts with. `serviceRanges`: the ranges of Service addresses, as in --service-cluster-ip-range.
 * Source: Kubernetes documentation, "Namespaces: initial namespaces", "Pod Priority", "Using RBAC Authorization: default
 * roles", "Extend Service IP Ranges".
 */
export function defaultObjects({ serviceRanges, nowIso }: { readonly serviceRanges: readonly string[]; readonly nowIso: string }): readonly DefaultObject[] {
  return [
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
    defaultObject(ServiceCIDR, defaultServiceCidrObject(serviceRanges, nowIso)),
    ...flowControlObjects(nowIso),
    ...defaultRoles,
  ];
}
