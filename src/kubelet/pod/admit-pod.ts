/**
 * Whether a node takes a pod that was bound to it. Whoever bound it may have known less than the node does, or nothing:
 * a pod can name its node itself. What is refused has failed for good. Pure.
 * Source: behaviour of the v1.36 kubelet; Kubernetes documentation "Assigning Pods to Nodes: nodeName".
 */
import { clash, hostPortsOf } from '#api/core/host-ports.ts';
import { matchesNodeWishes } from '#api/core/node-selector.ts';
import type { Node } from '#api/core/node.ts';
import { podRequests, requestsOnNode, resourceAmounts } from '#api/core/pod-resources.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import type { Pod } from '#api/core/pod.ts';
import { findUntolerated } from '#api/core/taints.ts';
import { forbiddenSysctl } from './sysctls.ts';

export interface AdmissionView {
  readonly pod: Pod;
  readonly node: Node;
  readonly allocatable: ResourceList;
  /** The pods that have a place on the node. */
  readonly others: readonly Pod[];
  /** From a file of the node: taints do not keep it away. */
  readonly isStatic: boolean;
  readonly allowedUnsafeSysctls: readonly string[];
}

export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
}

/** The only one there are nodes of here. */
const nodeOs = 'linux';
const osLabel = 'kubernetes.io/os';

/** Why the node refuses the pod: the first reason of all; undefined when it takes it. */
export function admitPod(view: AdmissionView): PodVerdict | undefined {
  const { pod, node, isStatic } = view;
  const sysctl = forbiddenSysctl(pod, view.allowedUnsafeSysctls);
  if (sysctl !== undefined) return { reason: 'SysctlForbidden', message: sysctl };
  if ((pod.metadata.labels?.[osLabel] ?? nodeOs) !== nodeOs) return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message: `Failed to admit pod as the \`${osLabel}\` label doesn't match node label` };
  if ((pod.spec.os?.name ?? nodeOs) !== nodeOs) return { reason: 'PodOSNotSupported', message: 'Failed to admit pod as the OS field doesn\'t match node OS' };
  if (pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict' && node.status.features?.supplementalGroupsPolicy !== true) {
    return { reason: 'SupplementalGroupsPolicyNotSupported', message: 'SupplementalGroupsPolicy=Strict is not supported in this node' };
  }
  const lack = lackOf(view);
  if (lack !== undefined) return lack;
  if (!matchesNodeWishes(pod.spec, node)) return predicate('NodeAffinity', 'node(s) didn\'t match Pod\'s node affinity/selector');
  if (!arePortsFree(view)) return predicate('NodePorts', 'node(s) didn\'t have free ports for the requested pod ports');
  if (!isStatic && findUntolerated(node.spec.taints, pod.spec.tolerations, ['NoExecute']) !== undefined) return predicate('TaintToleration', 'node(s) had taints that the pod didn\'t tolerate');
  return undefined;
}

function predicate(name: string, why: string): PodVerdict {
  return { reason: name, message: `Predicate ${name} failed: ${why}` };
}

/** CPU in thousandths, everything else in whole units. */
function lackOf({ pod, allocatable, others }: AdmissionView): PodVerdict | undefined {
  const capacity = resourceAmounts(allocatable);
  const requested = resourceAmounts(podRequests(pod.spec));
  const lack = (resource: string, wanted: number, used: number, total: number): PodVerdict | undefined =>
    wanted === 0 || wanted <= total - used ? undefined : { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${wanted}, used: ${used}, capacity: ${total}` };
  const crowded = lack('pods', 1, others.length, Number(allocatable['pods'] ?? Infinity));
  if (crowded !== undefined) return crowded;
  const taken = others.map((other) => resourceAmounts(requestsOnNode(other)));
  const sum = (amountOf: (amounts: typeof requested) => number): number => taken.reduce((total, amounts) => total + amountOf(amounts), 0);
  return (
    lack('cpu', requested.cpuMillis, sum((each) => each.cpuMillis), capacity.cpuMillis) ??
    lack('memory', requested.memoryBytes, sum((each) => each.memoryBytes), capacity.memoryBytes) ??
    lack('ephemeral-storage', requested.ephemeralStorageBytes, sum((each) => each.ephemeralStorageBytes), capacity.ephemeralStorageBytes) ??
    // Resources that the node does not know are the cluster's as a whole.
    Object.entries(requested.scalars).flatMap(([name, amount]) => {
      const total = capacity.scalars[name];
      return total === undefined ? [] : (lack(name, amount, sum((each) => each.scalars[name] ?? 0), total) ?? []);
    })[0]
  );
}

function arePortsFree({ pod, others }: AdmissionView): boolean {
  const wanted = hostPortsOf(pod.spec);
  return wanted.length === 0 || !others.some(({ spec }) => hostPortsOf(spec).some((taken) => wanted.some((port) => clash(port, taken))));
}
