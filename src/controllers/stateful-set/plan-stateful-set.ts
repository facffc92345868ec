/**
 * Which pod of a StatefulSet is made, replaced or removed next. Pure.
 *
 * Source: Kubernetes documentation "StatefulSets" (deployment and scaling guarantees, update strategies).
 */
import { scaledValue } from '#apimachinery/rules.ts';
import type { StatefulSet, StatefulSetStatus } from '#api/apps/stateful-set.ts';
import type { Pod } from '#api/core/pod.ts';
import { isAvailable, isReady, isTerminating } from '#api/core/pod-status.ts';
import { revisionHashLabel } from '../revision-history.ts';

export interface StatefulSetInput {
  readonly set: StatefulSet;
  /** Those it controls. */
  readonly pods: readonly Pod[];
  /** Names of the revision that was rolled out last and of the newest one. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly nowMs: number;
}

export interface NewPod {
  readonly ordinal: number;
  readonly revision: string;
}
export interface Removal {
  readonly pod: Pod;
  /** `scaled`: its ordinal is no longer wanted; `failed`, `ended`: it is made anew; `outdated`: it is of an old revision. */
  readonly why: 'scaled' | 'failed' | 'ended' | 'outdated';
}
export interface StatefulSetPlan {
  readonly create: readonly NewPod[];
  readonly remove: readonly Removal[];
  readonly status: StatefulSetStatus;
}

/** The ordinal in the pod's name; undefined when the name is not of this set. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = metadata.name.slice(prefix.length);
  return metadata.name.startsWith(prefix) && /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : undefined;
}

export function planStatefulSet(input: StatefulSetInput): StatefulSetPlan {
  const { set } = input;
  const status = countStatus(input);
  if (set.metadata.deletionTimestamp !== undefined) return { create: [], remove: [], status };
  const steps = planSteps(input);
  return { ...steps, status };
}

interface Steps {
  readonly create: NewPod[];
  readonly remove: Removal[];
}

function planSteps(input: StatefulSetInput): Steps {
  const { set, pods, updateRevision, nowMs } = input;
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + (set.spec.replicas ?? 1);
  const minReady = set.spec.minReadySeconds ?? 0;
  const isWell = (pod: Pod): boolean => isReady(pod) && !isTerminating(pod) && isAvailable(pod, minReady, nowMs);
  const byOrdinal = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= start && ordinal < end) byOrdinal.set(ordinal, pod);
    else condemned.push(pod);
  }
  condemned.sort((left, right) => (ordinalOf(set, right) ?? 0) - (ordinalOf(set, left) ?? 0));
  const steps: Steps = { create: [], remove: [] };

  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) steps.create.push({ ordinal, revision: revisionFor(input, ordinal) });
    else if ((pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') && !isTerminating(pod)) {
      steps.remove.push({ pod, why: pod.status.phase === 'Failed' ? 'failed' : 'ended' });
    } else if (isWell(pod)) continue;
    // In order: the next one waits until this one is well.
    if (isOrdered) return steps;
  }

  const firstUnwell = [...byOrdinal.values(), ...condemned.toReversed()].find((pod) => !isWell(pod));
  for (const pod of condemned) {
    if (isTerminating(pod)) {
      if (isOrdered) return steps;
      continue;
    }
    if (isOrdered && firstUnwell !== undefined && firstUnwell !== pod) return steps;
    steps.remove.push({ pod, why: 'scaled' });
    if (isOrdered) return steps;
  }
  if (set.spec.updateStrategy.type === 'OnDelete' || steps.create.length > 0) return steps;

  const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0;
  const mayBeAway = Math.max(1, scaledValue(set.spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1, end - start, 'up'));
  let away = [...byOrdinal.values()].filter((pod) => !isWell(pod)).length;
  for (let ordinal = end - 1; ordinal >= Math.max(partition, start); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || revisionOf(pod) === updateRevision || isTerminating(pod)) {
      if (mayBeAway === 1 && pod !== undefined && !isWell(pod)) return steps;
      continue;
    }
    // One that is away already may be replaced without making things worse.
    if (isWell(pod)) {
      if (away >= mayBeAway) return steps;
      away++;
    }
    steps.remove.push({ pod, why: 'outdated' });
    if (mayBeAway === 1) return steps;
  }
  return steps;
}

/** Below the partition pods are made of the old revision. */
function revisionFor({ set, currentRevision, updateRevision }: StatefulSetInput, ordinal: number): string {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  const start = set.spec.ordinals?.start ?? 0;
  if (type === 'OnDelete') return updateRevision;
  const kept = rollingUpdate?.partition ?? 0;
  return ordinal < start + kept ? currentRevision : updateRevision;
}

export function revisionOf({ metadata }: Pod): string {
  return metadata.labels?.[revisionHashLabel] ?? '';
}

function countStatus({ set, pods, currentRevision, updateRevision, nowMs }: StatefulSetInput): StatefulSetStatus {
  let [replicas, ready, available, current, updated] = [0, 0, 0, 0, 0];
  const minReady = set.spec.minReadySeconds ?? 0;
  for (const pod of pods) {
    if (ordinalOf(set, pod) === undefined) continue;
    replicas++;
    if (isReady(pod)) ready++;
    if (isAvailable(pod, minReady, nowMs)) available++;
    if (isTerminating(pod)) continue;
    if (revisionOf(pod) === currentRevision) current++;
    if (revisionOf(pod) === updateRevision) updated++;
  }
  // The rollout is over: what was new is now what there is.
  const isRolledOut = set.spec.updateStrategy.type !== 'OnDelete' && updated === replicas && ready === replicas && replicas === (set.spec.replicas ?? 1);
  const { collisionCount, conditions } = set.status;
  const nowCurrent = isRolledOut ? updated : current;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    ...(ready > 0 && { readyReplicas: ready }),
    ...(nowCurrent > 0 && { currentReplicas: nowCurrent }),
    ...(updated > 0 && { updatedReplicas: updated }),
    currentRevision: isRolledOut ? updateRevision : currentRevision,
    updateRevision,
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions !== undefined && { conditions }),
    availableReplicas: available,
  };
}
