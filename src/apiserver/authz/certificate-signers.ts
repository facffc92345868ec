/**
 * Whose certificates somebody may approve and sign: the verbs `approve` and `sign` on the signer that a request names,
 * and that nobody asks for a client certificate with all rights.
 * Source: Kubernetes documentation, "Certificates and Certificate Signing Requests: authorization", admission plugins
 * CertificateApproval, CertificateSigning and CertificateSubjectRestriction.
 */
import type { CertificateSigningRequest as RequestObject } from '#api/certificates/certificate-signing-request.ts';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import { parseCertificateRequest } from '#pki/certificate-request.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import type { Authorizer } from './authorizer.ts';
import { decide } from './authorizer.ts';

export function certificateSigners(authorizers: readonly Authorizer[]): AdmissionPlugin {
  const may = (request: AdmissionRequest, verb: string, signer: string): boolean => {
    const domain = signer.slice(0, signer.indexOf('/'));
    return [signer, `${domain}/*`].some((name) => decide(authorizers, {
      user: request.user, verb, isResource: true, path: '', group: 'certificates.k8s.io', version: '*', resource: 'signers', subresource: '', namespace: '', name,
    }).verdict === 'allow');
  };
  return {
    name: 'CertificateSigners',
    validate(request) {
      if ((request.kind as unknown) !== CertificateSigningRequest || request.object === undefined) return;
      if (request.operation === 'CREATE') return checkSubject(request.object as unknown as RequestObject);
      if (request.operation !== 'UPDATE') return;
      const old = request.old as RequestObject;
      const { status } = request.object as unknown as RequestObject;
      const { signerName } = old.spec;
      if (request.subresource === 'approval' && !may(request, 'approve', signerName)) {
        throw forbidden(CertificateSigningRequest, request.name, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
      }
      const isSigned = request.subresource === 'status' && !(saysTheSame(old.status.certificate, status.certificate) && saysTheSame(old.status.conditions, status.conditions));
      if (isSigned && !may(request, 'sign', signerName)) {
        throw forbidden(CertificateSigningRequest, request.name, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
      }
    },
  };
}

const apiClientSigner = 'kubernetes.io/kube-apiserver-client';

/** The group that nothing can be refused to is not to be had by asking. */
function checkSubject({ spec, metadata }: RequestObject): void {
  if (spec.signerName !== apiClientSigner) return;
  let organizations: readonly string[];
  try {
    ({ organizations } = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString()));
  } catch (error) {
    throw forbidden(CertificateSigningRequest, metadata.name, `could not parse CSR: ${(error as Error).message}`);
  }
  if (organizations.includes('system:masters')) {
    throw forbidden(CertificateSigningRequest, metadata.name, `use of ${apiClientSigner} signer with system:masters group is not allowed`);
  }
}
