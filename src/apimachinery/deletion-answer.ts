import type { GroupVersionKind } from './resource.ts';

const answeredWithObject: Readonly<Record<string, ReadonlySet<string>>> = {
  '': new Set(['PersistentVolume', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'Service', 'ServiceAccount']),
  'storage.k8s.io': new Set(['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass']),
  'resource.k8s.io': new Set(['DeviceClass', 'ResourceClaim', 'ResourceClaimTemplate', 'ResourceSlice']),
};

/**
 * Whether a DELETE of this kind is answered with the object that is gone; others are answered with a Status.
 * Source: Kubernetes' API reference.
 */
export function answersWithObject({ group, kind }: GroupVersionKind): boolean {
  return answeredWithObject[group]?.has(kind) === true;
}
