import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { inline, list, map, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { ObjectReference } from './references.ts';
import { NodeSelector } from './scheduling.ts';
import { formatAccessModes } from './validate-claim-spec.ts';
import { validateVolume, validateVolumeUpdate } from './validate-persistent-volume.ts';
import { volumeWarnings } from './storage-warnings.ts';
import { PersistentVolumeSource } from './volume.ts';

export const VolumeNodeAffinity = struct('io.k8s.api.core.v1.VolumeNodeAffinity', {
  required: pointer(1, NodeSelector),
});
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}

export const PersistentVolumeSpec = struct('io.k8s.api.core.v1.PersistentVolumeSpec', {
  capacity: map(1, 'quantity'),
  accessModes: list(3, 'string', { listType: 'atomic' }),
  claimRef: pointer(4, ObjectReference, { atomic: false }),
  persistentVolumeReclaimPolicy: oneOf(5, ['Delete', 'Recycle', 'Retain'], { default: 'Retain' }),
  storageClassName: string(6),
  mountOptions: list(7, 'string', { listType: 'atomic' }),
  volumeMode: oneOf(8, ['Block', 'Filesystem'], { pointer: true, default: 'Filesystem' }),
  nodeAffinity: pointer(9, VolumeNodeAffinity),
  volumeAttributesClassName: string(10, { pointer: true }),
}, { inlines: [inline(2, PersistentVolumeSource)] });
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}

export const PersistentVolumeStatus = struct('io.k8s.api.core.v1.PersistentVolumeStatus', {
  phase: oneOf(1, ['Available', 'Bound', 'Failed', 'Pending', 'Released'], { default: 'Pending' }),
  message: string(2),
  reason: string(3),
  lastPhaseTransitionTime: time(4, { pointer: true }),
});
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

type Parted = Parts<PersistentVolumeSpec, PersistentVolumeStatus>;

export const PersistentVolume = defineResource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  scope: 'Cluster',
  fields: {
    spec: object(2, PersistentVolumeSpec),
    status: object(3, PersistentVolumeStatus),
  },
  subresources: [status()],
  strategy: {
    generation: false,
    prepareForCreate(draft) {
      draft.status = { phase: 'Pending' };
    },
    warnings: volumeWarnings,
  },
  validate: [validateVolume],
  validateUpdate: [validateVolumeUpdate],
  columns: [
    nameColumn,
    column<Parted>('Capacity', ({ spec }) => spec.capacity?.['storage'] ?? '0'),
    column<Parted>('Access Modes', ({ spec }) => formatAccessModes(spec.accessModes)),
    column<Parted>('Reclaim Policy', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    column<Parted>('Status', ({ metadata, status: now }) => (metadata.deletionTimestamp !== undefined ? 'Terminating' : (now.phase ?? ''))),
    column<Parted>('Claim', ({ spec: { claimRef } }) => (claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`)),
    column<Parted>('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    column<Parted>('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName ?? '<unset>'),
    column<Parted>('Reason', ({ status: now }) => now.reason ?? ''),
    ageColumn,
    column<Parted>('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', { wide: true }),
  ],
});
export interface PersistentVolume extends Infer<typeof PersistentVolume> {}
