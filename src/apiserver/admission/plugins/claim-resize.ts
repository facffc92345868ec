import type { PersistentVolumeClaim as ClaimObject } from '#api/core/persistent-volume-claim.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { StorageClass } from '#api/storage/storage-class.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * A claim may grow only where its storage class says that volumes can.
 * Source: Kubernetes documentation, "PersistentVolumeClaimResize".
 */
export const claimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(request, { objects }) {
    if (request.operation !== 'UPDATE' || !writes(request, PersistentVolumeClaim)) return;
    const { spec } = request.object;
    const old = request.old as ClaimObject;
    const asked = spec.resources?.requests?.['storage'];
    const before = old.spec.resources?.requests?.['storage'];
    if (asked === undefined || before === undefined || compareQuantity(asked, before) <= 0) return;
    if (old.status.phase !== 'Bound') throw forbidden(PersistentVolumeClaim, request.name, 'only bound persistent volume claims can be expanded');
    const className = spec.storageClassName ?? '';
    const storageClass = className === '' ? undefined : objects.get(StorageClass, className);
    if (storageClass?.allowVolumeExpansion !== true) {
      throw forbidden(PersistentVolumeClaim, request.name, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
    }
  },
};
