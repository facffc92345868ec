/**
 * The EndpointSlices of a Service: from its pods to the writes that make the slices right with as few changes as
 * possible. Pure.
 *
 * Source: Kubernetes documentation "EndpointSlices", KEP-752.
 */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { Pod } from '#api/core/pod.ts';
import { isReady, isTerminating } from '#api/core/pod-status.ts';
import { Service } from '#api/core/service.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import { triggerTime, withTriggerTime } from './trigger-time.ts';
import { addressOf, familiesOf, hasEndpoint, hostnameOf, isHeadless, targetPort } from './service-pods.ts';

/** More endpoints in one slice would make each change of one of them dearer for every node. */
export const maxEndpointsPerSlice = 100;
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedBy = 'endpointslice-controller.k8s.io';
const headlessLabel = 'service.kubernetes.io/headless';

export interface SlicesInput {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly slices: readonly EndpointSlice[];
  /** The zone of a node: '' when it says none, undefined when the node is unknown. */
  readonly zoneOf: (nodeName: string) => string | undefined;
}

export interface SlicesPlan {
  readonly create: readonly Given<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** A pod's node is not known yet: look again soon. */
  readonly isIncomplete: boolean;
}

type Family = 'IPv4' | 'IPv6';

/** Endpoints that share their ports. */
interface Group {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

export function planEndpointSlices(input: SlicesInput): SlicesPlan {
  const create: Given<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  let isIncomplete = false;
  const families = familiesOf(input.service);
  for (const slice of input.slices) if (!families.some((family) => family === slice.addressType)) remove.push(slice);
  for (const family of families) {
    const desired = desiredGroups(input, family);
    isIncomplete ||= desired.isIncomplete;
    const plan = planFamily(input.service, family, [...desired.groups.values()], input.slices.filter((slice) => slice.addressType === family));
    create.push(...plan.create);
    update.push(...plan.update);
    remove.push(...plan.remove);
  }
  return { ...withTrigger(input, create, update), remove, isIncomplete };
}

/** Marks what is written with the time of the change that it follows. */
function withTrigger({ service, pods, slices }: SlicesInput, create: readonly Given<EndpointSlice>[], update: readonly EndpointSlice[]): Pick<SlicesPlan, 'create' | 'update'> {
  if (create.length + update.length === 0) return { create, update };
  // Endpoints that stay as they are stay the very same objects.
  const known = new Set<unknown>(slices.flatMap(({ endpoints }) => endpoints));
  const changed = new Set([...create, ...update].flatMap(({ endpoints = [] }) => endpoints.filter((endpoint) => !known.has(endpoint)).map(({ targetRef }) => targetRef?.uid)));
  const time = triggerTime(service, { isNew: slices.length === 0, changed: pods.filter(({ metadata }) => changed.has(metadata.uid)) });
  return {
    create: create.map((slice) => (time === undefined ? slice : { ...slice, metadata: { ...slice.metadata, annotations: withTriggerTime(undefined, time) } })),
    update: update.map((slice) => ({ ...slice, metadata: { ...slice.metadata, annotations: withTriggerTime(slice.metadata.annotations, time) } })),
  };
}

function desiredGroups({ service, pods, zoneOf }: SlicesInput, family: Family) {
  const groups = new Map<string, Group>();
  let isIncomplete = false;
  for (const pod of pods) {
    if (!hasEndpoint(pod, true)) continue;
    const address = addressOf(pod, family);
    if (address === undefined) continue;
    const { nodeName } = pod.spec;
    const zone = nodeName === undefined ? '' : zoneOf(nodeName);
    if (zone === undefined && service.spec.publishNotReadyAddresses !== true) {
      isIncomplete = true;
      continue;
    }
    const ports = portsOf(service, pod);
    const id = JSON.stringify(ports);
    let group = groups.get(id);
    if (group === undefined) groups.set(id, (group = { ports, endpoints: new Map() }));
    group.endpoints.set(pod.metadata.uid, endpointOf(service, pod, { address, zone: zone ?? '' }));
  }
  return { groups, isIncomplete };
}

function portsOf(service: Service, pod: Pod): readonly EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number, ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }) });
  }
  return ports;
}

function endpointOf(service: Service, pod: Pod, { address, zone }: { readonly address: string; readonly zone: string }): Endpoint {
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { nodeName } = pod.spec;
  const { namespace, name, uid } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && { hostname }),
    targetRef: { kind: Pod.kind, namespace, name, uid },
    ...(nodeName !== undefined && { nodeName }),
    ...(zone !== '' && { zone }),
    ...hintsOf(service, { ready, zone, nodeName }),
  };
}

/** Where traffic to this endpoint shall come from, if the Service cares. */
function hintsOf({ spec }: Service, { ready, zone, nodeName }: { readonly ready: boolean; readonly zone: string; readonly nodeName: string | undefined }): Pick<Endpoint, 'hints'> {
  if (!ready) return {};
  const forZones = zone === '' ? {} : { forZones: [{ name: zone }] };
  switch (spec.trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return zone === '' ? {} : { hints: forZones };
    case 'PreferSameNode':
      return nodeName === undefined ? {} : { hints: { ...forZones, forNodes: [{ name: nodeName }] } };
    default:
      return {};
  }
}

interface FamilyPlan {
  readonly create: Given<EndpointSlice>[];
  readonly update: EndpointSlice[];
  readonly remove: EndpointSlice[];
}

function planFamily(service: Service, family: Family, groups: readonly Group[], slices: readonly EndpointSlice[]): FamilyPlan {
  const plan: FamilyPlan = { create: [], update: [], remove: [] };
  const labels = labelsOf(service);
  const left = new Set(slices);
  let kept = 0;
  for (const group of groups) {
    const own = slices.filter((slice) => saysTheSame(slice.ports, group.ports));
    for (const slice of own) left.delete(slice);
    kept += planGroup(service, { family, labels, group, slices: own }, plan);
  }
  // Without any endpoint an empty slice stays, so that readers can tell "none" from "not known yet".
  const spare = [...left].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  if (kept === 0) {
    const placeholder = spare.find((slice) => slice.endpoints.length === 0 && slice.ports.length === 0) ?? spare[0];
    if (placeholder === undefined) plan.create.push(newSlice(service, { family, labels, ports: [], endpoints: [] }));
    else {
      left.delete(placeholder);
      change(placeholder, { labels, ports: [], endpoints: [] }, plan);
    }
  }
  plan.remove.push(...left);
  return plan;
}

interface GroupSlices {
  readonly family: Family;
  readonly labels: Readonly<Record<string, string>>;
  readonly group: Group;
  readonly slices: readonly EndpointSlice[];
}

/** Returns how many slices the group has afterwards. */
function planGroup(service: Service, { family, labels, group, slices }: GroupSlices, plan: FamilyPlan): number {
  const missing = new Map(group.endpoints);
  const contents = slices.map((slice) => {
    let isChanged = false;
    const endpoints: Endpoint[] = [];
    for (const endpoint of slice.endpoints) {
      const uid = endpoint.targetRef?.uid ?? '';
      const wanted = missing.get(uid);
      if (wanted === undefined) isChanged = true;
      else {
        missing.delete(uid);
        const isSame = saysTheSame(endpoint, wanted);
        endpoints.push(isSame ? endpoint : wanted);
        isChanged ||= !isSame;
      }
    }
    return { slice, endpoints, isChanged };
  });
  const rest = [...missing.values()];
  // Slices that change anyway are filled first, then the fullest others; what is left goes into new ones.
  const order = contents.toSorted((a, b) => Number(b.isChanged) - Number(a.isChanged) || b.endpoints.length - a.endpoints.length);
  for (const content of order) {
    if (rest.length === 0) break;
    const room = maxEndpointsPerSlice - content.endpoints.length;
    if (room <= 0) continue;
    content.endpoints.push(...rest.splice(0, room));
    content.isChanged = true;
  }
  let count = 0;
  for (const { slice, endpoints } of contents) {
    if (endpoints.length === 0) {
      plan.remove.push(slice);
      continue;
    }
    count++;
    change(slice, { labels, ports: group.ports, endpoints }, plan);
  }
  while (rest.length > 0) {
    count++;
    plan.create.push(newSlice(service, { family, labels, ports: group.ports, endpoints: rest.splice(0, maxEndpointsPerSlice) }));
  }
  return count;
}

interface Content {
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

function change(slice: EndpointSlice, { labels, ports, endpoints }: Content, plan: FamilyPlan): void {
  const isSame = sameList(slice.endpoints, endpoints) && saysTheSame(slice.ports, ports) && saysTheSame(slice.metadata.labels, labels);
  if (!isSame) plan.update.push({ ...slice, metadata: { ...slice.metadata, labels }, ports, endpoints });
}

/** Unchanged endpoints are the very same objects. */
function sameList(left: readonly Endpoint[], right: readonly Endpoint[]): boolean {
  return left.length === right.length && left.every((endpoint, index) => endpoint === right[index]);
}

function newSlice(service: Service, { family, ...content }: Content & { readonly family: Family }): Given<EndpointSlice> {
  return {
    metadata: {
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace,
      labels: content.labels,
      ownerReferences: [controllerReference(Service, service)],
    },
    addressType: family,
    endpoints: content.endpoints,
    ports: content.ports,
  };
}

/** The Service's own labels and those by which readers find the slices. */
function labelsOf(service: Service): Readonly<Record<string, string>> {
  const labels: Record<string, string> = { ...service.metadata.labels };
  for (const reserved of [serviceNameLabel, managedByLabel, headlessLabel]) delete labels[reserved];
  labels[serviceNameLabel] = service.metadata.name;
  labels[managedByLabel] = managedBy;
  if (isHeadless(service)) labels[headlessLabel] = '';
  return labels;
}
