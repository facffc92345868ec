import type { Infer } from './schema.ts';
import { bool, fieldsV1, int64, list, map, string, struct, time } from './schema.ts';

export const OwnerReference = struct(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  {
    kind: string(1, { required: true }),
    name: string(3, { required: true }),
    uid: string(4, { required: true }),
    apiVersion: string(5, { required: true }),
    controller: bool(6, { pointer: true }),
    blockOwnerDeletion: bool(7, { pointer: true }),
  },
  { atomic: true },
);
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ManagedFieldsEntry = struct('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry', {
  manager: string(1),
  operation: string(2),
  apiVersion: string(3),
  time: time(4, { pointer: true }),
  fieldsType: string(6),
  fieldsV1: fieldsV1(7),
  subresource: string(8),
});
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

/** The metadata of an object that is embedded in another (a pod template): nothing of it is certain. */
export const TemplateMeta = struct('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', {
  name: string(1),
  generateName: string(2),
  namespace: string(3),
  selfLink: string(4),
  uid: string(5),
  resourceVersion: string(6),
  generation: int64(7),
  creationTimestamp: time(8),
  deletionTimestamp: time(9, { pointer: true }),
  deletionGracePeriodSeconds: int64(10, { pointer: true }),
  labels: map(11, 'string'),
  annotations: map(12, 'string'),
  ownerReferences: list(13, OwnerReference, { listType: 'map', keys: ['uid'], patch: 'merge', mergeKey: 'uid' }),
  finalizers: list(14, 'string', { listType: 'set', patch: 'merge' }),
  managedFields: list(17, ManagedFieldsEntry, { listType: 'atomic' }),
});
export interface TemplateMeta extends Infer<typeof TemplateMeta> {}

/** The metadata of an object that the API server has stored. */
export interface ObjectMeta extends TemplateMeta {
  readonly name: string;
  readonly uid: string;
  /** Opaque to clients; here the store's revision in decimal. */
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
}
export interface NamespacedMeta extends ObjectMeta {
  readonly namespace: string;
}

/** What every object has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}
