import { X509Certificate } from 'node:crypto';
import type { Clock } from '#base/clock.ts';

/**
 * Whether the (first) certificate is no longer valid `withinMs` from now: the time to make a new one. Also true when
 * it is not valid yet.
 */
export function expiresWithin(certificatePem: string, { clock, withinMs }: { readonly clock: Clock; readonly withinMs: number }): boolean {
  const certificate = new X509Certificate(certificatePem);
  const nowMs = clock.nowMs();
  return certificate.validToDate.getTime() <= nowMs + withinMs || certificate.validFromDate.getTime() > nowMs;
}

/** Whether a server may show this certificate under all these names and addresses. */
export function coversNames(
  certificatePem: string,
  { dnsNames = [], ipAddresses = [] }: { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] },
): boolean {
  const certificate = new X509Certificate(certificatePem);
  return dnsNames.every((name) => certificate.checkHost(name) !== undefined)
    && ipAddresses.every((address) => certificate.checkIP(address) !== undefined);
}

/** Whether `certificatePem` carries a signature of the authority in `authorityPem`. Looks at no dates. */
export function isSignedBy(certificatePem: string, authorityPem: string): boolean {
  const certificate = new X509Certificate(certificatePem);
  const authority = new X509Certificate(authorityPem);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
