import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The keys that service-account tokens are signed and checked with. */
export interface ServiceAccountKey {
  /** The `kid` of tokens: base64url of the SHA-256 over the public key's DER, as Kubernetes computes it. */
  readonly keyId: string;
  /** The JOSE name of the signature algorithm. */
  readonly algorithm: 'ES256' | 'RS256';
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}

/** A new P-256 key (ES256): 0.1 ms, where RSA 2048 takes 20 to 200 ms. */
export function createServiceAccountKey(): ServiceAccountKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return loadServiceAccountKey(privateKey.export({ type: 'sec1', format: 'pem' }));
}

/** Accepts RSA and P-256 keys, so that an existing cluster's key can be brought along. Throws on any other. */
export function loadServiceAccountKey(privateKeyPem: string): ServiceAccountKey {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    algorithm: algorithmOf(publicKey),
    privateKey,
    publicKey,
    privateKeyPem,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }),
  };
}

/** The `kid` under which tokens of this key are found. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');
}

function algorithmOf(publicKey: KeyObject): ServiceAccountKey['algorithm'] {
  if (publicKey.asymmetricKeyType === 'rsa') return 'RS256';
  if (publicKey.asymmetricKeyType === 'ec' && publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new Error(`service-account keys are RSA or P-256, not ${publicKey.asymmetricKeyType ?? 'unknown'}`);
}
