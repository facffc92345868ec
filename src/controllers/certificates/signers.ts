/**
 * What each of Kubernetes' signers certifies. Pure.
 *
 * Source: Kubernetes documentation "Certificates and Certificate Signing Requests: Kubernetes signers".
 */
import type { CertificateUsage } from '#pki/to-be-signed.ts';
import type { CertificateRequest } from '#pki/certificate-request.ts';

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const clientSigner = 'kubernetes.io/kube-apiserver-client';
const kubeletServingSigner = 'kubernetes.io/kubelet-serving';
const nodesGroup = 'system:nodes';
const nodePrefix = 'system:node:';

export type SignerVerdict = { readonly usages: readonly CertificateUsage[] } | { readonly refusal: string };

/** Whether the signer is one of ours, and what it makes of the request. undefined: somebody else's. */
export function judgeRequest(signer: string, request: CertificateRequest, usages: readonly string[]): SignerVerdict | undefined {
  switch (signer) {
    case kubeletClientSigner: {
      const refusal = kubeletClientRefusal(request, usages);
      return refusal === undefined ? { usages: ['client'] } : { refusal };
    }
    case clientSigner:
      if (request.organizations.includes('system:masters')) return { refusal: 'may not certify members of system:masters' };
      return hasOnly(usages, ['client auth'], ['digital signature', 'key encipherment']) ? { usages: ['client'] } : { refusal: 'usages did not match [client auth]' };
    case kubeletServingSigner: {
      const refusal = kubeletServingRefusal(request, usages);
      return refusal === undefined ? { usages: ['server'] } : { refusal };
    }
    default:
      return undefined;
  }
}

/** Why the request is not one of a kubelet's client certificate; undefined: it is. */
export function kubeletClientRefusal(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isNode(request)) return nodeRefusal(request);
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return hasOnly(usages, ['client auth', 'digital signature'], ['key encipherment']) ? undefined : 'usages did not match [client auth digital signature]';
}

function kubeletServingRefusal(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isNode(request)) return nodeRefusal(request);
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return hasOnly(usages, ['digital signature', 'server auth'], ['key encipherment']) ? undefined : 'usages did not match [digital signature server auth]';
}

function isNode({ organizations, commonName }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === nodesGroup && commonName.startsWith(nodePrefix);
}

function nodeRefusal({ organizations }: CertificateRequest): string {
  return organizations.length === 1 && organizations[0] === nodesGroup
    ? 'subject common name does not begin with system:node:'
    : 'subject organization is not system:nodes';
}

function hasOnly(usages: readonly string[], needed: readonly string[], allowed: readonly string[]): boolean {
  return needed.every((usage) => usages.includes(usage)) && usages.every((usage) => needed.includes(usage) || allowed.includes(usage));
}
