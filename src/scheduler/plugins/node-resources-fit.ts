/** Places pods where what they request is left, and rather where much is left. */
import { resourceAmounts } from '#api/core/pod-resources.ts';
import type { ReadonlyNodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import { maxPoints } from '../framework.ts';
import { nodeChanges } from '../queue/cluster-event.ts';

const name = 'NodeResourcesFit';

/** What a pod lacks on a node: the resource, and whether the node is too small for it even when it is empty. */
interface Lack {
  readonly reason: string;
  readonly isHopeless: boolean;
}

export const nodeResourcesFit: SchedulerPlugin = {
  name,
  filter({ requests }) {
    const { cpuMillis, ephemeralStorageBytes, memoryBytes, scalars } = requests;
    const extended = Object.entries(scalars);
    /** Nodes lack the same things again and again. */
    const rejections = new Map<string, Rejection>();
    return {
      node(node) {
        const { allocatable } = node;
        const fits =
          node.pods.size < allocatable.pods &&
          (cpuMillis === 0 || cpuMillis <= allocatable.cpuMillis - node.cpuMillis) &&
          (memoryBytes === 0 || memoryBytes <= allocatable.memoryBytes - node.memoryBytes) &&
          (ephemeralStorageBytes === 0 || ephemeralStorageBytes <= allocatable.ephemeralStorageBytes - node.ephemeralStorageBytes) &&
          extended.every(([resource, amount]) => amount <= (allocatable.scalars[resource] ?? 0) - node.scalar(resource));
        if (fits) return undefined;
        const lacks = lacksOf(requests, node);
        const isResolvable = !lacks.some((lack) => lack.isHopeless);
        const key = `${isResolvable} ${lacks.map((lack) => lack.reason).join()}`;
        let rejection = rejections.get(key);
        if (rejection === undefined) rejections.set(key, (rejection = { plugin: name, reasons: lacks.map((lack) => lack.reason), isResolvable }));
        return rejection;
      },
    };
  },
  score({ usualCpuMillis, usualMemoryBytes }) {
    return {
      score({ allocatable, usualCpuMillis: cpu, usualMemoryBytes: memory }) {
        return Math.floor((leastAllocated(cpu + usualCpuMillis, allocatable.cpuMillis) + leastAllocated(memory + usualMemoryBytes, allocatable.memoryBytes)) / 2);
      },
    };
  },
  wakesOn: {
    NodeAdd: (pod, { node }) => isBigEnough(pod, node),
    NodeUpdate: (pod, event) => nodeChanges(event).allocatable && isBigEnough(pod, event.node),
    AssignedPodUpdate: (pod, { oldPod, pod: now }) => oldPod !== undefined && now !== undefined && frees(pod, oldPod, now),
    AssignedPodDelete: () => true,
  },
};

function leastAllocated(requested: number, capacity: number): number {
  return capacity === 0 || requested > capacity ? 0 : Math.floor(((capacity - requested) * maxPoints) / capacity);
}

function lacksOf({ cpuMillis, ephemeralStorageBytes, memoryBytes, scalars }: PodInfo['requests'], node: ReadonlyNodeInfo): readonly Lack[] {
  const { allocatable } = node;
  const lacks: Lack[] = [];
  if (node.pods.size + 1 > allocatable.pods) lacks.push({ reason: 'Too many pods', isHopeless: false });
  const check = (resource: string, wanted: number, total: number, taken: number): void => {
    if (wanted > 0 && wanted > total - taken) lacks.push({ reason: `Insufficient ${resource}`, isHopeless: wanted > total });
  };
  check('cpu', cpuMillis, allocatable.cpuMillis, node.cpuMillis);
  check('memory', memoryBytes, allocatable.memoryBytes, node.memoryBytes);
  check('ephemeral-storage', ephemeralStorageBytes, allocatable.ephemeralStorageBytes, node.ephemeralStorageBytes);
  for (const [resource, amount] of Object.entries(scalars)) check(resource, amount, allocatable.scalars[resource] ?? 0, node.scalar(resource));
  return lacks;
}

/** Whether the pod would fit if nothing else ran on the node. */
function isBigEnough({ requests }: PodInfo, node: { readonly status: { readonly allocatable?: Readonly<Record<string, string>> | undefined } } | undefined): boolean {
  const total = resourceAmounts(node?.status.allocatable);
  return (
    requests.cpuMillis <= total.cpuMillis &&
    requests.memoryBytes <= total.memoryBytes &&
    requests.ephemeralStorageBytes <= total.ephemeralStorageBytes &&
    Object.entries(requests.scalars).every(([resource, amount]) => amount <= (total.scalars[resource] ?? 0))
  );
}

/** Whether an update of a running pod gives back something that `pod` asks for. */
function frees({ requests }: PodInfo, { requests: before }: PodInfo, { requests: after }: PodInfo): boolean {
  return (requests.cpuMillis > 0 && after.cpuMillis < before.cpuMillis) || (requests.memoryBytes > 0 && after.memoryBytes < before.memoryBytes);
}
