/**
 * SHA-256 without a platform's help: the browser's is asynchronous, and this layer uses no `node:` module. For short
 * texts only; whoever hashes much or secrets takes the platform's.
 *
 * Source: FIPS 180-4.
 */
const roundConstants = fractions((prime) => Math.cbrt(prime), 64);
const initialState = fractions((prime) => Math.sqrt(prime), 8);

/** The first 32 bits of the fractional parts of the roots of the first primes. */
function fractions(root: (prime: number) => number, count: number): Uint32Array {
  const found = new Uint32Array(count);
  let index = 0;
  for (let candidate = 2; index < count; candidate++) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) isPrime = false;
    if (isPrime) found[index++] = (root(candidate) % 1) * 2 ** 32;
  }
  return found;
}

/** The 32 bytes of the hash of a text in UTF-8. */
export function sha256(text: string): Uint8Array {
  const message = new TextEncoder().encode(text);
  const padded = new Uint8Array(((message.length + 8) >> 6) * 64 + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  const state = Uint32Array.from(initialState);
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset);
  const output = new DataView(new ArrayBuffer(32));
  for (const [index, word] of state.entries()) output.setUint32(index * 4, word);
  return new Uint8Array(output.buffer);
}

function compress(state: Uint32Array, view: DataView, offset: number): void {
  const words = new Uint32Array(64);
  const at = (index: number): number => words[index] ?? 0;
  for (let index = 0; index < 64; index++) {
    if (index < 16) {
      words[index] = view.getUint32(offset + index * 4);
      continue;
    }
    const a = at(index - 15);
    const b = at(index - 2);
    words[index] = at(index - 16) + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + at(index - 7) + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let index = 0; index < 64; index++) {
    const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + (roundConstants[index] ?? 0) + at(index)) | 0;
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + word;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
