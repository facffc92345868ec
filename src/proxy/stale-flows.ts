import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service } from '#api/core/service.ts';
import type { StaleFlow } from './nft.ts';
import type { RuleOptions } from './plan-rules.ts';
import { EndpointIndex } from './service-endpoints.ts';
import type { Family } from './service-endpoints.ts';

/** For every UDP address of a service (`family|address|port`, node ports with an empty address): the endpoints behind it. */
export type UdpTargets = ReadonlyMap<string, ReadonlySet<string>>;

/** Pure. */
export function udpTargets(services: readonly Service[], slices: readonly EndpointSlice[], options: RuleOptions): UdpTargets {
  const withUdp = services.filter((service) => (service.spec.ports ?? []).some((port) => port.protocol === 'UDP'));
  const found = new Map<string, Set<string>>();
  if (withUdp.length === 0) return found;
  const endpoints = new EndpointIndex(slices, options.node);
  for (const service of withUdp) {
    const addresses = [...(service.spec.clusterIPs ?? []), ...(service.spec.externalIPs ?? []), ...(service.status.loadBalancer.ingress ?? []).map((ingress) => ingress.ip ?? '')];
    for (const port of (service.spec.ports ?? []).filter((candidate) => candidate.protocol === 'UDP')) {
      for (const family of ['ip', 'ip6'] as const) {
        const choice = endpoints.choose(service, port.name ?? '', family);
        const targets = choice.cluster.concat(choice.local).map((target) => target.address);
        const add = (key: string): void => {
          const known = found.get(key);
          if (known === undefined) found.set(key, new Set(targets));
          else for (const target of targets) known.add(target);
        };
        for (const address of addresses) if (address !== '' && address !== 'None' && address.includes(':') === (family === 'ip6')) add(`${family}|${address}|${port.port}`);
        if (port.nodePort !== undefined) add(`${family}||${port.nodePort}`);
      }
    }
  }
  return found;
}

/**
 * The flows that must be forgotten: to an endpoint that has gone, and, where a service gets its first endpoint, those that
 * were let through untranslated. UDP has no connection whose end would do that. Pure.
 */
export function planStaleFlows(before: UdpTargets, after: UdpTargets): readonly StaleFlow[] {
  const stale: StaleFlow[] = [];
  for (const [key, targets] of before) {
    for (const target of targets) if (after.get(key)?.has(target) !== true) stale.push({ ...placeOf(key), target });
  }
  for (const [key, targets] of after) {
    if (targets.size > 0 && (before.get(key)?.size ?? 0) === 0) stale.push({ ...placeOf(key), target: undefined });
  }
  return stale;
}

function placeOf(key: string): Pick<StaleFlow, 'family' | 'address' | 'port'> {
  const [family = '', address = '', port = ''] = key.split('|');
  return { family: family as Family, address: address === '' ? undefined : address, port: Number(port) };
}
