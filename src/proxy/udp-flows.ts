/** UDP flows that the kernel remembers, and which of them lead to endpoints that are no longer there. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StaleFlow } from './nft.ts';
import type { Family } from './service-endpoints.ts';
import type { UdpTargets } from './stale-flows.ts';

/** So many lines are read in one go: a millisecond or two. */
const linesPerTurn = 2000;

/**
 * What of a listing (`conntrack -L`, translated flows only) has to be forgotten: flows to a Service's address whose endpoint
 * is none of those. Each address and endpoint once. No I/O, but others have their turn in between.
 */
export async function planReconciliation(listing: string, family: Family, targets: UdpTargets): Promise<readonly StaleFlow[]> {
  const stale = new Map<string, StaleFlow>();
  let count = 0;
  for (const line of listing.split('\n')) {
    if (++count % linesPerTurn === 0) await nextTurn();
    // The way there comes first, then the way back, whose sender is the endpoint. Source: conntrack(8).
    const [, address, ports, target] = /^udp\s.*? dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) /.exec(line) ?? [];
    if (address === undefined || target === undefined) continue;
    const port = Number(ports);
    const known = targets.get(`${family}|${address}|${port}`);
    const behind = known ?? targets.get(`${family}||${port}`);
    if (behind === undefined || behind.has(target)) continue;
    const flow: StaleFlow = { family, address: known === undefined ? undefined : address, port, target };
    stale.set(`${flow.address ?? ''}|${port}|${target}`, flow);
  }
  return [...stale.values()];
}
