/**
 * Whose certificates somebody may approve and sign: the verbs `approve` and `sign` on the signer that a request names.
 * Source: Kubernetes documentation, "Certificates and Certificate Signing Requests: authorization", admission plugins
 * CertificateApproval and CertificateSigning.
 */
import type { CertificateSigningRequest as RequestObject } from '#api/certificates/certificate-signing-request.ts';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import type { Authorizer } from './authorizer.ts';
import { decideFully } from './authorizer.ts';

export function certificateSigners(authorizers: readonly Authorizer[]): readonly AdmissionPlugin[] {
  const may = async (request: AdmissionRequest, verb: string, signer: string): Promise<boolean> => {
    const domain = signer.slice(0, signer.indexOf('/'));
    for (const name of [signer, `${domain}/*`]) {
      const { verdict } = await decideFully(authorizers, {
        user: request.user, verb, isResource: true, path: '', group: 'certificates.k8s.io', version: '*', resource: 'signers', subresource: '', namespace: '', name,
      });
      if (verdict === 'allow') return true;
    }
    return false;
  };
  const checkApproval = async (request: AdmissionRequest): Promise<void> => {
    const { signerName } = (request.old as RequestObject).spec;
    if (await may(request, 'approve', signerName)) return;
    throw forbidden(CertificateSigningRequest, request.name, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  };
  const checkSigning = async (request: AdmissionRequest): Promise<void> => {
    const old = request.old as RequestObject;
    const { status } = request.object as unknown as RequestObject;
    const { signerName } = old.spec;
    if (saysTheSame(old.status.certificate, status.certificate) && saysTheSame(old.status.conditions, status.conditions)) return;
    if (await may(request, 'sign', signerName)) return;
    throw forbidden(CertificateSigningRequest, request.name, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
  };
  // Other writes need not wait.
  return [
    { name: 'CertificateApproval', validate: (request) => (isUpdateOf(request, 'approval') ? checkApproval(request) : undefined) },
    { name: 'CertificateSigning', validate: (request) => (isUpdateOf(request, 'status') ? checkSigning(request) : undefined) },
  ];
}

function isUpdateOf({ kind, object, operation, subresource }: AdmissionRequest, part: string): boolean {
  return (kind as unknown) === CertificateSigningRequest && object !== undefined && operation === 'UPDATE' && subresource === part;
}
