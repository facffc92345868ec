/** Changes in the cluster that may let a pod fit that did not. */
import type { Node } from '#api/core/node.ts';
import type { PodInfo } from '../cache/pod-info.ts';

export type ClusterEventKind =
  | 'NodeAdd'
  | 'NodeUpdate'
  | 'AssignedPodAdd'
  | 'AssignedPodUpdate'
  | 'AssignedPodDelete'
  | 'NamespaceUpdate'
  | 'StorageChange';

export interface ClusterEvent {
  readonly kind: ClusterEventKind;
  /** Of node events: the node as it is now, and as it was (updates). */
  readonly node?: Node;
  readonly oldNode?: Node;
  /** Of pod events: the pod as it is now, or as it was last (deletions), and as it was before (updates). */
  readonly pod?: PodInfo;
  readonly oldPod?: PodInfo;
}

/** Which parts of a node an update changed. */
export function nodeChanges({ node, oldNode }: ClusterEvent): { readonly labels: boolean; readonly taints: boolean; readonly allocatable: boolean; readonly features: boolean; readonly isAdded: boolean } {
  const isAdded = node !== undefined && oldNode === undefined;
  return {
    isAdded,
    labels: isAdded || JSON.stringify(node?.metadata.labels) !== JSON.stringify(oldNode?.metadata.labels),
    taints: isAdded || node?.spec.unschedulable !== oldNode?.spec.unschedulable || JSON.stringify(node?.spec.taints) !== JSON.stringify(oldNode?.spec.taints),
    features: isAdded || JSON.stringify(node?.status.declaredFeatures) !== JSON.stringify(oldNode?.status.declaredFeatures),
    allocatable: isAdded || JSON.stringify(node?.status.allocatable) !== JSON.stringify(oldNode?.status.allocatable),
  };
}

/** Whether a node update can matter to anybody: heartbeats and image lists cannot. */
export function isNodeChangeOfInterest(event: ClusterEvent): boolean {
  const { allocatable, features, isAdded, labels, taints } = nodeChanges(event);
  return isAdded || allocatable || features || labels || taints;
}
