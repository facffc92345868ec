/** A Deployment and its ReplicaSets: which is the new one, how many pods there are, how many there may be. Pure. */
import { scaledValue } from '#apimachinery/rules.ts';
import type { Deployment } from '#api/apps/deployment.ts';
import type { ReplicaSet } from '#api/apps/replica-set.ts';
import { templateText } from '../template-hash.ts';

export function replicasOf({ spec }: Deployment | ReplicaSet): number {
  return spec.replicas ?? 1;
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return spec.strategy.type !== 'Recreate';
}

/** Oldest first; of the same second, by name. */
export function byAge(left: ReplicaSet, right: ReplicaSet): number {
  const [a, b] = [left.metadata, right.metadata];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

export interface Revisions {
  /** The oldest set with the Deployment's template; undefined before it is made. */
  readonly current: ReplicaSet | undefined;
  /** All others, oldest first. */
  readonly old: readonly ReplicaSet[];
  /** All, oldest first. */
  readonly all: readonly ReplicaSet[];
}

export function revisionsOf(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Revisions {
  const all = [...replicaSets].sort(byAge);
  const wanted = templateText(deployment.spec.template);
  const current = all.find(({ spec }) => templateText(spec.template) === wanted);
  return { current, old: all.filter((each) => each !== current), all };
}

export function sum(replicaSets: readonly ReplicaSet[], count: (replicaSet: ReplicaSet) => number | undefined): number {
  let total = 0;
  for (const replicaSet of replicaSets) total += count(replicaSet) ?? 0;
  return total;
}

interface Fences {
  readonly surge: number;
  readonly unavailable: number;
}

/** Surge is rounded up, unavailability down; both 0 would never move on. */
function fencesOf(deployment: Deployment): Fences {
  const rolling = deployment.spec.strategy.rollingUpdate ?? {};
  const replicas = replicasOf(deployment);
  const surge = scaledValue(rolling.maxSurge ?? 0, replicas, 'up');
  const unavailable = scaledValue(rolling.maxUnavailable ?? 0, replicas, 'down');
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How many pods there may be beyond `replicas` during a rolling update. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fencesOf(deployment).surge : 0;
}

/** How many pods may be unavailable during a rolling update. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fencesOf(deployment).unavailable, replicas);
}

/** How many replicas the new set may have now. */
export function newReplicas(deployment: Deployment, current: ReplicaSet | undefined, all: readonly ReplicaSet[]): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const has = current === undefined ? 0 : replicasOf(current);
  const room = wanted + maxSurge(deployment) - sum(all, replicasOf);
  return room <= 0 ? has : has + Math.min(room, wanted - has);
}

/** Every pod is of the new template and there are enough of them. */
export function isSaturated(deployment: Deployment, current: ReplicaSet | undefined): boolean {
  if (current === undefined) return false;
  const wanted = replicasOf(deployment);
  return replicasOf(current) === wanted && (current.status.availableReplicas ?? 0) === wanted
    && current.metadata.annotations?.[desiredAnnotation] === String(wanted);
}

export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
