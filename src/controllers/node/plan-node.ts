/**
 * What is made of a node's signs of life: conditions when it has gone silent, and taints that follow from conditions.
 * Pure.
 *
 * Source: Kubernetes documentation "Nodes: Node status", "Taints and Tolerations: Taint based Evictions".
 */
import type { Node, NodeCondition } from '#api/core/node.ts';
import { findCondition } from '#api/core/pod-status.ts';
import type { Taint } from '#api/core/scheduling.ts';
import { taintKeys } from '#api/core/taints.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';

const watchedConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

/** The taint that keeps pods away while the condition has the status. */
const taintByCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: taintKeys.notReady, Unknown: taintKeys.unreachable },
  MemoryPressure: { True: taintKeys.memoryPressure },
  DiskPressure: { True: taintKeys.diskPressure },
  NetworkUnavailable: { True: taintKeys.networkUnavailable },
  PIDPressure: { True: taintKeys.pidPressure },
};
const managedNoSchedule: ReadonlySet<string> = new Set([...Object.values(taintByCondition).flatMap(Object.values), taintKeys.unschedulable]);

/** The node's conditions after it has been silent for too long; undefined when they say so already. */
export function silentConditions({ metadata, status }: Node, nowMs: number): readonly NodeCondition[] | undefined {
  const now = timestamp(nowMs);
  let conditions = status.conditions ?? [];
  for (const type of watchedConditions) {
    const known = findCondition(conditions, type);
    if (known === undefined) {
      const created = metadata.creationTimestamp;
      conditions = [...conditions, {
        type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: created, lastTransitionTime: now,
      }];
    } else if (known.status !== 'Unknown') {
      conditions = conditions.map((condition) => (condition === known
        ? { ...known, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: now }
        : condition));
    }
  }
  return conditions === status.conditions ? undefined : conditions;
}

/** The node's taints as its conditions want them; undefined when it has them. Taints of others stay. */
export function wantedTaints({ spec, status }: Node, mayEvict: boolean, nowMs: number): readonly Taint[] | undefined {
  const taints = spec.taints ?? [];
  const noSchedule = new Set<string>();
  for (const { type, status: state } of status.conditions ?? []) {
    const key = taintByCondition[type]?.[state];
    if (key !== undefined) noSchedule.add(key);
  }
  if (spec.unschedulable === true) noSchedule.add(taintKeys.unschedulable);
  const evicting = evictionTaint(status.conditions);
  const hasEviction = taints.some(({ key, effect }) => effect === 'NoExecute' && key === evicting);
  const isEvicting = evicting !== undefined && (hasEviction || mayEvict);

  const kept = taints.filter(({ key, effect }) => {
    if (effect === 'NoSchedule' && managedNoSchedule.has(key)) return noSchedule.has(key);
    if (effect === 'NoExecute' && (key === taintKeys.notReady || key === taintKeys.unreachable)) return isEvicting && key === evicting;
    return true;
  });
  const now = timestamp(nowMs);
  const added: Taint[] = [];
  for (const key of noSchedule) {
    if (!kept.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) added.push({ key, effect: 'NoSchedule', timeAdded: now });
  }
  if (isEvicting && !hasEviction) added.push({ key: evicting, effect: 'NoExecute', timeAdded: now });
  return added.length === 0 && kept.length === taints.length ? undefined : [...kept, ...added];
}

/** The taint that evicts pods from the node; undefined when it is ready. */
export function evictionTaint(conditions: readonly NodeCondition[] | undefined): string | undefined {
  const ready = findCondition(conditions, 'Ready');
  if (ready === undefined || ready.status === 'Unknown') return taintKeys.unreachable;
  return ready.status === 'False' ? taintKeys.notReady : undefined;
}

export function isNodeReady({ status }: Node): boolean {
  return findCondition(status.conditions, 'Ready')?.status === 'True';
}

export interface SignsOfLife {
  /** When the node's lease was renewed last, as the node says. */
  readonly renewTime: string | undefined;
  readonly heartbeatTime: string | undefined;
  /** When, by our clock, it was last heard of. */
  readonly heardMs: number;
  /** When it was last looked at. */
  readonly lookedMs: number;
}

/**
 * When the node was last heard of. Its own clock is trusted only between our last look and now, for it may be wrong.
 * `before` is undefined for a node that is new to us, which counts as heard of now.
 */
export function signsOfLife(node: Node, renewTime: string | undefined, before: SignsOfLife | undefined, nowMs: number): SignsOfLife {
  const heartbeatTime = findCondition(node.status.conditions, 'Ready')?.lastHeartbeatTime;
  const now = { renewTime, heartbeatTime, lookedMs: nowMs };
  if (before === undefined) {
    // A node that never said anything counts from its creation.
    return { ...now, heardMs: heartbeatTime === undefined && renewTime === undefined ? timeMs(node.metadata.creationTimestamp) : nowMs };
  }
  if (renewTime === before.renewTime && heartbeatTime === before.heartbeatTime) return { ...before, lookedMs: nowMs };
  const saidMs = Math.max(renewTime === before.renewTime ? 0 : timeMs(renewTime), heartbeatTime === before.heartbeatTime ? 0 : timeMs(heartbeatTime));
  return { ...now, heardMs: Math.min(nowMs, Math.max(before.lookedMs, saidMs)) };
}

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

/** How a zone is doing. A part that is too large to be the nodes' own fault is a disruption of something else. */
export function zoneState(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / (ready + notReady) >= 0.55 ? 'PartialDisruption' : 'Normal';
}

/** Nodes per second whose pods may be evicted in one zone. */
export function evictionRate(states: ReadonlyMap<string, ZoneState>, zone: string, zoneSize: number): number {
  if ([...states.values()].every((state) => state === 'FullDisruption')) return 0;
  if (states.get(zone) === 'PartialDisruption') return zoneSize > 50 ? 0.01 : 0;
  return 0.1;
}
