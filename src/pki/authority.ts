import { X509Certificate, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { bitString, elementsOf, objectIdentifier, sequence } from './der.ts';
import { encodeName, signatureAlgorithm, toBeSigned } from './to-be-signed.ts';
import type { CertificateUsage, ToBeSigned } from './to-be-signed.ts';

/** A certificate and the private key that belongs to it, both PEM. */
export interface PemPair {
  readonly certificatePem: string;
  /** SEC1 (`EC PRIVATE KEY`) when made here. */
  readonly privateKeyPem: string;
}

/** An authority ready to sign: its PEM pair, and the pair already parsed. */
export interface Authority extends PemPair {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  readonly subjectDer: Uint8Array;
  /** As its certificate has it; undefined when that has none. */
  readonly keyIdentifier: Uint8Array | undefined;
}

export interface AuthorityOptions {
  readonly commonName: string;
  readonly clock: Clock;
  readonly validDays: number;
}

export interface CertificateOptions {
  readonly commonName: string;
  /** What Kubernetes reads as the groups of a client. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly CertificateUsage[];
  readonly clock: Clock;
  readonly validDays: number;
}

/** Makes a new authority: an ECDSA P-256 key and a certificate it signs itself. About 1 ms. */
export function createAuthority(options: AuthorityOptions): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyDer = publicKey.export({ type: 'spki', format: 'der' });
  const subjectDer = encodeName({ commonName: options.commonName, organizations: [] });
  const certificatePem = signCertificate(privateKey, {
    ...validity(options),
    issuerDer: subjectDer,
    subjectDer,
    publicKeyDer,
    isAuthority: true,
    usages: [],
    dnsNames: [options.commonName],
    ipAddresses: [],
  });
  return loadAuthority({ certificatePem, privateKeyPem: exportKey(privateKey) });
}

/** Throws when either PEM cannot be read, the two do not belong together, or the certificate may not sign others. */
export function loadAuthority(pair: PemPair): Authority {
  const certificate = new X509Certificate(pair.certificatePem);
  const privateKey = createPrivateKey(pair.privateKeyPem);
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('the private key does not belong to the certificate');
  if (!certificate.ca) throw new Error('the certificate is not one of an authority');
  return {
    ...pair,
    privateKey,
    certificate,
    subjectDer: subjectOf(certificate),
    keyIdentifier: keyIdentifierOf(certificate),
  };
}

/** A new key and a certificate for it, signed by `authority`. Never outlives the authority. Under 1 ms. */
export function issueCertificate(authority: Authority, options: CertificateOptions): PemPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { certificatePem: certify(authority, publicKey, options), privateKeyPem: exportKey(privateKey) };
}

/** A certificate for a key that the caller holds: what signing a request comes down to. PEM. */
export function certify(authority: Authority, publicKey: KeyObject, options: CertificateOptions): string {
  const { notBeforeMs, notAfterMs } = validity(options);
  return signCertificate(authority.privateKey, {
    notBeforeMs,
    notAfterMs: Math.min(notAfterMs, authority.certificate.validToDate.getTime()),
    issuerDer: authority.subjectDer,
    subjectDer: encodeName({ commonName: options.commonName, organizations: options.organizations ?? [] }),
    publicKeyDer: publicKey.export({ type: 'spki', format: 'der' }),
    authorityKeyIdentifier: authority.keyIdentifier,
    isAuthority: false,
    usages: options.usages,
    dnsNames: options.dnsNames ?? [],
    ipAddresses: options.ipAddresses ?? [],
  });
}

/** For a server that was given no certificate: one that signs itself, good for a year. Clients must not verify it. */
export function selfSignedServingPair(options: Omit<CertificateOptions, 'usages' | 'validDays'>): PemPair {
  const validDays = 365;
  const authority = createAuthority({ commonName: `${options.commonName}-ca`, clock: options.clock, validDays });
  const pair = issueCertificate(authority, { ...options, usages: ['server'], validDays });
  return { ...pair, certificatePem: pair.certificatePem + authority.certificatePem };
}

function signCertificate(privateKey: KeyObject, parts: Omit<ToBeSigned, 'algorithm'>): string {
  const algorithm = signatureAlgorithm(privateKey);
  const content = toBeSigned({ ...parts, algorithm });
  const signature = sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', content, privateKey);
  return toPem('CERTIFICATE', sequence(content, algorithm, bitString(signature)));
}

/** Wraps DER in PEM armour. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function exportKey(privateKey: KeyObject): string {
  return privateKey.export({ type: 'sec1', format: 'pem' });
}

/** Starts a little in the past, for clients whose clock is behind. */
function validity({ clock, validDays }: Pick<CertificateOptions, 'clock' | 'validDays'>): {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
} {
  const nowMs = clock.nowMs();
  return { notBeforeMs: nowMs - 5 * 60_000, notAfterMs: nowMs + validDays * 86_400_000 };
}

/** The subject exactly as the certificate spells it: an issuer name must match it byte for byte. */
function subjectOf(certificate: X509Certificate): Uint8Array {
  // version, serial, algorithm, issuer, validity, subject
  const subject = signedParts(certificate)[5];
  if (subject === undefined) throw new Error('the certificate has no subject');
  return subject.whole;
}

/** The subject key identifier, which certificates name that it signs; verifiers compare the two. */
function keyIdentifierOf(certificate: X509Certificate): Uint8Array | undefined {
  const extensions = signedParts(certificate).find(({ tag }) => tag === extensionsTag);
  for (const { content } of elementsOf(elementsOf(extensions?.content ?? empty)[0]?.content ?? empty)) {
    const [name, ...rest] = elementsOf(content);
    if (name !== undefined && Buffer.from(name.whole).equals(subjectKeyIdentifier)) return elementsOf(rest.at(-1)?.content ?? empty)[0]?.content;
  }
  return undefined;
}

const extensionsTag = 0xa3;
const subjectKeyIdentifier = objectIdentifier('2.5.29.14');

function signedParts(certificate: X509Certificate): ReturnType<typeof elementsOf> {
  return elementsOf(elementsOf(elementsOf(certificate.raw)[0]?.content ?? empty)[0]?.content ?? empty);
}

const empty = new Uint8Array();
