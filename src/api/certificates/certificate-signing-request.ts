import { defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bytes, int32, list, mapOfLists, object, string, struct, time } from '#apimachinery/schema.ts';

export const CertificateSigningRequestSpec = struct('io.k8s.api.certificates.v1.CertificateSigningRequestSpec', {
  request: bytes(1, { required: true }),
  signerName: string(7, { required: true }),
  expirationSeconds: int32(8, { pointer: true }),
  usages: list(5, 'string', { listType: 'atomic' }),
  username: string(2),
  uid: string(3),
  groups: list(4, 'string', { listType: 'atomic' }),
  extra: mapOfLists(6),
});
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = struct('io.k8s.api.certificates.v1.CertificateSigningRequestCondition', {
  type: string(1, { required: true }),
  status: string(6, { required: true }),
  reason: string(2),
  message: string(3),
  lastUpdateTime: time(4),
  lastTransitionTime: time(5),
});
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = struct('io.k8s.api.certificates.v1.CertificateSigningRequestStatus', {
  conditions: list(1, CertificateSigningRequestCondition, { listType: 'map', keys: ['type'] }),
  certificate: bytes(2),
});
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const CertificateSigningRequest = defineResource({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  scope: 'Cluster',
  fields: {
    spec: object(2, CertificateSigningRequestSpec, { required: true }),
    status: object(3, CertificateSigningRequestStatus),
  },
  subresources: [subresource('approval', ['get', 'patch', 'update']), status()],
});
export interface CertificateSigningRequest extends Infer<typeof CertificateSigningRequest> {}
