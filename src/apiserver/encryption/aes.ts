/** AES in the two modes that upstream has. Source: k8s.io/apiserver storage/value/encrypt/aes, for the layout of bytes. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Provider } from './provider.ts';

const cbcBlock = 16;
const gcmNonce = 12;
const gcmTag = 16;

type Bits = 128 | 192 | 256;

function bitsOf(key: Uint8Array): Bits {
  return (key.length * 8) as Bits;
}

/** `iv`, then the padded data. Nothing tells whether somebody has changed them: GCM does. */
export function aesCbc(name: string, key: Uint8Array): Provider {
  const algorithm = `aes-${bitsOf(key)}-cbc` as const;
  return {
    prefix: Buffer.from(`k8s:enc:aescbc:v1:${name}:`),
    encrypt(plain) {
      const iv = randomBytes(cbcBlock);
      const cipher = createCipheriv(algorithm, key, iv);
      return Buffer.concat([iv, cipher.update(plain), cipher.final()]);
    },
    decrypt(stored) {
      if (stored.length < 2 * cbcBlock || stored.length % cbcBlock !== 0) throw new Error('the stored data was shorter than the required size or no multiple of the block size');
      const decipher = createDecipheriv(algorithm, key, stored.subarray(0, cbcBlock));
      return Buffer.concat([decipher.update(stored.subarray(cbcBlock)), decipher.final()]);
    },
  };
}

export function aesGcm(name: string, key: Uint8Array): Provider {
  return {
    prefix: Buffer.from(`k8s:enc:aesgcm:v1:${name}:`),
    encrypt: (plain, context) => sealGcm(key, plain, context),
    decrypt: (stored, context) => openGcm(key, stored, context),
  };
}

/** `nonce`, the data, the tag; bound to `context`. */
export function sealGcm(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(gcmNonce);
  const cipher = createCipheriv(`aes-${bitsOf(key)}-gcm`, key, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function openGcm(key: Uint8Array, stored: Uint8Array, context: string): Buffer {
  if (stored.length < gcmNonce + gcmTag) throw new Error('the stored data was shorter than the required size');
  const decipher = createDecipheriv(`aes-${bitsOf(key)}-gcm`, key, stored.subarray(0, gcmNonce), { authTagLength: gcmTag });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(stored.subarray(stored.length - gcmTag));
  return Buffer.concat([decipher.update(stored.subarray(gcmNonce, stored.length - gcmTag)), decipher.final()]);
}
