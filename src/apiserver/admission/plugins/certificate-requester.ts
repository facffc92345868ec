import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * Who asks for a certificate is not for the request to say: the server writes it down, and it never changes.
 * Source: API reference, certificates.k8s.io/v1 CertificateSigningRequestSpec.
 */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  mutate(request) {
    if (!writes(request, CertificateSigningRequest)) return;
    const { spec } = request.object;
    const { name, uid, groups, extra } = request.operation === 'CREATE' ? request.user : writtenBy(request.old as CertificateSigningRequest);
    spec.username = name;
    if (uid === undefined) delete spec.uid;
    else spec.uid = uid;
    spec.groups = [...groups];
    if (extra === undefined) delete spec.extra;
    else spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
  },
};

function writtenBy({ spec }: CertificateSigningRequest): { readonly name: string; readonly uid: string | undefined; readonly groups: readonly string[]; readonly extra: CertificateSigningRequest['spec']['extra'] } {
  return { name: spec.username ?? '', uid: spec.uid, groups: spec.groups ?? [], extra: spec.extra };
}
