/**
 * Where the proxy subresources lead. Pure.
 *
 * Source: Kubernetes documentation, "Access Services Running on Clusters"; names as `[scheme:]name[:port]`.
 */
import type { Pod } from '#api/core/pod.ts';
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { badRequest, unavailable } from '#apimachinery/status-error.ts';

export interface ProxyName {
  /** '' counts as http. */
  readonly scheme: 'http' | 'https' | '';
  readonly name: string;
  /** A number or a port's name; '' when it is not said. */
  readonly port: string;
}

/** An address to connect to. */
export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** Reads `https:web:8443`. Throws a 400 for what is no such name. */
export function parseProxyName(text: string, what: 'pod' | 'service' | 'node'): ProxyName {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: '', name: text, port: '' };
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  if (parts.length === 3 && (first === '' || first === 'http' || first === 'https')) return { scheme: first, name: second, port: third };
  throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`);
}

/** The pod's address and the port that is asked for, else its first container port. Throws a 400. */
export function podTarget(pod: Pod, { scheme, port }: ProxyName): ProxyTarget {
  const host = pod.status.podIP ?? '';
  const asked = port === '' ? firstContainerPort(pod) : portNumber(port);
  if (asked === undefined) throw badRequest(`invalid pod request ${JSON.stringify(`${pod.metadata.name}:${port}`)}`);
  if (host === '') throw badRequest('address not allowed');
  const target = { scheme: scheme === '' ? 'http' : scheme, host, port: asked === 0 ? defaultPort(scheme) : asked } as const;
  checkProxyable(target);
  return target;
}

function firstContainerPort(pod: Pod): number {
  for (const container of pod.spec.containers) {
    const port = container.ports?.find((each) => (each.protocol ?? 'TCP') === 'TCP')?.containerPort;
    if (port !== undefined) return port;
  }
  return 0;
}

function defaultPort(scheme: string): number {
  return scheme === 'https' ? 443 : 80;
}

/** One of the ready endpoints of a Service's port; `choose` picks among so many. Throws a 503 when there is none. */
export function serviceTarget(service: Service, slices: Iterable<EndpointSlice>, { scheme, name, port }: ProxyName, choose: (count: number) => number): ProxyTarget {
  const ports = service.spec.ports ?? [];
  const found = port === '' ? (ports.length === 1 ? ports[0] : undefined) : ports.find((each) => each.name === port || String(each.port) === port);
  if (found === undefined) throw unavailable(port === '' ? `no endpoints available for service ${JSON.stringify(name)}` : `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const targets: ProxyTarget[] = [];
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    const slicePort = slice.ports?.find((each) => (each.name ?? '') === (found.name ?? ''))?.port;
    if (slicePort === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      if (conditions?.ready === false) continue;
      for (const host of addresses.slice(0, 1)) targets.push({ scheme: scheme === '' ? 'http' : scheme, host, port: slicePort });
    }
  }
  const target = targets[choose(targets.length)];
  if (target === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(port === '' ? name : `${name}:${port}`)}`);
  checkProxyable(target);
  return target;
}

/** Nobody may reach through a pod what listens on the API server's own machine. */
function checkProxyable({ host }: ProxyTarget): void {
  if (/^(127\.|169\.254\.|0\.|::1$|fe80:)/i.test(host)) throw badRequest('address not allowed');
}

function portNumber(text: string): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
}
