import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import { parseCertificateRequest } from '#pki/certificate-request.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const signer = 'kubernetes.io/kube-apiserver-client';
const masters = 'system:masters';

/**
 * Nobody becomes a cluster administrator by a certificate that was asked for through the API.
 * Source: Kubernetes documentation, "CertificateSubjectRestriction".
 */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(request) {
    if (request.operation !== 'CREATE' || !writes(request, CertificateSigningRequest)) return;
    const { spec, metadata } = request.object;
    if (spec.signerName !== signer) return;
    let organizations: readonly string[];
    try {
      ({ organizations } = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString()));
    } catch (error) {
      throw forbidden(CertificateSigningRequest, metadata.name ?? '', `failed to parse CSR: ${(error as Error).message}`);
    }
    if (organizations.includes(masters)) {
      throw forbidden(CertificateSigningRequest, metadata.name ?? '', `use of ${signer} signer with ${masters} group is not allowed`);
    }
  },
};
