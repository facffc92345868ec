/** From the informers into the scheduler's cache and queue. */
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { StorageClass } from '#api/storage/storage-class.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { ComponentContext } from '#client/component.ts';
import { podInfoOf } from './cache/pod-info.ts';
import type { SchedulerCache } from './cache/scheduler-cache.ts';
import type { VolumeLookups } from './plugins/volume-binding.ts';
import type { Nominator } from './preemption/nominator.ts';
import { isNodeChangeOfInterest } from './queue/cluster-event.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

/** What the scheduler reads. */
export const watchedKinds: readonly ResourceKind[] = [
  Namespace, Node, Pod, PersistentVolumeClaim, PersistentVolume, StorageClass, PodDisruptionBudget,
] as readonly ResourceKind[];

export interface WatchTargets {
  readonly informers: ComponentContext['informers'];
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  readonly schedulerName: string;
}

/** Keeps the targets in step with the cluster. Returns how to stop. */
export function watchCluster(targets: WatchTargets): () => void {
  const { cache, informers, queue } = targets;
  const storageChanged = (): void => queue.notify({ kind: 'StorageChange' });
  const stops = [
    informers.for(Node).addHandler({
      added(node) {
        cache.setNode(node);
        queue.notify({ kind: 'NodeAdd', node });
      },
      updated(node, oldNode) {
        cache.setNode(node);
        const event = { kind: 'NodeUpdate', node, oldNode } as const;
        if (isNodeChangeOfInterest(event)) queue.notify(event);
      },
      deleted: (node) => cache.deleteNode(node.metadata.name),
    }),
    informers.for(Pod).addHandler({
      added: (pod) => podChanged(targets, pod, undefined),
      updated: (pod, old) => podChanged(targets, pod, old),
      deleted: (pod) => podGone(targets, pod),
    }),
    informers.for(Namespace).addHandler({ updated: () => queue.notify({ kind: 'NamespaceUpdate' }) }),
    ...([PersistentVolumeClaim, PersistentVolume, StorageClass] as readonly ResourceKind[]).map((kind) => informers.for(kind).addHandler({ added: storageChanged, updated: storageChanged })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** A pod that has finished takes no room, as if it were gone. */
function podChanged(targets: WatchTargets, pod: PodObject, old: PodObject | undefined): void {
  if (!isTerminal(pod)) {
    if (isAssigned(pod)) assignedPodChanged(targets, pod, old);
    else waitingPodChanged(targets, pod, old);
  } else if (old === undefined || !isTerminal(old)) podGone(targets, pod);
}

function waitingPodChanged({ cache, nominator, queue, schedulerName }: WatchTargets, pod: PodObject, old: PodObject | undefined): void {
  const { deletionTimestamp, uid } = pod.metadata;
  if (cache.isAssumed(uid) || pod.spec.schedulerName !== schedulerName) return;
  if (deletionTimestamp !== undefined) {
    queue.delete(uid);
    nominator.delete(uid);
    return;
  }
  const info = podInfoOf(pod);
  const { nominatedNodeName } = pod.status;
  if (nominatedNodeName !== undefined) nominator.set(info, nominatedNodeName);
  // One that was nominated a moment ago may not say so yet.
  else if (old?.status.nominatedNodeName !== undefined) nominator.delete(uid);
  queue.set(info);
}

function assignedPodChanged({ cache, nominator, queue }: WatchTargets, pod: PodObject, old: PodObject | undefined): void {
  const { uid } = pod.metadata;
  queue.delete(uid);
  nominator.delete(uid);
  cache.setPod(pod);
  const info = podInfoOf(pod);
  if (old === undefined || !isAssigned(old)) queue.notify({ kind: 'AssignedPodAdd', pod: info });
  else queue.notify({ kind: 'AssignedPodUpdate', pod: info, oldPod: podInfoOf(old) });
}

function podGone({ cache, nominator, queue }: WatchTargets, pod: PodObject): void {
  const { uid } = pod.metadata;
  queue.delete(uid);
  nominator.delete(uid);
  cache.deletePod(uid);
  if (isAssigned(pod)) queue.notify({ kind: 'AssignedPodDelete', pod: podInfoOf(pod) });
}

function isAssigned({ spec }: PodObject): boolean {
  return (spec.nodeName ?? '') !== '';
}

/** The volumes as the informers show them. */
export function volumeLookups({ informers }: Pick<ComponentContext, 'informers'>): VolumeLookups {
  return {
    claim: (namespace, name) => informers.for(PersistentVolumeClaim).get(`${namespace}/${name}`),
    volume: (name) => informers.for(PersistentVolume).get(name),
    storageClass: (name) => informers.for(StorageClass).get(name),
  };
}
