import type { X509Certificate } from 'node:crypto';

/** Who a client certificate speaks for. */
export interface ClientIdentity {
  /** What Kubernetes takes as the user's name; empty when the certificate has none. */
  readonly commonName: string;
  /** What Kubernetes takes as the user's groups. */
  readonly organizations: readonly string[];
  /** SHA-256 over the certificate, lower-case hex: the credential id in audit records. */
  readonly fingerprintSha256: string;
}

/** Reads the names only; that the certificate is genuine, the caller must know already. */
export function clientIdentity(certificate: X509Certificate): ClientIdentity {
  const subject: Readonly<Record<string, string | string[] | undefined>> = { ...certificate.toLegacyObject().subject };
  return {
    commonName: valuesOf(subject['CN']).at(-1) ?? '',
    organizations: valuesOf(subject['O']),
    fingerprintSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function valuesOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
