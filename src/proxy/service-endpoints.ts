import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service } from '#api/core/service.ts';

export type Family = 'ip' | 'ip6';
export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

/** The node the rules are for. */
export interface ProxyNode {
  readonly name: string;
  /** Other nodes on the same machine, with the same network: their pods are local as well. */
  readonly neighbours?: readonly string[] | undefined;
  /** From the label topology.kubernetes.io/zone. */
  readonly zone?: string | undefined;
}

/** Where one connection may go. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
}

export interface TargetChoice {
  /** For traffic that may go anywhere. */
  readonly cluster: readonly Target[];
  /** For traffic that must stay on this node. */
  readonly local: readonly Target[];
  /** Whether any endpoint anywhere could take traffic: then missing ones are dropped, not refused. */
  readonly anywhere: boolean;
}

interface Candidate extends Target {
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/**
 * Endpoints by service, port name and family, from slices in any order. The slices' readiness decides: ready ones, or, if
 * there are none, those that still serve while they terminate. Source: KEP-1669, KEP-2433.
 */
export class EndpointIndex {
  readonly #candidates = new Map<string, Map<string, Candidate>>();
  readonly #node: ProxyNode;

  constructor(slices: readonly EndpointSlice[], node: ProxyNode) {
    this.#node = node;
    for (const slice of slices) this.#add(slice);
  }

  /** The targets of a service port, in the order of their addresses. */
  choose(service: Service, portName: string, family: Family): TargetChoice {
    const { namespace, name } = service.metadata;
    const candidates = [...(this.#candidates.get(keyOf(namespace, name, portName, family))?.values() ?? [])].sort(byAddress);
    const eligible = eligibleOf(candidates);
    return {
      cluster: nearest(eligible, this.#node).map(targetOf),
      local: eligibleOf(candidates.filter((candidate) => candidate.isLocal)).map(targetOf),
      anywhere: eligible.length > 0,
    };
  }

  #add(slice: EndpointSlice): void {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined || service === '') return;
    const family = slice.addressType === 'IPv4' ? 'ip' : slice.addressType === 'IPv6' ? 'ip6' : undefined;
    if (family === undefined) return;
    for (const port of slice.ports) {
      if (port.port === undefined) continue;
      const key = keyOf(slice.metadata.namespace, service, port.name ?? '', family);
      let known = this.#candidates.get(key);
      if (known === undefined) this.#candidates.set(key, (known = new Map()));
      for (const endpoint of slice.endpoints) {
        const address = endpoint.addresses[0];
        if (address === undefined) continue;
        const isReady = endpoint.conditions.ready ?? true;
        const candidate: Candidate = {
          address,
          port: port.port,
          isLocal: endpoint.nodeName === this.#node.name || (endpoint.nodeName !== undefined && this.#node.neighbours?.includes(endpoint.nodeName) === true),
          isReady,
          isServing: endpoint.conditions.serving ?? isReady,
          isTerminating: endpoint.conditions.terminating ?? false,
          forNodes: endpoint.hints?.forNodes?.map((hint) => hint.name) ?? [],
          forZones: endpoint.hints?.forZones?.map((hint) => hint.name) ?? [],
        };
        // A new pod may have the address of one that has ended and is not yet deleted.
        const before = known.get(`${address}/${port.port}`);
        if (before === undefined || rank(candidate) >= rank(before)) known.set(`${address}/${port.port}`, candidate);
      }
    }
  }
}

/** The better it is off, the more. */
function rank({ isReady, isServing }: Candidate): number {
  return isReady ? 2 : isServing ? 1 : 0;
}

function keyOf(namespace: string, service: string, port: string, family: Family): string {
  return `${namespace}/${service}:${port}/${family}`;
}

function byAddress(a: Target, b: Target): number {
  if (a.address === b.address) return a.port - b.port;
  return a.address < b.address ? -1 : 1;
}

function eligibleOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.isReady);
  return ready.length > 0 ? ready : candidates.filter((candidate) => candidate.isServing && candidate.isTerminating);
}

/** Follows the hints, unless one endpoint has none or none is meant for us. */
function nearest(candidates: readonly Candidate[], node: ProxyNode): readonly Candidate[] {
  if (candidates.length > 0 && candidates.every((candidate) => candidate.forNodes.length > 0)) {
    const here = candidates.filter((candidate) => candidate.forNodes.includes(node.name));
    if (here.length > 0) return here;
  }
  const { zone } = node;
  if (zone !== undefined && candidates.length > 0 && candidates.every((candidate) => candidate.forZones.length > 0)) {
    const here = candidates.filter((candidate) => candidate.forZones.includes(zone));
    if (here.length > 0) return here;
  }
  return candidates;
}

function targetOf({ address, port, isLocal }: Candidate): Target {
  return { address, port, isLocal };
}
