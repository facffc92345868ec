import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Subdomain, rangeMessage } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, map, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { PersistentVolumeSpec } from '../core/persistent-volume.ts';
import { validateInlineVolume } from '../core/validate-persistent-volume.ts';
import { validateCsiDriverName } from '../core/validate-volume-plugins.ts';
import { textSize } from './validate-parameters.ts';

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

function* validateAttachment({ spec: { attacher, nodeName, source } }: Parted): Iterable<FieldError> {
  const { inlineVolumeSpec, persistentVolumeName } = source;
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) yield required('spec.source', one);
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) yield forbiddenField('spec.source', one);
  else if (persistentVolumeName === '') yield required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName');
  else if (inlineVolumeSpec !== undefined) yield* validateInlineVolume(inlineVolumeSpec, '', 'spec.source.inlineVolumeSpec');
  for (const message of dns1123Subdomain(nodeName)) yield invalidValue('spec.nodeName', nodeName, message);
  if (attacher !== '') yield* validateCsiDriverName(attacher, 'spec.attacher');
  if (persistentVolumeName !== undefined) for (const message of dns1123Subdomain(persistentVolumeName)) yield invalidValue('spec.source.persistentVolumeName', persistentVolumeName, message);
}

/** Bytes. The limit of a message is told as that of the metadata. */
const most = { metadata: 256 * 1024, message: 1024 };

function* validateAttachmentStatus({ status: now }: Parted): Iterable<FieldError> {
  if (textSize(now.attachmentMetadata) > most.metadata) yield tooLong('status.attachmentMetadata', most.metadata);
  for (const key of ['attachError', 'detachError'] as const) {
    const { errorCode, message = '' } = now[key] ?? {};
    if (byteLength(message) > most.message) yield tooLong(`status.${key}.message`, most.metadata);
    if (errorCode !== undefined && errorCode < 0) yield invalidValue(`status.${key}.errorCode`, errorCode, rangeMessage(0, 2 ** 31 - 1));
  }
}

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
  strategy: { needsResourceVersion: true, generation: false },
  validate: [validateAttachment],
  validateUpdate: [immutableFields('spec')],
  validateStatusUpdate: [validateAttachmentStatus],
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
