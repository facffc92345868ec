import ipaddr from 'ipaddr.js';
import type { Random } from '#base/random.ts';

/** A range of addresses that Services take theirs from. */
export interface AddressRange {
  readonly family: 'IPv4' | 'IPv6';
  readonly cidr: string;
  contains(address: string): boolean;
  /** The nth address of the range (0 is the network's own). */
  at(index: number): string;
  /** How many addresses can be given out; ranges larger than 2^20 are used up to there, as upstream does. */
  readonly size: number;
}

/** Throws when `cidr` is none. */
export function addressRange(cidr: string): AddressRange {
  const [base, bits] = ipaddr.parseCIDR(cidr);
  const bytes = base.toByteArray();
  const hostBits = bytes.length * 8 - bits;
  const size = 2 ** Math.min(hostBits, 20);
  const network = BigInt(`0x${Buffer.from(bytes).toString('hex')}`) & ~((1n << BigInt(hostBits)) - 1n);
  return {
    family: base.kind() === 'ipv4' ? 'IPv4' : 'IPv6',
    cidr,
    size,
    at: (index) => ipaddr.fromByteArray([...Buffer.from((network + BigInt(index)).toString(16).padStart(bytes.length * 2, '0'), 'hex')]).toString(),
    contains(address) {
      if (!ipaddr.isValid(address)) return false;
      const parsed = ipaddr.parse(address);
      return parsed.kind() === base.kind() && parsed.match(base, bits);
    },
  };
}

/**
 * The next free number in [from, to), tried from a random one on in the upper part first: the lower part is left to
 * those who ask for a certain number. Undefined when all are taken.
 * Source: KEP-3070, KEP-3668 (reserved bands).
 */
export function pickFree(random: Random, band: { readonly from: number; readonly to: number; readonly upperFrom: number }, isTaken: (number: number) => boolean): number | undefined {
  const within = (low: number, high: number): number | undefined => {
    const count = high - low;
    if (count <= 0) return undefined;
    const start = Math.floor(random.next() * count);
    for (let step = 0; step < count; step++) {
      const candidate = low + ((start + step) % count);
      if (!isTaken(candidate)) return candidate;
    }
    return undefined;
  };
  return within(band.upperFrom, band.to) ?? within(band.from, band.upperFrom);
}

/** The size of the band that is left to explicit requests. */
export function reservedBand(size: number): number {
  return size < 16 ? 0 : Math.min(256, Math.max(16, Math.floor(size / 16)));
}
