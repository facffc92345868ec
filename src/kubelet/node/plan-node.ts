import { saysTheSame } from '#apimachinery/equal.ts';
import { formatQuantity, parseQuantity, quantityOf, subQuantity, value } from '#apimachinery/quantity.ts';
import { resizesInitContainers, restartsAllContainers } from '#api/core/declared-features.ts';
import { isExtendedResource } from '#api/core/resource-names.ts';
import type { ContainerImage, NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo } from '#api/core/node.ts';
import { timestamp } from '#client/timestamp.ts';

/** What the node's status is made of. */
export interface NodeView {
  readonly capacity: Readonly<Record<string, string>>;
  readonly addresses: readonly NodeAddress[];
  readonly info: NodeSystemInfo;
  readonly images: readonly ContainerImage[];
  readonly kubeletPort: number;
  readonly pressure: { readonly memory: boolean; readonly disk: boolean; readonly pids: boolean };
  /** Why the node is not ready; undefined when it is. */
  readonly problem: string | undefined;
  readonly nowMs: number;
}

/** The thresholds below which the kubelet evicts; what lies under them is not for pods. */
const reservedMemory = '100Mi';
const reservedStorageShare = 0.1;

/** What pods may ask for: capacity without what eviction keeps free. Pure. */
export function allocatableOf(capacity: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const allocatable: Record<string, string> = { ...capacity };
  const { memory } = capacity;
  if (memory !== undefined && value(memory) > value(reservedMemory)) allocatable['memory'] = formatQuantity(subQuantity(memory, parseQuantity(reservedMemory)));
  const storage = capacity['ephemeral-storage'];
  if (storage !== undefined) allocatable['ephemeral-storage'] = formatQuantity(quantityOf(Math.floor(value(storage) * (1 - reservedStorageShare))));
  return allocatable;
}

/**
 * What has to change in `allocatable` so that it follows the resources that others have put into the node's capacity: all that
 * is there can be allocated, what is no longer there (null) cannot. The machine's own resources are not among them. Pure.
 */
export function extendedChanges({ capacity = {}, allocatable = {} }: Pick<NodeStatus, 'capacity' | 'allocatable'>, own: Readonly<Record<string, string>>): Readonly<Record<string, string | null>> {
  const isAdvertised = (name: string): boolean => own[name] === undefined && isExtendedResource(name);
  return Object.fromEntries([
    ...Object.entries(capacity).filter(([name, amount]) => isAdvertised(name) && allocatable[name] !== amount),
    ...Object.keys(allocatable).filter((name) => isAdvertised(name) && capacity[name] === undefined).map((name) => [name, null] as const),
  ]);
}

/** What this kubelet can beyond what every kubelet can, sorted. */
const declaredFeatures = [resizesInitContainers, restartsAllContainers] as const;

/** The node's status. Pure; heartbeats are the current time, transition times those of `old` where nothing turned. */
export function planNodeStatus(view: NodeView, old: NodeStatus | undefined): Pick<NodeStatus, 'capacity' | 'allocatable' | 'addresses' | 'conditions' | 'nodeInfo' | 'images' | 'daemonEndpoints' | 'declaredFeatures'> {
  const { pressure, problem, capacity } = view;
  const state = (type: string, isBad: boolean, reasons: readonly [string, string], messages: readonly [string, string]): NodeCondition =>
    condition(view, old, { type, status: isBad ? 'True' : 'False', reason: reasons[isBad ? 1 : 0], message: messages[isBad ? 1 : 0] });
  return {
    capacity,
    allocatable: allocatableOf(capacity),
    conditions: [
      state('MemoryPressure', pressure.memory, ['KubeletHasSufficientMemory', 'KubeletHasInsufficientMemory'], ['kubelet has sufficient memory available', 'kubelet has insufficient memory available']),
      state('DiskPressure', pressure.disk, ['KubeletHasNoDiskPressure', 'KubeletHasDiskPressure'], ['kubelet has no disk pressure', 'kubelet has disk pressure']),
      state('PIDPressure', pressure.pids, ['KubeletHasSufficientPID', 'KubeletHasInsufficientPID'], ['kubelet has sufficient PID available', 'kubelet has insufficient PID available']),
      condition(view, old, problem === undefined
        ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
        : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problem }),
    ],
    addresses: view.addresses,
    daemonEndpoints: { kubeletEndpoint: { Port: view.kubeletPort } },
    nodeInfo: view.info,
    images: view.images,
    declaredFeatures,
  };
}

function condition(view: NodeView, old: NodeStatus | undefined, wanted: Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>): NodeCondition {
  const now = timestamp(view.nowMs);
  const before = old?.conditions?.find(({ type }) => type === wanted.type);
  const lastTransitionTime = before?.status === wanted.status ? (before.lastTransitionTime ?? now) : now;
  return { ...wanted, lastHeartbeatTime: now, lastTransitionTime };
}

/** Whether the two statuses differ in more than the time of the heartbeat. */
export function differsBeyondHeartbeat(a: ReturnType<typeof planNodeStatus>, b: ReturnType<typeof planNodeStatus>): boolean {
  const bare = (status: ReturnType<typeof planNodeStatus>): object => ({ ...status, conditions: (status.conditions ?? []).map((each) => ({ ...each, lastHeartbeatTime: '' })) });
  return !saysTheSame(bare(a), bare(b));
}

/** The labels every node carries. */
export function nodeLabels(name: string, info: Pick<NodeSystemInfo, 'architecture' | 'operatingSystem'>, extra: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'beta.kubernetes.io/arch': info.architecture,
    'beta.kubernetes.io/os': info.operatingSystem,
    'kubernetes.io/arch': info.architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': info.operatingSystem,
    ...extra,
  };
}

