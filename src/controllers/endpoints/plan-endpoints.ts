/** The classic Endpoints of a Service: subsets of addresses that share their ports. Pure. */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '#api/core/endpoints.ts';
import { Pod } from '#api/core/pod.ts';
import { isReady } from '#api/core/pod-status.ts';
import type { Service } from '#api/core/service.ts';
import { addressOf, familiesOf, hasEndpoint, hostnameOf, isHeadless, targetPort } from './service-pods.ts';

/** Addresses in one Endpoints object; the rest is only in EndpointSlices. */
export const maxAddresses = 1000;
const headlessLabel = 'service.kubernetes.io/headless';
export const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by';
export const endpointsManagedBy = 'endpoint-controller';

interface Subset {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

export interface EndpointsPlan {
  readonly labels: Readonly<Record<string, string>>;
  readonly subsets: readonly EndpointSubset[];
  readonly isTruncated: boolean;
}

export function planEndpoints(service: Service, pods: readonly Pod[]): EndpointsPlan {
  const family = familiesOf(service)[0] ?? 'IPv4';
  const publishesAll = service.spec.publishNotReadyAddresses === true;
  const subsets = new Map<string, Subset>();
  for (const pod of pods) {
    const ip = hasEndpoint(pod, publishesAll) ? addressOf(pod, family) : undefined;
    if (ip === undefined) continue;
    const address = addressFor(service, pod, ip);
    for (const ports of portSets(service, pod)) {
      const id = JSON.stringify(ports);
      let subset = subsets.get(id);
      if (subset === undefined) subsets.set(id, (subset = { ports, ready: [], notReady: [] }));
      (publishesAll || isReady(pod) ? subset.ready : subset.notReady).push(address);
    }
  }
  const ordered = [...subsets].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, subset]) => subset);
  return { labels: labelsOf(service), ...truncated(ordered) };
}

/** All ports together; a headless Service without ports has addresses all the same. */
function portSets(service: Service, pod: Pod): readonly (readonly EndpointPort[])[] {
  const wanted = service.spec.ports ?? [];
  if (wanted.length === 0) return isHeadless(service) ? [[]] : [];
  const ports: EndpointPort[] = [];
  for (const port of wanted) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      ...(port.name !== undefined && { name: port.name }), port: number, protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
    });
  }
  return ports.length === 0 ? [] : [ports];
}

function addressFor(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  return {
    ip,
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: Pod.kind, namespace, name, uid },
  };
}

/** Ready addresses are kept before others. */
function truncated(subsets: readonly Subset[]): Pick<EndpointsPlan, 'subsets' | 'isTruncated'> {
  let left = maxAddresses;
  const take = (addresses: EndpointAddress[]): EndpointAddress[] => {
    const taken = addresses.sort(byAddress).slice(0, left);
    left -= taken.length;
    return taken;
  };
  const total = subsets.reduce((sum, { ready, notReady }) => sum + ready.length + notReady.length, 0);
  const ready = subsets.map((subset) => take(subset.ready));
  const notReady = subsets.map((subset) => take(subset.notReady));
  const result = subsets.map(({ ports }, index): EndpointSubset => ({
    ...((ready[index] ?? []).length > 0 && { addresses: ready[index] }),
    ...((notReady[index] ?? []).length > 0 && { notReadyAddresses: notReady[index] }),
    ...(ports.length > 0 && { ports }),
  }));
  return { subsets: result.filter(({ addresses, notReadyAddresses }) => addresses !== undefined || notReadyAddresses !== undefined), isTruncated: total > maxAddresses };
}

/** The uids of the pods whose address is new, or has become ready or stopped being so. Pure. */
export function changedPods(before: readonly EndpointSubset[], after: readonly EndpointSubset[]): ReadonlySet<string> {
  const old = new Set(statesOf(before).map(([state]) => state));
  return new Set(statesOf(after).flatMap(([state, uid]) => (old.has(state) || uid === undefined ? [] : [uid])));
}

/** Every address with its readiness and ports as one text, and the pod's uid. */
function statesOf(subsets: readonly EndpointSubset[]): readonly (readonly [string, string | undefined])[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const numbers = ports.map(({ name, port }) => `${name ?? ''}:${port}`).join();
    const state = (isIn: boolean) => ({ ip, targetRef }: EndpointAddress): readonly [string, string | undefined] => [`${ip} ${isIn} ${numbers}`, targetRef?.uid];
    return [...addresses.map(state(true)), ...notReadyAddresses.map(state(false))];
  });
}

function byAddress(left: EndpointAddress, right: EndpointAddress): number {
  return left.ip < right.ip ? -1 : left.ip > right.ip ? 1 : 0;
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  const labels: Record<string, string> = { ...service.metadata.labels };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[endpointsManagedByLabel] = endpointsManagedBy;
  return labels;
}
