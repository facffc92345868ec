/**
 * Ranges of Service addresses and what of them can be given out. Pure.
 * Source: KEP-1880 (multiple Service CIDRs), KEP-3070 (reserved band for requested addresses).
 */
import ipaddr from 'ipaddr.js';
import type { Random } from '#base/random.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** An address as a number, to be compared and counted from. */
export interface AddressNumber {
  readonly family: IpFamily;
  readonly value: bigint;
}

export interface AddressRange {
  readonly family: IpFamily;
  /** As it was written. */
  readonly cidr: string;
  /** Network address and prefix length, for ranges in ranges. */
  readonly network: bigint;
  readonly bits: number;
  /** The first and the last address that can be given out; of an empty range `last` is below `first`. */
  readonly first: bigint;
  readonly last: bigint;
  /** Where the band starts that addresses are taken from for whoever asks for none in particular. */
  readonly dynamicFrom: bigint;
}

/** Undefined when the text is no address. */
export function parseAddress(text: string): AddressNumber | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const bytes = ipaddr.parse(text).toByteArray();
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', value: numberOf(bytes) };
}

/** The canonical form, which is the name of the IPAddress object. */
export function formatAddress({ family, value }: AddressNumber): string {
  if (family === 'IPv4') {
    const number = Number(value);
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  }
  return ipaddr.fromByteArray([...Buffer.from(value.toString(16).padStart(32, '0'), 'hex')]).toString();
}

/** Undefined when the text is no range. */
export function parseRange(cidr: string): AddressRange | undefined {
  if (!ipaddr.isValidCIDR(cidr)) return undefined;
  const [base, bits] = ipaddr.parseCIDR(cidr);
  const bytes = base.toByteArray();
  const family = bytes.length === 4 ? 'IPv4' : 'IPv6';
  const hosts = 1n << BigInt(bytes.length * 8 - bits);
  const network = numberOf(bytes) & ~(hosts - 1n);
  // Neither the network's own address nor, of IPv4, the one for broadcasts.
  const first = network + 1n;
  const last = network + hosts - (family === 'IPv4' ? 2n : 1n);
  return { family, cidr, network, bits, first, last, dynamicFrom: first + BigInt(reservedAddresses(hosts)) };
}

/** Throws when the text is no range: for ranges that were checked before. */
export function addressRange(cidr: string): AddressRange {
  const range = parseRange(cidr);
  if (range === undefined) throw new Error(`${cidr} is no range of addresses`);
  return range;
}

/** Whether the address is one that the range gives out. */
export function givesOut(range: AddressRange, address: AddressNumber): boolean {
  return address.family === range.family && address.value >= range.first && address.value <= range.last;
}

/** Whether `inner` lies in `outer` or is the same. */
export function containsRange(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const shift = BigInt((outer.family === 'IPv4' ? 32 : 128) - outer.bits);
  return outer.network >> shift === inner.network >> shift;
}

/** How many addresses the range gives out. */
export function sizeOf({ first, last }: AddressRange): bigint {
  return last < first ? 0n : last - first + 1n;
}

/**
 * A free address: from a random one on in the upper band, then likewise in the lower, which is left to those who ask for
 * a certain address. Undefined when all are taken. Asks at most once more than there are addresses taken, per band.
 */
export function pickAddress(random: Random, range: AddressRange, isTaken: (address: string) => boolean): string | undefined {
  return pickFrom(random, range, { from: range.dynamicFrom, to: range.last }, isTaken)
    ?? pickFrom(random, range, { from: range.first, to: range.dynamicFrom - 1n < range.last ? range.dynamicFrom - 1n : range.last }, isTaken);
}

function pickFrom(random: Random, { family }: AddressRange, { from, to }: { readonly from: bigint; readonly to: bigint }, isTaken: (address: string) => boolean): string | undefined {
  const count = to - from + 1n;
  if (count <= 0n) return undefined;
  const start = below(random, count);
  for (let step = 0n; step < count; step++) {
    const address = formatAddress({ family, value: from + ((start + step) % count) });
    if (!isTaken(address)) return address;
  }
  return undefined;
}

/** A random number below `count`; of huge ranges among the first 2^52. */
function below(random: Random, count: bigint): bigint {
  const bound = count < 2n ** 52n ? Number(count) : 2 ** 52;
  return BigInt(Math.floor(random.next() * bound));
}

/** How many addresses at the start are left to explicit requests: a sixteenth, 16 to 256, none of a small range. */
function reservedAddresses(hosts: bigint): number {
  if (hosts <= 16n) return 0;
  return Number(hosts >= 4096n ? 256n : hosts <= 256n ? 16n : hosts / 16n);
}

function numberOf(bytes: readonly number[]): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
