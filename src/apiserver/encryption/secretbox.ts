/**
 * XSalsa20 and Poly1305. Node has neither, and no library among the dependencies does.
 * Source: D. J. Bernstein, "Cryptography in NaCl"; "The Poly1305-AES message-authentication code".
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Provider } from './provider.ts';

const nonceBytes = 24;
const tagBytes = 16;

/** `nonce`, the tag, the data. */
export function secretbox(name: string, key: Uint8Array): Provider {
  return {
    prefix: Buffer.from(`k8s:enc:secretbox:v1:${name}:`),
    encrypt(plain) {
      const nonce = randomBytes(nonceBytes);
      return Buffer.concat([nonce, sealBox(key, nonce, plain)]);
    },
    decrypt(stored) {
      if (stored.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size');
      return openBox(key, stored.subarray(0, nonceBytes), stored.subarray(nonceBytes));
    },
  };
}

/** The tag, then the data. */
export function sealBox(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Buffer {
  const { macKey, data } = stream(key, nonce, plain);
  return Buffer.concat([poly1305(macKey, data), data]);
}

/** Throws when somebody has changed it, or the key is another. */
export function openBox(key: Uint8Array, nonce: Uint8Array, box: Uint8Array): Buffer {
  const [tag, data] = [box.subarray(0, tagBytes), box.subarray(tagBytes)];
  const { macKey, data: plain } = stream(key, nonce, data);
  if (!timingSafeEqual(poly1305(macKey, data), tag)) throw new Error('output array was not large enough for encryption');
  return plain;
}

/** The first 32 bytes of the stream are the key of the tag; the data is mixed with what follows. */
function stream(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): { readonly macKey: Uint8Array; readonly data: Buffer } {
  const subKey = words(hsalsa20(key, nonce.subarray(0, 16)));
  const tail = words(nonce.subarray(16));
  const macKey = new Uint8Array(32);
  const mixed = Buffer.alloc(data.length);
  const block = new Uint8Array(64);
  for (let counter = 0, at = -32; at < data.length; counter++, at += 64) {
    salsa20Block(subKey, tail, counter, block);
    for (let index = 0; index < 64; index++) {
      const position = at + index;
      if (position < 0) macKey[index] = block[index] ?? 0;
      else if (position < data.length) mixed[position] = (data[position] ?? 0) ^ (block[index] ?? 0);
    }
  }
  return { macKey, data: mixed };
}

const sigma = words(Buffer.from('expand 32-byte k'));

function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

/** The order of Salsa20's input: constants on the diagonal, the key around them, the rest between. */
function inputOf(key: Uint32Array, middle: readonly number[]): Uint32Array {
  const at = (list: ArrayLike<number>, index: number): number => list[index] ?? 0;
  return Uint32Array.of(
    at(sigma, 0), at(key, 0), at(key, 1), at(key, 2), at(key, 3), at(sigma, 1), at(middle, 0), at(middle, 1),
    at(middle, 2), at(middle, 3), at(sigma, 2), at(key, 4), at(key, 5), at(key, 6), at(key, 7), at(sigma, 3),
  );
}

/** Columns and rows of the matrix, as quarter rounds take them. */
const quarters: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11],
  [0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14],
];

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function rounds(x: Uint32Array): void {
  const sum = (a: number, b: number): number => ((x[a] ?? 0) + (x[b] ?? 0)) | 0;
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of quarters) {
      x[b] = (x[b] ?? 0) ^ rotate(sum(a, d), 7);
      x[c] = (x[c] ?? 0) ^ rotate(sum(b, a), 9);
      x[d] = (x[d] ?? 0) ^ rotate(sum(c, b), 13);
      x[a] = (x[a] ?? 0) ^ rotate(sum(d, c), 18);
    }
  }
}

function salsa20Block(key: Uint32Array, nonce: Uint32Array, counter: number, into: Uint8Array): void {
  const input = inputOf(key, [nonce[0] ?? 0, nonce[1] ?? 0, counter >>> 0, Math.floor(counter / 2 ** 32)]);
  const x = input.slice();
  rounds(x);
  const view = new DataView(into.buffer);
  for (let index = 0; index < 16; index++) view.setUint32(index * 4, ((x[index] ?? 0) + (input[index] ?? 0)) >>> 0, true);
}

function hsalsa20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const x = inputOf(words(key), [...words(nonce)]);
  rounds(x);
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  for (const [index, from] of [0, 5, 10, 15, 6, 7, 8, 9].entries()) view.setUint32(index * 4, x[from] ?? 0, true);
  return out;
}

const prime = 2n ** 130n - 5n;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);
}

/** 16 bytes at a time in arithmetic over 2^130 - 5. */
function poly1305(key: Uint8Array, data: Uint8Array): Buffer {
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const s = littleEndian(key.subarray(16, 32));
  let sum = 0n;
  for (let at = 0; at < data.length; at += 16) {
    const part = data.subarray(at, at + 16);
    sum = ((sum + littleEndian(part) + (1n << BigInt(part.length * 8))) * r) % prime;
  }
  const tag = ((sum + s) % 2n ** 128n).toString(16).padStart(32, '0');
  return Buffer.from(tag, 'hex').reverse();
}
