/** What of TLS can be chosen. Names as Kubernetes' flags have them, which are Go's. */
import { X509Certificate } from 'node:crypto';
import type { PemPair } from '#pki/authority.ts';

export interface TlsSettings {
  /** Default: TLS 1.2. */
  readonly minVersion?: TlsVersion;
  /** Of TLS 1.2, by OpenSSL's names; those of TLS 1.3 are always on. Default: Node's. */
  readonly ciphers?: readonly string[];
  /** Key exchanges, by OpenSSL's names. Default: Node's. */
  readonly curves?: readonly string[];
  /** Certificates for clients that ask for certain names. */
  readonly sni?: readonly SniCertificate[];
  /** Requests at once on one HTTP/2 connection. Default: 1000. */
  readonly maxStreams?: number;
}

export interface SniCertificate {
  readonly pair: PemPair;
  /** `example.com`, `*.example.com`. None: those in the certificate. */
  readonly names: readonly string[];
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export const tlsVersions: Readonly<Record<string, TlsVersion>> = { VersionTLS10: 'TLSv1', VersionTLS11: 'TLSv1.1', VersionTLS12: 'TLSv1.2', VersionTLS13: 'TLSv1.3' };

/** OpenSSL's names of key exchanges by their number. Source: IANA, TLS Supported Groups. */
export const curveNames: Readonly<Record<string, string>> = { 23: 'P-256', 24: 'P-384', 25: 'P-521', 29: 'X25519', 4587: 'SecP256r1MLKEM768', 4588: 'X25519MLKEM768', 4589: 'SecP384r1MLKEM1024' };

/** OpenSSL's names of cipher suites by Go's. */
export const cipherNames: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
};

/** The names of TLS 1.3, which a list of ciphers has to go on naming. */
const always = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** The same as Node's options. */
export function tlsChoices({ minVersion, ciphers, curves }: TlsSettings): { readonly minVersion?: TlsVersion; readonly ciphers?: string; readonly ecdhCurve?: string } {
  return {
    ...(minVersion !== undefined && { minVersion }),
    ...(ciphers !== undefined && { ciphers: [...new Set([...always, ...ciphers])].join(':') }),
    ...(curves !== undefined && { ecdhCurve: curves.join(':') }),
  };
}

/** The names that a pair is served for. */
export function sniNames({ pair, names }: SniCertificate): readonly string[] {
  if (names.length > 0) return names;
  const listed = new X509Certificate(pair.certificatePem).subjectAltName ?? '';
  return [...listed.matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
}
