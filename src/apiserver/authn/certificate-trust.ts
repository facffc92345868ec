import { X509Certificate } from 'node:crypto';

/**
 * Whether a client certificate, which TLS has verified against all authorities of the server together, comes from
 * particular ones of them. Remembered per certificate, which is one per connection: checking a signature costs as much as
 * answering a request.
 */
export type CertificateTrust = (certificate: X509Certificate) => boolean;

/** More intermediates than any authority puts between itself and a client. */
const maxChain = 8;

/** Trusts what is signed by one of the certificates in `caPem`, with intermediates that the client has sent between. */
export function trustOf(caPem: string): CertificateTrust {
  const authorities = certificatesIn(caPem);
  const known = new WeakMap<X509Certificate, boolean>();
  return (certificate) => {
    let isTrusted = known.get(certificate);
    if (isTrusted === undefined) {
      isTrusted = leadsTo(authorities, certificate);
      known.set(certificate, isTrusted);
    }
    return isTrusted;
  };
}

function leadsTo(authorities: readonly X509Certificate[], leaf: X509Certificate): boolean {
  let current: X509Certificate = leaf;
  for (let depth = 0; depth < maxChain; depth++) {
    for (const authority of authorities) if (current.checkIssued(authority) && current.verify(authority.publicKey)) return true;
    const next: X509Certificate | undefined = current.issuerCertificate;
    // What the client has sent along proves nothing until its own signature is checked.
    if (next === undefined || !next.ca || !current.verify(next.publicKey)) return false;
    current = next;
  }
  return false;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([each]) => new X509Certificate(each));
}
