import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, map, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { PersistentVolumeSpec } from '../core/persistent-volume.ts';

export const VolumeAttachmentSource = struct('io.k8s.api.storage.v1.VolumeAttachmentSource', {
  persistentVolumeName: string(1, { pointer: true }),
  inlineVolumeSpec: pointer(2, PersistentVolumeSpec),
});
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = struct('io.k8s.api.storage.v1.VolumeAttachmentSpec', {
  attacher: string(1, { required: true }),
  source: object(2, VolumeAttachmentSource, { required: true }),
  nodeName: string(3, { required: true }),
});
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = struct('io.k8s.api.storage.v1.VolumeError', {
  time: time(1),
  message: string(2),
  errorCode: int32(3, { pointer: true }),
});
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = struct('io.k8s.api.storage.v1.VolumeAttachmentStatus', {
  attached: bool(1, { required: true }),
  attachmentMetadata: map(2, 'string'),
  attachError: pointer(3, VolumeError),
  detachError: pointer(4, VolumeError),
});
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

type Parted = Parts<VolumeAttachmentSpec, VolumeAttachmentStatus>;

export const VolumeAttachment = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  scope: 'Cluster',
  fields: {
    spec: object(2, VolumeAttachmentSpec, { required: true }),
    status: object(3, VolumeAttachmentStatus),
  },
  subresources: [status()],
  strategy: { generation: false },
  validateUpdate: [immutableFields('spec')],
  columns: [
    nameColumn,
    column<Parted>('Attacher', ({ spec }) => spec.attacher, { format: 'name' }),
    column<Parted>('PV', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    column<Parted>('Node', ({ spec }) => spec.nodeName),
    column<Parted>('Attached', ({ status: now }) => now.attached, { type: 'boolean' }),
    ageColumn,
  ],
});
export interface VolumeAttachment extends Infer<typeof VolumeAttachment> {}
