import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '#base/clock.ts';

/** A stranger makes us look at the machine's own addresses again, but not more often than this. */
const refreshMs = 5000;

/** Says whether an address may ask: those in `ranges` and this machine's own, whichever it has at the time. */
export function allowedClients(ranges: readonly string[], clock: Pick<Clock, 'monotonicMs'>): (address: string) => boolean {
  const listed = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    listed.addSubnet(network, Number(prefix), familyOf(network));
  }
  let own = ownAddresses();
  let readMs = clock.monotonicMs();
  return (given) => {
    const address = plainAddress(given);
    if (listed.check(address, familyOf(address)) || own.has(address)) return true;
    if (clock.monotonicMs() - readMs < refreshMs) return false;
    own = ownAddresses();
    readMs = clock.monotonicMs();
    return own.has(address);
  };
}

/** A socket of both families shows IPv4 as `::ffff:10.0.0.1`, and link-local addresses with their link. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
