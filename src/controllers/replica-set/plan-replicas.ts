/** What a ReplicaSet (or ReplicationController) has to do, and what its status shall say. Pure. */
import { findCondition, isAvailable, isReady } from '#api/core/pod-status.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ReplicaSetCondition, ReplicaSetStatus } from '#api/apps/replica-set.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import { podsToDelete } from './rank-pods.ts';

/** Pods created or deleted in one go: more would make one owner's burst everybody's delay. */
export const burstReplicas = 500;

export interface ReplicaAim {
  readonly replicas: number;
  readonly isTerminating: boolean;
}

export interface ReplicaPlan {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/** `active` are the owner's pods that are neither finished nor going; `related` is asked only when some must go. */
export function planReplicas(aim: ReplicaAim, active: readonly Pod[], related: () => readonly Pod[], nowMs: number): ReplicaPlan {
  if (aim.isTerminating) return { create: 0, remove: [] };
  const missing = aim.replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, burstReplicas), remove: [] };
  return { create: 0, remove: podsToDelete(active, related(), Math.min(-missing, burstReplicas), nowMs) };
}

export interface StatusInput {
  readonly generation: number;
  readonly minReadySeconds: number;
  /** Labels that the template gives. */
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly active: readonly Pod[];
  /** Pods on their way out; undefined where the kind does not report them. */
  readonly terminating: number | undefined;
  readonly conditions: readonly ReplicaSetCondition[] | undefined;
  /** What went wrong with creating or deleting, and which of both it was. */
  readonly failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined;
  readonly nowMs: number;
}

export interface StatusPlan {
  readonly status: ReplicaSetStatus;
  /** When the next pod becomes available by the passing of time. */
  readonly recheckAfterMs: number | undefined;
}

export function planStatus(input: StatusInput): StatusPlan {
  const { active, minReadySeconds, nowMs, terminating } = input;
  const wanted = Object.entries(input.templateLabels);
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  let recheckAfterMs: number | undefined;
  for (const pod of active) {
    const labels = pod.metadata.labels;
    if (wanted.every(([key, value]) => labels?.[key] === value)) fullyLabeled++;
    if (!isReady(pod)) continue;
    ready++;
    if (isAvailable(pod, minReadySeconds, nowMs)) available++;
    else recheckAfterMs = Math.min(recheckAfterMs ?? Infinity, availableInMs(pod, minReadySeconds, nowMs));
  }
  const status: ReplicaSetStatus = {
    replicas: active.length,
    ...(fullyLabeled > 0 && { fullyLabeledReplicas: fullyLabeled }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    observedGeneration: input.generation,
    ...withFailure(input),
  };
  return { status, recheckAfterMs };
}

function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number {
  const sinceMs = timeMs(findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime);
  return Math.max(1, sinceMs + minReadySeconds * 1000 - nowMs);
}

/** The condition ReplicaFailure stays as it was first said for as long as something fails. */
function withFailure({ conditions = [], failure, nowMs }: StatusInput): Pick<ReplicaSetStatus, 'conditions'> {
  const known = findCondition(conditions, 'ReplicaFailure');
  const others = conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  const failed = failure === undefined ? undefined : (known ?? { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timestamp(nowMs), ...failure });
  const all = failed === undefined ? others : [...others, failed];
  return all.length > 0 ? { conditions: all } : {};
}
