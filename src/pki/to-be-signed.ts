import { createHash, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import {
  bitString, boolean, element, elementsOf, explicit, implicit, objectIdentifier, octetString, positiveInteger, sequence, setOf, time,
  utf8String,
} from './der.ts';
import type { Der } from './der.ts';

/** What a certificate may be used for: proving who a client is, or which server answers. */
export type CertificateUsage = 'client' | 'server';

export interface SubjectName {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export interface ToBeSigned {
  /** How the authority signs. */
  readonly algorithm: Der;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The key identifier of the signer; absent when a certificate signs itself, or its signer has none. */
  readonly authorityKeyIdentifier?: Uint8Array | undefined;
  readonly isAuthority: boolean;
  readonly usages: readonly CertificateUsage[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/**
 * The part of a version 3 certificate that the authority signs.
 *
 * Source: RFC 5280, section 4.1.
 */
export function toBeSigned(parts: ToBeSigned): Der {
  return sequence(
    explicit(0, positiveInteger(Uint8Array.of(2))),
    positiveInteger(serialNumber()),
    parts.algorithm,
    parts.issuerDer,
    sequence(time(parts.notBeforeMs), time(parts.notAfterMs)),
    parts.subjectDer,
    parts.publicKeyDer,
    explicit(3, sequence(...extensions(parts))),
  );
}

/**
 * What a key signs with: ecdsa-with-SHA256, sha256WithRSAEncryption or Ed25519. Throws for other keys.
 *
 * Source: RFC 5758, RFC 4055, RFC 8410.
 */
export function signatureAlgorithm(key: KeyObject): Der {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return sequence(objectIdentifier('1.2.840.10045.4.3.2'));
    case 'rsa':
      return sequence(objectIdentifier('1.2.840.113549.1.1.11'), element(0x05));
    case 'ed25519':
      return sequence(objectIdentifier('1.3.101.112'));
    default:
      throw new Error(`an authority's key is ECDSA, RSA or Ed25519, not ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

/** The name as DER: organizations first, then the common name, as Kubernetes' own tools write it. */
export function encodeName(name: SubjectName): Der {
  const attribute = (oid: string, value: string): Der =>
    setOf(sequence(objectIdentifier(oid), utf8String(value)));
  return sequence(
    ...name.organizations.map((organization) => attribute('2.5.4.10', organization)),
    attribute('2.5.4.3', name.commonName),
  );
}

/** SHA-1 of the public key, as RFC 5280 (4.2.1.2) suggests; an identifier, not a protection. */
export function keyIdentifier(publicKeyDer: Uint8Array): Uint8Array {
  // Algorithm and key, which is a bit string: its first byte counts unused bits.
  const [, key] = elementsOf(elementsOf(publicKeyDer)[0]?.content ?? publicKeyDer);
  return createHash('sha1').update(key?.content.subarray(1) ?? publicKeyDer).digest();
}

/** 16 random bytes, the first between 64 and 127: positive, shortest form, and 126 bits of chance. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function extensions(parts: ToBeSigned): Der[] {
  const list = [
    extension('2.5.29.15', keyUsage(parts.isAuthority), { critical: true }),
    extension('2.5.29.19', parts.isAuthority ? sequence(boolean(true)) : sequence(), { critical: true }),
    extension('2.5.29.14', octetString(keyIdentifier(parts.publicKeyDer)), { critical: false }),
  ];
  if (parts.authorityKeyIdentifier !== undefined) {
    list.push(extension('2.5.29.35', sequence(implicit(0, parts.authorityKeyIdentifier)), { critical: false }));
  }
  if (parts.usages.length > 0) {
    const usages = parts.usages.map((usage) => objectIdentifier(extendedKeyUsages[usage]));
    list.push(extension('2.5.29.37', sequence(...usages), { critical: false }));
  }
  const names = [
    ...parts.dnsNames.map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...parts.ipAddresses.map((address) => implicit(7, addressBytes(address))),
  ];
  if (names.length > 0) list.push(extension('2.5.29.17', sequence(...names), { critical: false }));
  return list;
}

const extendedKeyUsages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

function extension(oid: string, value: Der, { critical }: { critical: boolean }): Der {
  const content = octetString(value);
  return critical ? sequence(objectIdentifier(oid), boolean(true), content) : sequence(objectIdentifier(oid), content);
}

/** Bits from the left: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign. */
function keyUsage(isAuthority: boolean): Der {
  return isAuthority ? bitString(Uint8Array.of(0b1010_0100), 2) : bitString(Uint8Array.of(0b1010_0000), 5);
}

/** Four or sixteen bytes, network order. Throws when `address` is not an IP address. */
export function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 0) throw new Error(`not an IP address: ${JSON.stringify(address)}`);
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
  const withoutDottedTail = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`);
  const [head = '', tail] = withoutDottedTail.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
