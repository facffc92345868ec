import { humanDuration } from '#apimachinery/age.ts';
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bytes, int32, list, mapOfLists, object, string, struct, time } from '#apimachinery/schema.ts';
import { validateSignerName } from './signer-name.ts';
import { keepDecisions, validateStatus } from './validate-status.ts';

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

type Parted = Parts<CertificateSigningRequestSpec, CertificateSigningRequestStatus>;

function showState({ conditions = [], certificate }: CertificateSigningRequestStatus): string {
  const is = (type: string): boolean => conditions.some((condition) => condition.type === type);
  const decided = is('Denied') ? 'Denied' : is('Approved') ? 'Approved' : 'Pending';
  return [decided, ...(is('Failed') ? ['Failed'] : []), ...(certificate === undefined ? [] : ['Issued'])].join(',');
}

/** Seconds: a certificate that lives shorter is of no use. */
const shortestLife = 600;

const knownUsages = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only',
  'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];

/** Whether the text begins a request as tools write it; what is in it its signer looks at. */
function isPem(request: string): boolean {
  return new TextDecoder().decode(Uint8Array.fromBase64(request)).includes('-----BEGIN CERTIFICATE REQUEST-----');
}

function* validateRequest({ spec }: Parted): Iterable<FieldError> {
  const { request, signerName, usages = [] } = spec;
  if (request !== undefined && !isPem(request)) yield invalidValue('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST');
  if (usages.length === 0) yield required('spec.usages');
  for (const [index, usage] of usages.entries()) {
    if (!knownUsages.includes(usage)) yield notSupported(`spec.usages[${index}]`, usage, knownUsages);
    if (usages.indexOf(usage) < index) yield duplicate(`spec.usages[${index}]`, usage);
  }
  // Of a signer that is none an older version of the group knew.
  if (signerName === 'kubernetes.io/legacy-unknown') yield invalidValue('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version');
  else if (signerName !== '') yield* validateSignerName(signerName, 'spec.signerName');
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < shortestLife) yield invalidValue('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)');
}

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
  strategy: {
    name: 'path-segment',
    generation: false,
    // Who asked for what stays as it was when it was asked.
    prepareForUpdate(draft, old) {
      draft.spec = old.spec as Draft<CertificateSigningRequestSpec>;
    },
    prepareForStatusUpdate: keepDecisions,
  },
  validate: [validateRequest],
  validateStatusUpdate: [validateStatus],
  columns: [
    nameColumn,
    ageColumn,
    column<Parted>('SignerName', ({ spec }) => spec.signerName),
    column<Parted>('Requestor', ({ spec }) => spec.username ?? ''),
    column<Parted>('RequestedDuration', ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000))),
    column<Parted>('Condition', ({ status: now }) => showState(now)),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
});
export interface CertificateSigningRequest extends Infer<typeof CertificateSigningRequest> {}
