/**
 * Keeps pods from being placed before their claims have volumes, or where those volumes cannot be reached. It does not
 * choose volumes for claims that wait for a pod: such a pod stays pending, and is told so.
 */
import type { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { PersistentVolume } from '#api/core/persistent-volume.ts';
import type { NodeSelector } from '#api/core/scheduling.ts';
import type { StorageClass } from '#api/storage/storage-class.ts';
import { matchesNodeSelector } from '#api/core/node-selector.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { FilterPlan, Rejection, SchedulerPlugin } from '../framework.ts';
import { always } from '../framework.ts';

/** Where the plugin looks volumes up. */
export interface VolumeLookups {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
}

const name = 'VolumeBinding';
const conflict: Rejection = { plugin: name, reasons: ["node(s) didn't match PersistentVolume's node affinity"], isResolvable: false };
const lost: Rejection = { plugin: name, reasons: ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'], isResolvable: false };
const unbound: Rejection = { plugin: name, reasons: ["node(s) didn't find available persistent volumes to bind"], isResolvable: false };

export function volumeBinding(lookups: VolumeLookups): SchedulerPlugin {
  return { name, filter: (pod) => prepare(pod, lookups), wakesOn: { StorageChange: always, NodeAdd: always } };
}

function prepare({ pod }: PodInfo, lookups: VolumeLookups): FilterPlan | undefined {
  const claims = claimNames(pod);
  if (claims.length === 0) return undefined;
  const required: NodeSelector[] = [];
  let waits = false;
  for (const claimName of claims) {
    const claim = lookups.claim(pod.metadata.namespace, claimName);
    if (claim === undefined) return refuse(`persistentvolumeclaim "${claimName}" not found`);
    if (claim.metadata.deletionTimestamp !== undefined) return refuse(`persistentvolumeclaim "${claimName}" is being deleted`);
    if (claim.status.phase === 'Lost') return refuse(`persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`);
    if ((claim.spec.volumeName ?? '') === '' || claim.status.phase !== 'Bound') {
      const storageClass = lookups.storageClass(claim.spec.storageClassName ?? '');
      if (storageClass?.volumeBindingMode !== 'WaitForFirstConsumer') return refuse('pod has unbound immediate PersistentVolumeClaims');
      waits = true;
      continue;
    }
    const volume = lookups.volume(claim.spec.volumeName ?? '');
    if (volume === undefined) return { node: () => lost };
    if (volume.spec.nodeAffinity?.required !== undefined) required.push(volume.spec.nodeAffinity.required);
  }
  if (waits) return { node: () => unbound };
  if (required.length === 0) return undefined;
  return { node: ({ node }) => (required.every((selector) => matchesNodeSelector(selector, node)) ? undefined : conflict) };
}

function refuse(reason: string): FilterPlan {
  return { reject: { plugin: name, reasons: [reason], isResolvable: false } };
}

/** Claims that the pod names, and those that are made for it. */
function claimNames(pod: PodInfo['pod']): readonly string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [`${pod.metadata.name}-${volume.name}`];
  });
}
