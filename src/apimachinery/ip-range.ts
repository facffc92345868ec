/** Ranges of addresses that are counted and compared. Source: RFC 4632, RFC 4291. */
import ipaddr from 'ipaddr.js';

export type IpFamily = 'IPv4' | 'IPv6';

/** An address as a number. */
export interface AddressNumber {
  readonly family: IpFamily;
  readonly value: bigint;
}

export interface AddressRange {
  readonly family: IpFamily;
  /** As it was written. */
  readonly cidr: string;
  readonly network: bigint;
  /** The length of the prefix. */
  readonly bits: number;
  /**
   * The first and the last address that is somebody's own: not the network's, nor, of IPv4, the one for broadcasts. Of a
   * range without any, `last` is below `first`.
   */
  readonly first: bigint;
  readonly last: bigint;
}

/** Undefined when the text is no address. */
export function parseAddress(text: string): AddressNumber | undefined {
  const plain = fourParts(text);
  if (plain !== undefined) return { family: 'IPv4', value: BigInt(plain) };
  if (!ipaddr.isValid(text)) return undefined;
  const bytes = ipaddr.parse(text).toByteArray();
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', value: numberOf(bytes) };
}

/** The canonical form. */
export function formatAddress({ family, value }: AddressNumber): string {
  if (family === 'IPv4') {
    const number = Number(value);
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  }
  const bytes: number[] = [];
  for (let shift = 120n; shift >= 0n; shift -= 8n) bytes.push(Number((value >> shift) & 255n));
  return new ipaddr.IPv6(bytes).toRFC5952String();
}

/** Undefined when the text is no range. Bits beyond the prefix are ignored. */
export function parseRange(cidr: string): AddressRange | undefined {
  if (!ipaddr.isValidCIDR(cidr)) return undefined;
  const [base, bits] = ipaddr.parseCIDR(cidr);
  const bytes = base.toByteArray();
  const family = bytes.length === 4 ? 'IPv4' : 'IPv6';
  const hosts = 1n << BigInt(bytes.length * 8 - bits);
  const network = numberOf(bytes) & ~(hosts - 1n);
  return { family, cidr, network, bits, first: network + 1n, last: network + hosts - (family === 'IPv4' ? 2n : 1n) };
}

/** Whether the address is one of those between the range's first and last. */
export function containsAddress(range: AddressRange, { family, value }: AddressNumber): boolean {
  return family === range.family && value >= range.first && value <= range.last;
}

/** Whether `inner` lies in `outer` or is the same. */
export function containsRange(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const shift = BigInt((outer.family === 'IPv4' ? 32 : 128) - outer.bits);
  return outer.network >> shift === inner.network >> shift;
}

/** How many addresses lie between the first and the last, these included. */
export function sizeOf({ first, last }: AddressRange): bigint {
  return last < first ? 0n : last - first + 1n;
}

/** The number of an IPv4 address in its usual form; undefined: the text is something else. */
function fourParts(text: string): number | undefined {
  let value = 0;
  let part = -1;
  let parts = 1;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit >= 0 && digit <= 9) {
      if (part === 0) return undefined;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return undefined;
    } else if (text[index] === '.' && part >= 0 && parts < 4) {
      value = value * 256 + part;
      part = -1;
      parts++;
    } else {
      return undefined;
    }
  }
  return parts === 4 && part >= 0 ? value * 256 + part : undefined;
}

function numberOf(bytes: readonly number[]): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
