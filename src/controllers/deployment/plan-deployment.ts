/** What a Deployment does next. Pure: one step; the changes it makes lead to the next. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Given } from '#apimachinery/resource.ts';
import { Deployment } from '#api/apps/deployment.ts';
import type { DeploymentStatus } from '#api/apps/deployment.ts';
import type { ReplicaSet } from '#api/apps/replica-set.ts';
import { findCondition } from '#api/core/pod-status.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import { podTemplateHashLabel, templateHash } from '../template-hash.ts';
import type { Sizes } from './plan-scaling.ts';
import { isResized, recreateSizes, rollingSizes, scaledSizes } from './plan-scaling.ts';
import { countedStatus, hasDeadline, isComplete, pausedConditions, rolloutStatus, setCondition, stuckCheckMs } from './plan-status.ts';
import type { Revisions } from './replica-sets.ts';
import { isRollingUpdate, newReplicas, replicasOf, revisionAnnotation, revisionsOf } from './replica-sets.ts';
import { annotationsOfCurrent, annotationsOfNew, nextRevision, revisionOf, sizeAnnotations } from './revision.ts';

export interface DeploymentInput {
  readonly deployment: Deployment;
  /** Those it controls. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Whether no pod of a set other than `current` is left running. Asked by Recreate only. */
  readonly oldPodsGone: (current: ReplicaSet | undefined) => boolean;
  readonly nowMs: number;
}

export interface ReplicaSetChange {
  readonly replicaSet: ReplicaSet;
  /** The set as it shall be. */
  readonly changed: ReplicaSet;
}

export interface DeploymentPlan {
  readonly create: Given<ReplicaSet> | undefined;
  readonly changes: readonly ReplicaSetChange[];
  readonly remove: readonly ReplicaSet[];
  /** What the Deployment's own revision annotation shall be; undefined: as it is. */
  readonly revision: string | undefined;
  readonly status: DeploymentStatus;
  readonly recheckAfterMs: number | undefined;
}

export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const { deployment, nowMs } = input;
  const revisions = revisionsOf(deployment, input.replicaSets);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    return nothingButStatus(countedStatus(deployment, revisions, deployment.status.conditions, nowMs));
  }
  const conditions = pausedConditions(deployment, nowMs);
  if (deployment.spec.paused === true || isResized(deployment, revisions)) return planScale(input, revisions, conditions);

  const synced = planRevision(input, revisions, conditions);
  if (synced.create !== undefined || synced.changes.length > 0) {
    return { ...synced, remove: [], status: rolloutStatus(deployment, revisions, synced.conditions, nowMs), recheckAfterMs: undefined };
  }
  const sizes = isRollingUpdate(deployment) ? rollingSizes(deployment, revisions) : recreateSizes(deployment, revisions, () => input.oldPodsGone(revisions.current));
  const status = rolloutStatus(deployment, revisions, synced.conditions, nowMs);
  return {
    create: undefined,
    changes: resized(deployment, sizes),
    remove: sizes.size === 0 && isComplete(deployment, status) ? removable(deployment, revisions.old) : [],
    revision: synced.revision,
    status,
    recheckAfterMs: stuckCheckMs(deployment, status, nowMs),
  };
}

function nothingButStatus(status: DeploymentStatus): DeploymentPlan {
  return { create: undefined, changes: [], remove: [], revision: undefined, status, recheckAfterMs: undefined };
}

type Conditions = DeploymentStatus['conditions'];

/** Paused or just scaled: sizes follow, but no new revision is made. */
function planScale({ deployment, nowMs }: DeploymentInput, revisions: Revisions, conditions: Conditions): DeploymentPlan {
  const sizes = new Map(scaledSizes(deployment, revisions));
  // Sets that keep their size still note what was wanted, else this would never be over.
  for (const replicaSet of revisions.all) if (replicasOf(replicaSet) > 0 && !sizes.has(replicaSet)) sizes.set(replicaSet, replicasOf(replicaSet));
  const newest = revisions.current === undefined ? undefined : currentChanged(deployment, revisions.current, revisions.old);
  const status = countedStatus(deployment, revisions, conditions, nowMs);
  return {
    create: undefined,
    changes: resized(deployment, sizes, newest === undefined ? [] : [newest]),
    remove: deployment.spec.paused === true ? removable(deployment, revisions.old) : [],
    revision: revisions.current === undefined ? undefined : revisionChange(deployment, String(larger(revisionOf(revisions.current), nextRevision(revisions.old)))),
    status,
    recheckAfterMs: undefined,
  };
}

interface RevisionPlan {
  readonly create: Given<ReplicaSet> | undefined;
  readonly changes: readonly ReplicaSetChange[];
  readonly revision: string | undefined;
  readonly conditions: Conditions;
}

/** There is a set for the template, with the highest revision. Recreate makes it only when the old pods are gone. */
function planRevision(input: DeploymentInput, revisions: Revisions, conditions: Conditions): RevisionPlan {
  const { deployment, nowMs } = input;
  const { current, old } = revisions;
  const revision = nextRevision(old);
  if (current !== undefined) {
    const changed = currentChanged(deployment, current, old);
    const isKnown = !hasDeadline(deployment) || findCondition(conditions, 'Progressing') !== undefined;
    return {
      create: undefined,
      changes: changed === undefined ? [] : [{ replicaSet: current, changed }],
      revision: changed === undefined ? revisionChange(deployment, current.metadata.annotations?.[revisionAnnotation] ?? String(revision)) : undefined,
      conditions: isKnown ? conditions : setCondition(conditions, progress('FoundNewReplicaSet', `Found new replica set "${current.metadata.name}"`), nowMs),
    };
  }
  const mayCreate = isRollingUpdate(deployment) || (old.every((replicaSet) => replicasOf(replicaSet) === 0) && input.oldPodsGone(undefined));
  if (!mayCreate) return { create: undefined, changes: [], revision: undefined, conditions };
  const create = newReplicaSet(deployment, revisions, revision);
  return {
    create,
    changes: [],
    revision: revisionChange(deployment, String(revision)),
    conditions: hasDeadline(deployment)
      ? setCondition(conditions, progress('NewReplicaSetCreated', `Created new replica set "${create.metadata?.name ?? ''}"`), nowMs)
      : conditions,
  };
}

function progress(reason: string, message: string) {
  return { type: 'Progressing', status: 'True', reason, message } as const;
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function revisionChange({ metadata }: Deployment, revision: string): string | undefined {
  return metadata.annotations?.[revisionAnnotation] === revision ? undefined : revision;
}

/** The newest set with the annotations and settings it shall have; undefined when it has them. */
function currentChanged(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const annotations = annotationsOfCurrent(deployment, current, nextRevision(old));
  const { minReadySeconds } = deployment.spec;
  const isSame = saysTheSame(annotations, current.metadata.annotations) && (minReadySeconds ?? 0) === (current.spec.minReadySeconds ?? 0);
  return isSame ? undefined : { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, minReadySeconds } };
}

function newReplicaSet(deployment: Deployment, { all }: Revisions, revision: bigint): Given<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status.collisionCount);
  const labels = { ...template.metadata.labels, [podTemplateHashLabel]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: annotationsOfNew(deployment, revision),
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas: newReplicas(deployment, undefined, all),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [podTemplateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** The sets with their new sizes; `already` are changes of the same sets that go along. */
function resized(deployment: Deployment, sizes: Sizes, already: readonly ReplicaSet[] = []): readonly ReplicaSetChange[] {
  const changes: ReplicaSetChange[] = [];
  for (const [replicaSet, replicas] of sizes) {
    const base = already.find((each) => each.metadata.uid === replicaSet.metadata.uid) ?? replicaSet;
    const annotations = { ...base.metadata.annotations, ...sizeAnnotations(deployment) };
    if (replicas === replicasOf(replicaSet) && saysTheSame(annotations, replicaSet.metadata.annotations)) continue;
    changes.push({ replicaSet, changed: { ...base, metadata: { ...base.metadata, annotations }, spec: { ...base.spec, replicas } } });
  }
  return changes;
}

/** Old sets beyond the history that is kept, oldest revision first; none that still has or awaits pods. */
function removable({ spec }: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return [];
  const kept = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = kept.length - limit;
  if (surplus <= 0) return [];
  const byRevision = kept.toSorted((left, right) => (revisionOf(left) < revisionOf(right) ? -1 : 1));
  return byRevision.slice(0, surplus).filter(({ status, spec: { replicas = 1 }, metadata }) =>
    status.replicas === 0 && replicas === 0 && (metadata.generation ?? 0) <= (status.observedGeneration ?? 0));
}
