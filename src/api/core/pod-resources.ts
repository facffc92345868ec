/**
 * What a pod asks for. Containers run together, so their requests add up; init containers run before them one after
 * another, so only the largest counts, but a sidecar (an init container that is always restarted) runs beside all that
 * come after it. Overhead of the runtime comes on top.
 *
 * Source: Kubernetes documentation "Resource Management for Pods", "Sidecar Containers: resource sharing".
 */
import { addQuantity, canonicalQuantity, compareQuantity, formatQuantity, milliValue, value } from '#apimachinery/quantity.ts';
import type { Container, ResourceRequirements } from './container.ts';

/** As much of a pod spec as counts here. */
export interface ResourceSpec {
  readonly containers: readonly Pick<Container, 'resources'>[];
  readonly initContainers?: readonly Pick<Container, 'resources' | 'restartPolicy'>[] | undefined;
  readonly overhead?: Readonly<Record<string, string>> | undefined;
  readonly resources?: ResourceRequirements | undefined;
}

export type ResourceList = Readonly<Record<string, string>>;

/** What the containers ask for together, without the pod-level requests and without overhead. */
export function aggregateRequests(spec: ResourceSpec): ResourceList {
  return aggregate(spec, 'requests');
}

/** Effective requests of the pod: pod-level ones win over those of the containers; overhead is added. */
export function podRequests(spec: ResourceSpec): ResourceList {
  const total: Record<string, string> = { ...aggregate(spec, 'requests'), ...spec.resources?.requests };
  return withOverhead(total, spec.overhead);
}

/** As much of a pod as tells what it takes of its node. */
export interface PlacedPod {
  readonly spec: ResourceSpec & { readonly containers: readonly NamedResources[]; readonly initContainers?: readonly (NamedResources & Pick<Container, 'restartPolicy'>)[] | undefined };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string | undefined }[] | undefined;
    readonly containerStatuses?: readonly GivenResources[] | undefined;
    readonly initContainerStatuses?: readonly GivenResources[] | undefined;
  };
}
interface NamedResources {
  readonly name: string;
  readonly resources: ResourceRequirements;
}
interface GivenResources {
  readonly name: string;
  readonly allocatedResources?: ResourceList | undefined;
  readonly resources?: ResourceRequirements | undefined;
}

/**
 * What a pod takes of its node: while it is being resized the most of what it asks for, what it was promised and what it has; of a
 * resize that can never be, nothing. Source: KEP-1287, "Scheduler and API Server Interaction".
 */
export function requestsOnNode({ spec, status }: PlacedPod): ResourceList {
  const given = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].filter(({ allocatedResources, resources }) => (allocatedResources ?? resources?.requests) !== undefined);
  if (given.length === 0) return podRequests(spec);
  const isHopeless = status.conditions?.some(({ type, reason, status: is }) => type === 'PodResizePending' && reason === 'Infeasible' && is === 'True') === true;
  let isAsAsked = true;
  const taken = <T extends NamedResources>(container: T): T => {
    const has = given.find(({ name }) => name === container.name);
    const asked = container.resources.requests;
    if (has === undefined || (sameAmounts(asked, has.allocatedResources) && sameAmounts(asked, has.resources?.requests))) return container;
    isAsAsked = false;
    const requests: Record<string, string> = isHopeless ? {} : { ...asked };
    raiseTo(requests, has.allocatedResources ?? {});
    raiseTo(requests, has.resources?.requests ?? {});
    return { ...container, resources: { ...container.resources, requests } };
  };
  const placed = { ...spec, containers: spec.containers.map(taken), ...(spec.initContainers !== undefined && { initContainers: spec.initContainers.map(taken) }) };
  return podRequests(isAsAsked ? spec : placed);
}

function sameAmounts(asked: ResourceList | undefined, given: ResourceList | undefined): boolean {
  if (asked === given || given === undefined) return true;
  for (const name in given) if (asked?.[name] !== given[name]) return false;
  for (const name in asked) if (given[name] === undefined) return false;
  return true;
}

/** Effective limits of the pod. A resource that some container does not limit is still summed over the others. */
export function podLimits(spec: ResourceSpec): ResourceList {
  const total: Record<string, string> = { ...aggregate(spec, 'limits'), ...spec.resources?.limits };
  // Overhead raises only what is limited at all.
  const overhead = Object.fromEntries(Object.entries(spec.overhead ?? {}).filter(([name]) => total[name] !== undefined));
  return withOverhead(total, overhead);
}

/** Adds up amounts; a resource that only one side has is taken as it is. */
export function addResources(left: ResourceList, right: ResourceList | undefined): Record<string, string> {
  const sum: Record<string, string> = { ...left };
  for (const name in right) addTo(sum, name, right[name] ?? '0');
  return sum;
}

function withOverhead(total: Record<string, string>, overhead: ResourceList | undefined): ResourceList {
  for (const name in overhead) addTo(total, name, overhead[name] ?? '0');
  return total;
}

function aggregate(spec: ResourceSpec, which: 'requests' | 'limits'): ResourceList {
  const total: Record<string, string> = {};
  for (const { resources } of spec.containers) addAll(total, resources[which]);
  if (spec.initContainers === undefined) return total;
  /** The most that is needed at any step of the initialization. */
  const peak: Record<string, string> = {};
  const sidecars: Record<string, string> = {};
  for (const { resources, restartPolicy } of spec.initContainers) {
    if (restartPolicy === 'Always') {
      addAll(total, resources[which]);
      addAll(sidecars, resources[which]);
      raiseTo(peak, sidecars);
    } else {
      raiseTo(peak, addResources(sidecars, resources[which]));
    }
  }
  raiseTo(total, peak);
  return total;
}

function addAll(sum: Record<string, string>, amounts: ResourceList | undefined): void {
  for (const name in amounts) addTo(sum, name, amounts[name] ?? '0');
}

function addTo(sum: Record<string, string>, name: string, amount: string): void {
  const before = sum[name];
  sum[name] = before === undefined ? amount : formatQuantity(addQuantity(before, amount));
}

function raiseTo(amounts: Record<string, string>, floor: ResourceList): void {
  for (const name in floor) {
    const wanted = floor[name] ?? '0';
    const before = amounts[name];
    if (before === undefined || compareQuantity(before, wanted) < 0) amounts[name] = wanted;
  }
}

/** Requests as numbers: CPU in thousandths, everything else in whole units (bytes, devices). */
export interface ResourceAmounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  /** Extended resources and huge pages by name. */
  readonly scalars: Readonly<Record<string, number>>;
}

export function resourceAmounts(list: ResourceList | undefined): ResourceAmounts {
  let cpuMillis = 0;
  let memoryBytes = 0;
  let ephemeralStorageBytes = 0;
  const scalars: Record<string, number> = {};
  for (const name in list) {
    const amount = list[name] ?? '0';
    if (name === 'cpu') cpuMillis = milliValue(amount);
    else if (name === 'memory') memoryBytes = value(amount);
    else if (name === 'ephemeral-storage') ephemeralStorageBytes = value(amount);
    else if (name !== 'pods') scalars[name] = value(amount);
  }
  return { cpuMillis, memoryBytes, ephemeralStorageBytes, scalars };
}

/** Whether the text is an amount greater than nothing. */
export function isPositive(amount: string | undefined): boolean {
  return amount !== undefined && canonicalQuantity(amount) !== '0' && !amount.startsWith('-');
}
