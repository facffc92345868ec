/** What a Deployment's status says: counts and the conditions Available, Progressing and ReplicaFailure. Pure. */
import type { Deployment, DeploymentCondition, DeploymentStatus } from '#api/apps/deployment.ts';
import type { ReplicaSet } from '#api/apps/replica-set.ts';
import { findCondition } from '#api/core/pod-status.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import type { Revisions } from './replica-sets.ts';
import { maxUnavailable, replicasOf, sum } from './replica-sets.ts';

type Conditions = readonly DeploymentCondition[];
export interface ConditionChange {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** Kubernetes' way of saying "never": the largest int32. */
const noDeadline = 2 ** 31 - 1;

export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline;
}

/** The conditions with `change` in them. One that says the same thing for the same reason stays as it is. */
export function setCondition(conditions: Conditions | undefined, change: ConditionChange, nowMs: number): Conditions {
  const known = findCondition(conditions, change.type);
  if (known?.status === change.status && known.reason === change.reason) return conditions ?? [];
  const now = timestamp(nowMs);
  const made = { ...change, lastUpdateTime: now, lastTransitionTime: known?.status === change.status ? known.lastTransitionTime : now };
  return [...withoutCondition(conditions, change.type), made];
}

function withoutCondition(conditions: Conditions | undefined, type: string): Conditions {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/** Counts of pods, and whether enough are available. */
export function countedStatus(deployment: Deployment, { all, current }: Revisions, conditions: Conditions | undefined, nowMs: number): DeploymentStatus {
  const available = sum(all, ({ status }) => status.availableReplicas);
  const unavailable = Math.max(0, sum(all, replicasOf) - available);
  const ready = sum(all, ({ status }) => status.readyReplicas);
  const replicas = sum(all, ({ status }) => status.replicas);
  const updated = current?.status.replicas ?? 0;
  const isEnough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  const { collisionCount } = deployment.status;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
    terminatingReplicas: sum(all, ({ status }) => status.terminatingReplicas),
    conditions: setCondition(conditions, isEnough
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' }, nowMs),
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

/** Every replica is of the new template, available, and no old one is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted && (status.availableReplicas ?? 0) === wanted
    && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

function hasProgressed(was: DeploymentStatus, is: DeploymentStatus): boolean {
  const oldReplicas = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (is.updatedReplicas ?? 0) > (was.updatedReplicas ?? 0) || oldReplicas(is) < oldReplicas(was)
    || (is.readyReplicas ?? 0) > (was.readyReplicas ?? 0) || (is.availableReplicas ?? 0) > (was.availableReplicas ?? 0);
}

/** The status during a rollout: what was counted, and how the rollout goes. */
export function rolloutStatus(deployment: Deployment, revisions: Revisions, conditions: Conditions | undefined, nowMs: number): DeploymentStatus {
  const { current, all } = revisions;
  const status = countedStatus(deployment, revisions, conditions, nowMs);
  let result: Conditions = status.conditions ?? [];
  const known = findCondition(conditions, 'Progressing');
  const subject = current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  const isDone = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && known?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment)) {
    result = withoutCondition(result, 'Progressing');
  } else if (!isDone) {
    if (isComplete(deployment, status)) {
      result = setCondition(result, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.` }, nowMs);
    } else if (hasProgressed(deployment.status, status)) {
      // Always made anew: its update time is when the rollout last moved on.
      const now = timestamp(nowMs);
      const since = known?.status === 'True' ? known.lastTransitionTime : now;
      result = [...withoutCondition(result, 'Progressing'), {
        type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.`, lastUpdateTime: now, lastTransitionTime: since,
      }];
    } else if (hasTimedOut(deployment, known, nowMs)) {
      result = setCondition(result, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.` }, nowMs);
    }
  }
  const failure = failureOf(current, all);
  result = failure === undefined
    ? withoutCondition(result, 'ReplicaFailure')
    : setCondition(result, { type: 'ReplicaFailure', status: failure.status as 'True', reason: failure.reason ?? '', message: failure.message ?? '' }, nowMs);
  return { ...status, conditions: result };
}

function failureOf(current: ReplicaSet | undefined, all: readonly ReplicaSet[]): { readonly status: string; readonly reason?: string | undefined; readonly message?: string | undefined } | undefined {
  for (const replicaSet of current === undefined ? all : [current, ...all]) {
    const failure = findCondition(replicaSet.status.conditions, 'ReplicaFailure');
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function deadlineMs({ spec }: Deployment, progressing: DeploymentCondition): number {
  return timeMs(progressing.lastUpdateTime) + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

function hasTimedOut(deployment: Deployment, progressing: DeploymentCondition | undefined, nowMs: number): boolean {
  if (progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  return progressing.reason === 'ProgressDeadlineExceeded' || deadlineMs(deployment, progressing) < nowMs;
}

/** When to look whether the rollout is stuck: just after its deadline; undefined when none is running. */
export function stuckCheckMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = findCondition(status.conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing === undefined) return undefined;
  if (isComplete(deployment, status) || progressing.reason === 'ProgressDeadlineExceeded' || progressing.reason === 'NewReplicaSetAvailable') return undefined;
  if (deployment.spec.paused === true) return undefined;
  return Math.max(1000, deadlineMs(deployment, progressing) - nowMs + 1000);
}

/** The conditions after pausing or resuming: the time that a rollout was paused does not count as its own. */
export function pausedConditions(deployment: Deployment, nowMs: number): Conditions | undefined {
  const { conditions } = deployment.status;
  if (!hasDeadline(deployment)) return conditions;
  const known = findCondition(conditions, 'Progressing');
  if (known?.reason === 'ProgressDeadlineExceeded') return conditions;
  const isPaused = deployment.spec.paused === true;
  const saysPaused = known?.reason === 'DeploymentPaused';
  if (isPaused && !saysPaused) {
    return setCondition(conditions, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }, nowMs);
  }
  if (!isPaused && saysPaused) {
    return setCondition(conditions, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }, nowMs);
  }
  return conditions;
}
