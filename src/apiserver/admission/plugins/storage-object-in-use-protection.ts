import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const finalizers = { claim: 'kubernetes.io/pvc-protection', volume: 'kubernetes.io/pv-protection' };

/**
 * Claims and volumes do not vanish under those who use them: controllers take the finalizer away when nobody does.
 * Source: Kubernetes documentation, "Storage Object in Use Protection".
 */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(request) {
    if (request.operation !== 'CREATE') return;
    const finalizer = writes(request, PersistentVolumeClaim) ? finalizers.claim : writes(request, PersistentVolume) ? finalizers.volume : undefined;
    if (finalizer === undefined || request.object === undefined) return;
    const { metadata } = request.object;
    if (metadata.finalizers?.includes(finalizer) !== true) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  },
};
