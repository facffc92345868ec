import type { Random } from '#base/random.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { formatAddress, sizeOf } from '#apimachinery/ip-range.ts';

/**
 * A free address: from a random one on in the upper band, then likewise in the lower, which is left to those who ask for
 * a certain address. Undefined when all are taken. Asks at most once more than there are addresses taken, per band.
 * Source: KEP-3070 (reserved band for requested addresses).
 */
export function pickAddress(random: Random, range: AddressRange, isTaken: (address: string) => boolean): string | undefined {
  const { first, last } = range;
  const dynamicFrom = first + BigInt(reservedAddresses(range));
  const lowerTo = dynamicFrom - 1n < last ? dynamicFrom - 1n : last;
  return pickFrom(random, range, { from: dynamicFrom, to: last }, isTaken) ?? pickFrom(random, range, { from: first, to: lowerTo }, isTaken);
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
export function reservedAddresses(range: AddressRange): number {
  // With the network's own address and the last one.
  const hosts = sizeOf(range) + (range.family === 'IPv4' ? 2n : 1n);
  if (hosts <= 16n) return 0;
  return Number(hosts >= 4096n ? 256n : hosts <= 256n ? 16n : hosts / 16n);
}
