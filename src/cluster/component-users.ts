/**
 * Who the components of a cluster are to its API server: the same in one process as where each has credentials of its own, so
 * that roles, admission, audit and field ownership see what they would see in any cluster.
 * Source: Kubernetes documentation, "Using RBAC Authorization: core component roles", "Using Node Authorization".
 */
import type { UserInfo } from '#apiserver/request/api-call.ts';

export const schedulerUser = userOf('system:kube-scheduler');
export const controllerManagerUser = userOf('system:kube-controller-manager');
export const proxyUser = userOf('system:kube-proxy');

export function nodeUser(nodeName: string): UserInfo {
  return userOf(`system:node:${nodeName}`, 'system:nodes');
}

/** One of kube-system, where the accounts of controllers are. */
export function accountUser(name: string): UserInfo {
  return userOf(`system:serviceaccount:kube-system:${name}`, 'system:serviceaccounts', 'system:serviceaccounts:kube-system');
}

/** For what is done in the cluster's own name: members of system:masters may do everything. */
export function adminUser(name: string): UserInfo {
  return userOf(name, 'system:masters');
}

function userOf(name: string, ...groups: readonly string[]): UserInfo {
  return { name, groups: [...groups, 'system:authenticated'] };
}
