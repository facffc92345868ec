import { randomBytes } from 'node:crypto';
import { secretbox as nacl } from '@noble/ciphers/salsa.js';
import type { Provider } from './provider.ts';

const nonceBytes = 24;
const tagBytes = 16;

/** XSalsa20 and Poly1305, as NaCl boxes secrets: `nonce`, the tag, the data. */
export function secretbox(name: string, key: Uint8Array): Provider {
  return {
    prefix: Buffer.from(`k8s:enc:secretbox:v1:${name}:`),
    encrypt(plain) {
      const nonce = randomBytes(nonceBytes);
      return Buffer.concat([nonce, nacl(key, nonce).seal(plain)]);
    },
    decrypt(stored) {
      if (stored.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size');
      try {
        return Buffer.from(nacl(key, stored.subarray(0, nonceBytes)).open(stored.subarray(nonceBytes)));
      } catch (cause) {
        // Somebody has changed it, or the key is another. The text is upstream's.
        throw new Error('output array was not large enough for encryption', { cause });
      }
    },
  };
}
