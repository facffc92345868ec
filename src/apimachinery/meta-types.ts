import type { Infer } from './schema.ts';
import { bool, int64, list, pointer, string, struct } from './schema.ts';

export const GroupVersionKind = struct('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionKind', {
  group: string(1, { required: true }),
  version: string(2, { required: true }),
  kind: string(3, { required: true }),
});
export interface GroupVersionKind extends Infer<typeof GroupVersionKind> {}

export const FieldSelectorRequirement = struct('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', {
  key: string(1, { required: true }),
  operator: string(2, { required: true }),
  values: list(3, 'string', { listType: 'atomic' }),
});
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}

export const Preconditions = struct('io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions', {
  uid: string(1, { pointer: true }),
  resourceVersion: string(2, { pointer: true }),
});
export interface Preconditions extends Infer<typeof Preconditions> {}

/** The body of a DELETE. */
export const DeleteOptions = struct('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', {
  kind: string(0),
  apiVersion: string(0),
  gracePeriodSeconds: int64(1, { pointer: true }),
  preconditions: pointer(2, Preconditions),
  orphanDependents: bool(3, { pointer: true }),
  propagationPolicy: string(4, { pointer: true }),
  dryRun: list(5, 'string', { listType: 'atomic' }),
  ignoreStoreReadErrorWithClusterBreakingPotential: bool(6, { pointer: true }),
});
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}
