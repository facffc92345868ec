import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { StorageClass, isDefaultClass } from '#api/storage/storage-class.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * A claim that names no storage class gets the default one; of several, the one that was made last.
 * Source: Kubernetes documentation, "Storage Classes", "Default StorageClass".
 */
export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  mutate(request, { objects }) {
    if (request.operation !== 'CREATE' || !writes(request, PersistentVolumeClaim) || request.object.spec.storageClassName !== undefined) return;
    let newest: StorageClass | undefined;
    for (const each of objects.list(StorageClass)) {
      if (isDefaultClass(each) && (newest === undefined || isBefore(newest, each))) newest = each;
    }
    if (newest !== undefined) request.object.spec.storageClassName = newest.metadata.name;
  },
};

function isBefore(left: StorageClass, right: StorageClass): boolean {
  const [a, b] = [left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? ''];
  return a < b || (a === b && left.metadata.name > right.metadata.name);
}
