import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int64, list, object, string, struct } from '#apimachinery/schema.ts';

export const TokenRequest = struct('io.k8s.api.storage.v1.TokenRequest', {
  audience: string(1, { required: true }),
  expirationSeconds: int64(2, { pointer: true }),
});
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = struct('io.k8s.api.storage.v1.CSIDriverSpec', {
  attachRequired: bool(1, { pointer: true }),
  podInfoOnMount: bool(2, { pointer: true }),
  volumeLifecycleModes: list(3, 'string', { listType: 'set' }),
  storageCapacity: bool(4, { pointer: true }),
  fsGroupPolicy: string(5, { pointer: true }),
  tokenRequests: list(6, TokenRequest, { listType: 'atomic' }),
  requiresRepublish: bool(7, { pointer: true }),
  seLinuxMount: bool(8, { pointer: true }),
  nodeAllocatableUpdatePeriodSeconds: int64(9, { pointer: true }),
  serviceAccountTokenInSecrets: bool(10, { pointer: true }),
  preventPodSchedulingIfMissing: bool(11, { pointer: true }),
});
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const CSIDriver = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  fields: {
    spec: object(2, CSIDriverSpec, { required: true }),
  },
});
export interface CSIDriver extends Infer<typeof CSIDriver> {}
