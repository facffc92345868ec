/** Reading certificate requests. Source: RFC 2986 (PKCS #10), RFC 5280 section 4.2.1.6 (names). */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, verify } from 'node:crypto';
import { elementsOf, objectIdentifier } from './der.ts';

/** What a request asks to be certified. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Kinds of names that Kubernetes' own certificates never have. */
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly publicKey: KeyObject;
}

type Element = ReturnType<typeof elementsOf>[number];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const oid = (dotted: string): string => hex(objectIdentifier(dotted));
const commonNameOid = oid('2.5.4.3');
const organizationOid = oid('2.5.4.10');
const extensionRequestOid = oid('1.2.840.113549.1.9.14');
const alternativeNameOid = oid('2.5.29.17');

/** The digest of each signature algorithm; null where the algorithm has its own. */
const digests: ReadonlyMap<string, string | null> = new Map([
  [oid('1.2.840.113549.1.1.11'), 'sha256'], [oid('1.2.840.113549.1.1.12'), 'sha384'], [oid('1.2.840.113549.1.1.13'), 'sha512'],
  [oid('1.2.840.10045.4.3.2'), 'sha256'], [oid('1.2.840.10045.4.3.3'), 'sha384'], [oid('1.2.840.10045.4.3.4'), 'sha512'],
  [oid('1.3.101.112'), null],
]);

/** Throws when `pem` is no request, or is not signed with the key it names: then the asker does not hold that key. */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\sA-Za-z0-9+/=]+)-----END/.exec(pem);
  if (match?.[1] === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [whole] = elementsOf(Buffer.from(match[1], 'base64'));
  const [info, algorithm, signature] = parts(whole);
  const [, subject, keyInfo, attributes] = parts(info);
  const publicKey = createPublicKey({ key: Buffer.from(required(keyInfo).whole), format: 'der', type: 'spki' });
  const digest = digests.get(hex(required(parts(algorithm)[0]).whole));
  if (digest === undefined) throw new Error('the request is signed with an unknown algorithm');
  if (!verify(digest, required(info).whole, publicKey, required(signature).content.subarray(1))) throw new Error('the signature of the request is wrong');
  const names = alternativeNames(attributes);
  return {
    commonName: attributesOf(subject, commonNameOid).at(-1) ?? '',
    organizations: attributesOf(subject, organizationOid),
    emailAddresses: names.filter(({ tag }) => tag === 0x81).map(({ content }) => text(content)),
    dnsNames: names.filter(({ tag }) => tag === 0x82).map(({ content }) => text(content)),
    uris: names.filter(({ tag }) => tag === 0x86).map(({ content }) => text(content)),
    ipAddresses: names.filter(({ tag }) => tag === 0x87).map(({ content }) => address(content)),
    publicKey,
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the request ends too early');
  return value;
}

function parts(element: Element | undefined): readonly Element[] {
  return elementsOf(required(element).content);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function attributesOf(name: Element | undefined, type: string): readonly string[] {
  const values: string[] = [];
  for (const set of parts(name)) for (const attribute of parts(set)) {
    const [key, value] = parts(attribute);
    if (key !== undefined && value !== undefined && hex(key.whole) === type) values.push(text(value.content));
  }
  return values;
}

function alternativeNames(attributes: Element | undefined): readonly Element[] {
  if (attributes === undefined) return [];
  for (const attribute of parts(attributes)) {
    const [type, values] = parts(attribute);
    if (type === undefined || hex(type.whole) !== extensionRequestOid) continue;
    for (const extension of parts(parts(values)[0])) {
      const fields = parts(extension);
      if (fields[0] === undefined || hex(fields[0].whole) !== alternativeNameOid) continue;
      // A flag "critical" may stand in between; the value is an octet string around the names.
      return parts(elementsOf(required(fields.at(-1)).content)[0]);
    }
  }
  return [];
}

function address(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  return groups.join(':');
}
