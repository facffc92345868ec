import type { Container, ResourceRequirements } from '#api/core/container.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import { podRequests } from '#api/core/pod-resources.ts';
import type { Pod } from '#api/core/pod.ts';
import { addQuantity, compareQuantity, milliValue, value } from '#apimachinery/quantity.ts';
import type { ContainerRecord } from './pod-runtime.ts';

export interface ResizeView {
  readonly pod: Pod;
  /** The newest of each name first. */
  readonly containers: readonly ContainerRecord[];
  /** What a running container was given last. */
  readonly actual: (record: ContainerRecord) => ResourceRequirements;
  readonly allocatable: ResourceList;
  /** Of the other pods of the node, together. */
  readonly requestedByOthers: () => ResourceList;
}

export interface Resize {
  readonly container: Container;
  readonly record: ContainerRecord;
}

export interface ResizePlan {
  /** The runtime can be told while they run. */
  readonly updates: readonly Resize[];
  /** Their resize policy wants them to start anew. */
  readonly restarts: readonly Resize[];
  /** Why the node does not give what is asked for, now or ever. */
  readonly pending: { readonly reason: 'Deferred' | 'Infeasible'; readonly message: string } | undefined;
}

const resizable = ['cpu', 'memory'] as const;
const nothing: ResizePlan = { updates: [], restarts: [], pending: undefined };

/**
 * What is to change so that running containers have the resources that their pod asks for now. Pure.
 * Source: KEP-1287, in-place update of pod resources.
 */
export function planResize(view: ResizeView): ResizePlan {
  const { pod, containers, actual } = view;
  const changed: (Resize & { readonly names: readonly string[] })[] = [];
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const record = containers.find(({ name }) => name === container.name);
    if (record?.state !== 'running') continue;
    const names = differing(actual(record), container.resources);
    if (names.length > 0) changed.push({ container, record, names });
  }
  if (changed.length === 0) return nothing;
  const pending = whyNot(view);
  if (pending !== undefined) return { ...nothing, pending };
  const mustRestart = ({ container, names }: (typeof changed)[number]): boolean =>
    (container.resizePolicy ?? []).some((each) => each.restartPolicy === 'RestartContainer' && names.includes(each.resourceName));
  return { updates: changed.filter((each) => !mustRestart(each)), restarts: changed.filter(mustRestart), pending: undefined };
}

/** The pod as if it asked for what its running containers have. Pure. */
export function asGiven({ pod, containers, actual }: Pick<ResizeView, 'pod' | 'containers' | 'actual'>): Pod {
  const given = (container: Container): Container => {
    const record = containers.find(({ name, state }) => name === container.name && state === 'running');
    return record === undefined ? container : { ...container, resources: actual(record) };
  };
  const { initContainers } = pod.spec;
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(given), ...(initContainers !== undefined && { initContainers: initContainers.map(given) }) } };
}

/** CPU and memory that are not the same. */
function differing(left: ResourceRequirements, right: ResourceRequirements): readonly string[] {
  const same = (a: string | undefined, b: string | undefined): boolean => (a === undefined || b === undefined ? a === b : compareQuantity(a, b) === 0);
  return resizable.filter((name) => !same(left.requests?.[name], right.requests?.[name]) || !same(left.limits?.[name], right.limits?.[name]));
}

/** Only more than before can be too much. */
function whyNot({ pod, containers, actual, allocatable, requestedByOthers }: ResizeView): ResizePlan['pending'] {
  const now = podRequests(asGiven({ pod, containers, actual }).spec);
  const wanted = podRequests(pod.spec);
  for (const name of resizable) {
    const asked = wanted[name];
    const capacity = allocatable[name];
    if (asked === undefined || capacity === undefined || compareQuantity(asked, now[name] ?? '0') <= 0) continue;
    const number = name === 'cpu' ? milliValue : value;
    if (compareQuantity(asked, capacity) > 0) return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, requested: ${number(asked)}, capacity: ${number(capacity)}` };
    const used = requestedByOthers()[name] ?? '0';
    if (compareQuantity(addQuantity(asked, used), capacity) > 0) return { reason: 'Deferred', message: `Node didn't have enough resource: ${name}, requested: ${number(asked)}, used: ${number(used)}, capacity: ${number(capacity)}` };
  }
  return undefined;
}
