import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { ResourceSlice } from '#api/resource/resource-slice.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import { parseCertificateRequest } from '#pki/certificate-request.ts';
import { nowText } from '../../registry/registry-context.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * What the server knows better than who writes an object: who asks for a certificate, when something came to be.
 * Source: API reference, certificates.k8s.io/v1 CertificateSigningRequestSpec, resource.k8s.io/v1 DeviceTaint.
 */
export const writtenByServer: AdmissionPlugin = {
  name: 'WrittenByServer',
  mutate(request, { clock }) {
    if (writes(request, CertificateSigningRequest)) writeRequester(request);
    else if (writesStatus(request)) writeConditionTimes(request.object, request.old as CertificateSigningRequest, nowText(clock));
    else if (writes(request, ResourceSlice)) {
      for (const device of request.object.spec.devices ?? []) for (const taint of device.taints ?? []) taint.timeAdded ??= nowText(clock);
    }
  },
  validate(request) {
    if (request.operation !== 'CREATE' || !writes(request, CertificateSigningRequest)) return;
    const { metadata, spec } = request.object;
    try {
      parseCertificateRequest(Buffer.from(spec.request, 'base64').toString());
    } catch (error) {
      throw invalid(CertificateSigningRequest, metadata.name ?? '', [invalidValue('spec.request', spec.request, (error as Error).message)]);
    }
  },
};

function writesStatus(request: AdmissionRequest): request is AdmissionRequest & { readonly object: Draft<CertificateSigningRequest> } {
  return (request.kind as unknown) === CertificateSigningRequest && request.subresource === 'status' && request.object !== undefined;
}

/** It never changes: who asked is who is answered. */
function writeRequester({ object: { spec }, old, operation, user }: AdmissionRequest & { readonly object: Draft<CertificateSigningRequest> }): void {
  const { name, uid, groups, extra } = operation === 'CREATE' ? user : writtenBy(old as CertificateSigningRequest);
  spec.username = name;
  if (uid === undefined) delete spec.uid;
  else spec.uid = uid;
  spec.groups = [...groups];
  if (extra === undefined) delete spec.extra;
  else spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

function writtenBy({ spec }: CertificateSigningRequest): { readonly name: string; readonly uid: string | undefined; readonly groups: readonly string[]; readonly extra: CertificateSigningRequest['spec']['extra'] } {
  return { name: spec.username ?? '', uid: spec.uid, groups: spec.groups ?? [], extra: spec.extra };
}

function writeConditionTimes({ status }: Draft<CertificateSigningRequest>, { status: old }: CertificateSigningRequest, now: string): void {
  for (const condition of status.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= old.conditions?.find((before) => before.type === condition.type && before.status === condition.status)?.lastTransitionTime ?? now;
  }
}
