/**
 * How many replicas each ReplicaSet of a Deployment gets next. Pure.
 *
 * Source: Kubernetes documentation "Deployments" (rolling update, Recreate, proportional scaling).
 */
import type { Deployment } from '#api/apps/deployment.ts';
import type { ReplicaSet } from '#api/apps/replica-set.ts';
import type { Revisions } from './replica-sets.ts';
import { byAge, desiredAnnotation, isRollingUpdate, isSaturated, maxAnnotation, maxSurge, maxUnavailable, newReplicas, replicasOf, sum } from './replica-sets.ts';

/** New sizes, in the order in which they are to be set. Sets that keep theirs are not in it. */
export type Sizes = ReadonlyMap<ReplicaSet, number>;

const nothing: Sizes = new Map();

/** Whether the Deployment's size changed since the sets were last sized. */
export function isResized(deployment: Deployment, { all }: Revisions): boolean {
  const wanted = String(replicasOf(deployment));
  return active(all).some(({ metadata }) => {
    const noted = metadata.annotations?.[desiredAnnotation];
    return noted !== undefined && noted !== wanted;
  });
}

/** The next step of a rolling update: the new set grows first; when it cannot, the old ones shrink. */
export function rollingSizes(deployment: Deployment, revisions: Revisions): Sizes {
  const { current, all } = revisions;
  if (current === undefined) return nothing;
  const wanted = replicasOf(deployment);
  const has = replicasOf(current);
  const next = has > wanted ? wanted : has < wanted ? newReplicas(deployment, current, all) : has;
  if (next !== has) return new Map([[current, next]]);
  return shrunkOld(deployment, { ...revisions, current });
}

function shrunkOld(deployment: Deployment, { current, old, all }: Revisions & { readonly current: ReplicaSet }): Sizes {
  const oldActive = active(old).sort(byAge);
  if (oldActive.length === 0) return nothing;
  const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
  const unavailableNew = replicasOf(current) - (current.status.availableReplicas ?? 0);
  const mayGo = sum(all, replicasOf) - minAvailable - unavailableNew;
  if (mayGo <= 0) return nothing;

  const sizes = new Map<ReplicaSet, number>();
  const sizeNow = (replicaSet: ReplicaSet): number => sizes.get(replicaSet) ?? replicasOf(replicaSet);
  // Pods that do not serve go first: whatever blocks them must not block the update.
  let unhealthyLeft = mayGo;
  for (const replicaSet of oldActive) {
    const unhealthy = replicasOf(replicaSet) - (replicaSet.status.availableReplicas ?? 0);
    const gone = Math.min(unhealthyLeft, Math.max(0, unhealthy));
    if (gone === 0) continue;
    sizes.set(replicaSet, replicasOf(replicaSet) - gone);
    unhealthyLeft -= gone;
  }
  let left = sum(all, ({ status }) => status.availableReplicas) - minAvailable;
  for (const replicaSet of oldActive) {
    if (left <= 0) break;
    const gone = Math.min(sizeNow(replicaSet), left);
    if (gone === 0) continue;
    sizes.set(replicaSet, sizeNow(replicaSet) - gone);
    left -= gone;
  }
  return sizes;
}

/** Recreate: all old sets to 0, and only when `oldPodsGone` the new one to full size. */
export function recreateSizes(deployment: Deployment, { current, old }: Revisions, oldPodsGone: () => boolean): Sizes {
  const oldActive = active(old);
  if (oldActive.length > 0) return new Map(oldActive.map((replicaSet) => [replicaSet, 0]));
  if (current === undefined || !oldPodsGone()) return nothing;
  const wanted = replicasOf(deployment);
  return replicasOf(current) === wanted ? nothing : new Map([[current, wanted]]);
}

/**
 * Sizes after the Deployment was scaled (or while it is paused): a single active set takes all; a finished rollout
 * empties the old ones; in the middle of a rollout each set gets its share, so that the risk stays as it was.
 */
export function scaledSizes(deployment: Deployment, revisions: Revisions): Sizes {
  const { current, old, all } = revisions;
  const wanted = replicasOf(deployment);
  const only = onlyActiveOrLatest(revisions);
  if (only !== undefined) return replicasOf(only) === wanted ? nothing : new Map([[only, wanted]]);
  if (isSaturated(deployment, current)) return new Map(active(old).sort(byAge).map((replicaSet) => [replicaSet, 0]));
  return isRollingUpdate(deployment) ? proportionalSizes(deployment, active(all)) : nothing;
}

function onlyActiveOrLatest({ current, old, all }: Revisions): ReplicaSet | undefined {
  const activeSets = active(all);
  if (activeSets.length === 1) return activeSets[0];
  return activeSets.length === 0 ? (current ?? old.at(-1)) : undefined;
}

function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): Sizes {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  const toAdd = allowed - sum(sets, replicasOf);
  if (toAdd === 0) return nothing;
  // The largest first: rounding errors are smallest there. Growing prefers newer sets, shrinking older ones.
  const ordered = [...sets].sort((left, right) => replicasOf(right) - replicasOf(left) || (toAdd > 0 ? byAge(right, left) : byAge(left, right)));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const replicaSet of ordered) {
    const share = shareOf(deployment, replicaSet);
    const left = toAdd - added;
    const change = toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(replicaSet, replicasOf(replicaSet) + change);
    added += change;
  }
  const first = ordered[0];
  if (first !== undefined) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

/** What the set would gain (or lose) if it kept its part of the whole. */
function shareOf(deployment: Deployment, replicaSet: ReplicaSet): number {
  const wanted = replicasOf(deployment);
  const has = replicasOf(replicaSet);
  if (wanted === 0) return -has;
  const noted = Number(replicaSet.metadata.annotations?.[maxAnnotation] ?? 0);
  const before = noted > 0 ? noted : (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  const size = (has * (wanted + maxSurge(deployment))) / before;
  return Math.round(size) - has;
}

export function active(replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  return replicaSets.filter((replicaSet) => replicasOf(replicaSet) > 0);
}
