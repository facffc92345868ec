/** Keeps pods with stable names and storage, made and removed in order. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { ControllerRevision } from '#api/apps/controller-revision.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { Pod } from '#api/core/pod.ts';
import { findCondition, isAvailable, isReady } from '#api/core/pod-status.ts';
import { keyOf } from '#client/informer.ts';
import { timeMs } from '#client/timestamp.ts';
import { claim } from '#reconcile/adoption.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import { queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { messageOf } from '../pod-control.ts';
import type { History } from '../revision-history.ts';
import { surplusRevisions, syncHistory, templateOf } from '../revision-history.ts';
import type { NewPod, Removal } from './plan-stateful-set.ts';
import { ordinalOf, planStatefulSet, revisionOf } from './plan-stateful-set.ts';
import { claimName, claimsFor, podName, statefulPod } from './stateful-pod.ts';

export const statefulSetController = defineController<StatefulSet>({
  name: 'statefulset-controller',
  for: StatefulSet,
  owns: [Pod, ControllerRevision],
  selects: ({ spec }) => queryOf(spec.selector),
  reads: [PersistentVolumeClaim],

  async reconcile(key, context) {
    const { lister, client, clock, signal } = context;
    const set = lister.get(StatefulSet, key);
    if (set === undefined) return done;
    const query = queryOf(set.spec.selector);
    if (query.requirements.length === 0) return done;
    const history = await syncHistory({ kind: StatefulSet, object: set, query, template: set.spec.template, collisionCount: set.status.collisionCount ?? 0, labelsByName: true }, context);
    if (history === 'collision') {
      await client.updateStatus(StatefulSet, { ...set, status: { ...set.status, collisionCount: (set.status.collisionCount ?? 0) + 1 } }, { signal });
      return done;
    }
    const pods = await claim(Pod, { kind: StatefulSet, owner: set, query }, context);
    const updateRevision = history.current.metadata.name;
    const known = [...history.old, history.current].find(({ metadata }) => metadata.name === set.status.currentRevision);
    const currentRevision = known?.metadata.name ?? updateRevision;
    const plan = planStatefulSet({ set, pods, currentRevision, updateRevision, nowMs: clock.nowMs() });
    if (!saysTheSame(plan.status, set.status)) await client.updateStatus(StatefulSet, { ...set, status: plan.status }, { signal });
    for (const pod of plan.create) await create(set, pod, history, context);
    for (const removal of plan.remove) await remove(set, removal, context);
    const isLive = ({ metadata }: ControllerRevision): boolean => metadata.name === plan.status.currentRevision || pods.some((pod) => revisionOf(pod) === metadata.name);
    for (const revision of surplusRevisions(history, set.spec.revisionHistoryLimit ?? 10, isLive)) {
      await client.delete(ControllerRevision, revision.metadata, { signal });
    }
    return recheckAfter(nextAvailableMs(set, pods, clock.nowMs()));
  },
});

async function create(set: StatefulSet, wanted: NewPod, history: History, context: ReconcileContext): Promise<void> {
  const { client, recorder, signal } = context;
  const name = podName(set, wanted.ordinal);
  await createClaims(set, wanted.ordinal, context);
  const revision = wanted.revision === history.current.metadata.name ? undefined : history.old.find(({ metadata }) => metadata.name === wanted.revision);
  const template = (revision === undefined ? undefined : templateOf(revision)) ?? set.spec.template;
  try {
    await client.create(Pod, statefulPod(set, template, wanted), { signal });
  } catch (error) {
    if (hasReason(error, 'AlreadyExists')) return;
    recorder.event({ object: set }, 'Warning', 'FailedCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`);
    throw error;
  }
  recorder.event({ object: set }, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`);
}

async function createClaims(set: StatefulSet, ordinal: number, { lister, client, recorder, signal }: ReconcileContext): Promise<void> {
  for (const wanted of claimsFor(set, ordinal)) {
    const name = wanted.metadata?.name ?? '';
    const about = `Claim ${name} Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
    const known = lister.get(PersistentVolumeClaim, `${set.metadata.namespace}/${name}`);
    if (known?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
    if (known !== undefined) continue;
    try {
      await client.create(PersistentVolumeClaim, wanted, { signal });
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) continue;
      recorder.event({ object: set }, 'Warning', 'FailedCreate', `create ${about} failed error: ${messageOf(error)}`);
      throw error;
    }
    recorder.event({ object: set }, 'Normal', 'SuccessfulCreate', `create ${about} success`);
  }
}

async function remove(set: StatefulSet, { pod, why }: Removal, context: ReconcileContext): Promise<void> {
  const { client, recorder, signal } = context;
  const { name } = pod.metadata;
  if (why === 'failed') recorder.event({ object: set }, 'Warning', 'RecreatingFailedPod', `StatefulSet ${keyOf(set)} is recreating failed Pod ${name}`);
  if (why === 'ended') recorder.event({ object: set }, 'Normal', 'RecreatingTerminatedPod', `StatefulSet ${keyOf(set)} is recreating terminated Pod ${name}`);
  if (why === 'scaled' && set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete') await bindClaimsToPod(set, pod, context);
  try {
    await client.delete(Pod, pod.metadata, { signal });
  } catch (error) {
    if (hasReason(error, 'NotFound')) return;
    recorder.event({ object: set }, 'Warning', 'FailedDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`);
    throw error;
  }
  recorder.event({ object: set }, 'Normal', 'SuccessfulDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`);
}

/** The claims of a pod that is scaled away go with it: garbage collection sees to that. */
async function bindClaimsToPod(set: StatefulSet, pod: Pod, { lister, client, signal }: ReconcileContext): Promise<void> {
  const { name, uid, namespace } = pod.metadata;
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const known = lister.get(PersistentVolumeClaim, `${namespace}/${claimName(set, template, ordinalOf(set, pod) ?? 0)}`);
    if (known === undefined || known.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true) continue;
    const ownerReferences = [{ apiVersion: Pod.apiVersion, kind: Pod.kind, name, uid }];
    await client.update(PersistentVolumeClaim, { ...known, metadata: { ...known.metadata, ownerReferences } }, { signal });
  }
}

function nextAvailableMs({ spec }: StatefulSet, pods: readonly Pod[], nowMs: number): number | undefined {
  const minReady = spec.minReadySeconds ?? 0;
  if (minReady === 0) return undefined;
  let nextMs = Infinity;
  for (const pod of pods) {
    if (!isReady(pod) || isAvailable(pod, minReady, nowMs)) continue;
    nextMs = Math.min(nextMs, Math.max(1, timeMs(findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime) + minReady * 1000 - nowMs));
  }
  return nextMs;
}
