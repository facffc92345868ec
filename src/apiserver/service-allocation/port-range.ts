import type { Random } from '#base/random.ts';

/** Node ports, `to` not included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** `30000-32767`. */
export function formatPorts({ from, to }: PortRange): string {
  return `${from}-${to - 1}`;
}

/**
 * A free port: from a random one on in the upper band, then in the lower, which is left to those who ask for a certain
 * port. Undefined when all are taken.
 * Source: KEP-3668 (reserved band for requested node ports).
 */
export function pickPort(random: Random, { from, to }: PortRange, isTaken: (port: number) => boolean): number | undefined {
  const dynamicFrom = from + reservedPorts(to - from);
  return pickFrom(random, { from: dynamicFrom, to }, isTaken) ?? pickFrom(random, { from, to: dynamicFrom }, isTaken);
}

function pickFrom(random: Random, { from, to }: PortRange, isTaken: (port: number) => boolean): number | undefined {
  const count = to - from;
  if (count <= 0) return undefined;
  const start = Math.floor(random.next() * count);
  for (let step = 0; step < count; step++) {
    const port = from + ((start + step) % count);
    if (!isTaken(port)) return port;
  }
  return undefined;
}

/** A thirty-second of the range, 16 to 128, none of a small range. */
export function reservedPorts(size: number): number {
  return size <= 16 ? 0 : Math.min(128, Math.max(16, Math.floor(size / 32)));
}
