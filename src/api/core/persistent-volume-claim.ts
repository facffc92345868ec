import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
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
  status: oneOf(2, ['Pending', 'InProgress', 'Infeasible'], { required: true }),
});
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimStatus = struct('io.k8s.api.core.v1.PersistentVolumeClaimStatus', {
  phase: oneOf(1, ['Pending', 'Bound', 'Lost']),
  accessModes: list(2, 'string', { listType: 'atomic' }),
  capacity: map(3, 'quantity'),
  conditions: list(4, PersistentVolumeClaimCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  allocatedResources: map(5, 'quantity'),
  allocatedResourceStatuses: map(7, 'string'),
  currentVolumeAttributesClassName: string(8, { pointer: true }),
  modifyVolumeStatus: pointer(9, ModifyVolumeStatus),
});
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

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
});
export interface PersistentVolumeClaim extends Infer<typeof PersistentVolumeClaim> {}
