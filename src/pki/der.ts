/**
 * The little of DER (X.690) that certificates need: writing elements and stepping through them.
 *
 * Why not `asn1js`: it builds an object with four buffers per element; importing it and making ten certificates took
 * 26 ms of a start that has 500; this takes 8, nearly all of it key generation and signatures.
 */

/** One encoded element: tag, length and content. */
export type Der = Buffer;

export const sequence = (...elements: readonly Uint8Array[]): Der => element(0x30, ...elements);
export const setOf = (...elements: readonly Uint8Array[]): Der => element(0x31, ...elements);
export const utf8String = (text: string): Der => element(0x0c, Buffer.from(text));
export const boolean = (value: boolean): Der => element(0x01, Uint8Array.of(value ? 0xff : 0));
export const octetString = (bytes: Uint8Array): Der => element(0x04, bytes);
export const bitString = (bytes: Uint8Array, unusedBits = 0): Der => element(0x03, Uint8Array.of(unusedBits), bytes);

/** A positive integer from big-endian bytes; the first must be between 1 and 127 (the shortest form). */
export const positiveInteger = (bytes: Uint8Array): Der => element(0x02, bytes);

/** `[tag] EXPLICIT` around `inner`. */
export const explicit = (tag: number, inner: Uint8Array): Der => element(0xa0 | tag, inner);

/** `[tag] IMPLICIT` with primitive content. */
export const implicit = (tag: number, bytes: Uint8Array): Der => element(0x80 | tag, bytes);

/** A point in time as certificates hold it: UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
export function time(epochMs: number): Der {
  const digits = `${new Date(epochMs).toISOString().replaceAll(/\.\d+|\D/g, '')}Z`;
  return digits < '2050' ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}

/** From the dotted form, such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** An element of any tag from its content's parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Der {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from([tag, ...lengthBytes(length)]), ...parts]);
}

/** The elements that follow each other in `content`. Throws when it ends inside one. */
export function elementsOf(content: Uint8Array): readonly { readonly tag: number; readonly whole: Uint8Array; readonly content: Uint8Array }[] {
  const list = [];
  for (let at = 0; at < content.length;) {
    const tag = content[at] ?? 0;
    const short = content[at + 1] ?? 0;
    const lengthSize = short < 0x80 ? 0 : short & 0x7f;
    let length = short < 0x80 ? short : 0;
    for (let index = 0; index < lengthSize; index++) length = length * 256 + (content[at + 2 + index] ?? 0);
    const start = at + 2 + lengthSize;
    const end = start + length;
    if (end > content.length) throw new Error('malformed DER: an element reaches beyond its end');
    list.push({ tag, whole: content.subarray(at, end), content: content.subarray(start, end) });
    at = end;
  }
  return list;
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Seven bits a byte, the high bit set on all but the last. */
function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
