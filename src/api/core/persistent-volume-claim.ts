import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { claimWarnings } from './storage-warnings.ts';
import { formatAccessModes } from './validate-claim-spec.ts';
import { betaStorageClass, validateClaim, validateClaimStatusUpdate, validateClaimUpdate } from './validate-storage.ts';
import { PersistentVolumeClaimSpec } from './volume.ts';

export const PersistentVolumeClaimCondition = struct('io.k8s.api.core.v1.PersistentVolumeClaimCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const ModifyVolumeStatus = struct('io.k8s.api.core.v1.ModifyVolumeStatus', {
  targetVolumeAttributesClassName: string(1),
  status: oneOf(2, ['InProgress', 'Infeasible', 'Pending'], { required: true }),
});
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimStatus = struct('io.k8s.api.core.v1.PersistentVolumeClaimStatus', {
  phase: oneOf(1, ['Bound', 'Lost', 'Pending'], { default: 'Pending' }),
  accessModes: list(2, 'string', { listType: 'atomic' }),
  capacity: map(3, 'quantity'),
  conditions: list(4, PersistentVolumeClaimCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  allocatedResources: map(5, 'quantity'),
  allocatedResourceStatuses: map(7, 'string', { atomic: false }),
  currentVolumeAttributesClassName: string(8, { pointer: true }),
  modifyVolumeStatus: pointer(9, ModifyVolumeStatus),
});
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

type Parted = Parts<PersistentVolumeClaimSpec, PersistentVolumeClaimStatus>;

function isOldSource(source: Draft<PersistentVolumeClaimSpec>['dataSource']): boolean {
  const group = source?.apiGroup ?? '';
  return (source?.kind === 'PersistentVolumeClaim' && group === '') || (source?.kind === 'VolumeSnapshot' && group === 'snapshot.storage.k8s.io');
}

/** Two fields for one thing: whichever is given fills the other. Sources of other namespaces are behind a gate that is off. */
function alignDataSources(spec: Draft<PersistentVolumeClaimSpec>): void {
  if (spec.dataSourceRef !== undefined) spec.dataSourceRef.namespace = undefined;
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef !== undefined && dataSource === undefined) {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = { apiGroup, kind, name };
  }
}

export const PersistentVolumeClaim = defineResource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, PersistentVolumeClaimSpec),
    status: object(3, PersistentVolumeClaimStatus),
  },
  subresources: [status()],
  strategy: {
    generation: false,
    prepareForCreate(draft) {
      draft.status = { phase: 'Pending' };
      // The older of the two fields takes only what it always took.
      if (!isOldSource(draft.spec.dataSource)) draft.spec.dataSource = undefined;
      alignDataSources(draft.spec);
    },
    prepareForUpdate: (draft) => alignDataSources(draft.spec),
    warnings: claimWarnings,
  },
  validate: [validateClaim],
  validateUpdate: [validateClaimUpdate],
  validateStatusUpdate: [validateClaimStatusUpdate],
  columns: [
    nameColumn,
    column<Parted>('Status', ({ metadata, status: now }) => (metadata.deletionTimestamp !== undefined ? 'Terminating' : (now.phase ?? ''))),
    column<Parted>('Volume', ({ spec }) => spec.volumeName ?? ''),
    column<Parted>('Capacity', ({ spec, status: now }) => (spec.volumeName === undefined ? '' : (now.capacity?.['storage'] ?? '0'))),
    column<Parted>('Access Modes', ({ spec, status: now }) => (spec.volumeName === undefined ? '' : formatAccessModes(now.accessModes))),
    column<Parted>('StorageClass', ({ metadata, spec }) => metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? ''),
    column<Parted>('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    column<Parted>('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', { wide: true }),
  ],
});
export interface PersistentVolumeClaim extends Infer<typeof PersistentVolumeClaim> {}
