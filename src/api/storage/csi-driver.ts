import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int64, list, object, oneOf, string, struct } from '#apimachinery/schema.ts';

export const TokenRequest = struct('io.k8s.api.storage.v1.TokenRequest', {
  audience: string(1, { required: true, mayBeEmpty: true }),
  expirationSeconds: int64(2, { pointer: true }),
});
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = struct('io.k8s.api.storage.v1.CSIDriverSpec', {
  attachRequired: bool(1, { pointer: true, default: true }),
  podInfoOnMount: bool(2, { pointer: true, default: false }),
  volumeLifecycleModes: list(3, 'string', { listType: 'set', default: ['Persistent'] }),
  storageCapacity: bool(4, { pointer: true, default: false }),
  fsGroupPolicy: oneOf(5, ['File', 'None', 'ReadWriteOnceWithFSType'], { pointer: true, default: 'ReadWriteOnceWithFSType' }),
  tokenRequests: list(6, TokenRequest, { listType: 'atomic' }),
  requiresRepublish: bool(7, { pointer: true, default: false }),
  seLinuxMount: bool(8, { pointer: true, default: false }),
  nodeAllocatableUpdatePeriodSeconds: int64(9, { pointer: true }),
  serviceAccountTokenInSecrets: bool(10, { pointer: true }),
  preventPodSchedulingIfMissing: bool(11, { pointer: true }),
});
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

type Driver = SpecPart<CSIDriverSpec>;

export const CSIDriver = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  fields: {
    spec: object(2, CSIDriverSpec, { required: true }),
  },
  strategy: { generation: false },
  validateUpdate: [immutableFields('spec.attachRequired', 'spec.volumeLifecycleModes')],
  columns: [
    nameColumn,
    column<Driver>('AttachRequired', ({ spec }) => spec.attachRequired ?? true, { type: 'boolean' }),
    column<Driver>('PodInfoOnMount', ({ spec }) => spec.podInfoOnMount === true, { type: 'boolean' }),
    column<Driver>('StorageCapacity', ({ spec }) => spec.storageCapacity === true, { type: 'boolean' }),
    column<Driver>('TokenRequests', ({ spec }) => (spec.tokenRequests ?? []).map((each) => each.audience).join(',') || '<unset>'),
    column<Driver>('RequiresRepublish', ({ spec }) => spec.requiresRepublish === true, { type: 'boolean' }),
    column<Driver>('Modes', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
});
export interface CSIDriver extends Infer<typeof CSIDriver> {}
