/** A pod as the scheduler looks at it: parsed once, when it is first seen. */
import { hostPortsOf } from '#api/core/host-ports.ts';
import type { HostPort } from '#api/core/host-ports.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ResourceAmounts } from '#api/core/pod-resources.ts';
import { requestsOnNode, resourceAmounts } from '#api/core/pod-resources.ts';
import type { PodAffinityTerm, WeightedPodAffinityTerm } from '#api/core/scheduling.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import { keyOf } from '#client/informer.ts';

export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  readonly requests: ResourceAmounts;
  /** Requests for scoring: a container that asks for nothing is still taken to need a little. */
  readonly usualCpuMillis: number;
  readonly usualMemoryBytes: number;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  /** Whether any of the four is not empty. */
  readonly hasAffinity: boolean;
  /** The uid of the controller whose replica it is. */
  readonly ownerUid: string | undefined;
}

export interface AffinityTerm {
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels; undefined: none but the named ones. */
  readonly namespaceQuery: LabelQuery | undefined;
  readonly query: LabelQuery;
}
export interface WeightedTerm extends AffinityTerm {
  readonly weight: number;
}

/** Labels of a namespace; undefined for one that is not known. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

const usualCpuMillis = 100;
const usualMemoryBytes = 200 * 1024 * 1024;

const known = new WeakMap<Pod, PodInfo>();

/** The same for the same pod object: pods from listers are frozen. */
export function podInfoOf(pod: Pod): PodInfo {
  let info = known.get(pod);
  if (info === undefined) {
    info = read(pod);
    known.set(pod, info);
  }
  return info;
}

function read(pod: Pod): PodInfo {
  const { metadata, spec } = pod;
  const requests = resourceAmounts(requestsOnNode(pod));
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const namespace = metadata.namespace;
  const affinity = termsOf(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace);
  const antiAffinity = termsOf(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace);
  const preferredAffinity = weightedOf(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace);
  const preferredAntiAffinity = weightedOf(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace);
  return {
    pod,
    key: keyOf(pod),
    uid: metadata.uid,
    priority: spec.priority ?? 0,
    requests,
    ...usualNeeds(pod, requests),
    hostPorts: hostPortsOf(pod.spec),
    affinity,
    antiAffinity,
    preferredAffinity,
    preferredAntiAffinity,
    hasAffinity: affinity.length + antiAffinity.length + preferredAffinity.length + preferredAntiAffinity.length > 0,
    ownerUid: metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid,
  };
}

function usualNeeds({ spec }: Pod, requests: ResourceAmounts): { readonly usualCpuMillis: number; readonly usualMemoryBytes: number } {
  let cpu = requests.cpuMillis;
  let memory = requests.memoryBytes;
  for (const { resources } of spec.containers) {
    if (resources.requests?.['cpu'] === undefined && spec.resources?.requests?.['cpu'] === undefined) cpu += usualCpuMillis;
    if (resources.requests?.['memory'] === undefined && spec.resources?.requests?.['memory'] === undefined) memory += usualMemoryBytes;
  }
  return { usualCpuMillis: cpu, usualMemoryBytes: memory };
}

function termOf(term: PodAffinityTerm, namespace: string): AffinityTerm {
  const own = (term.namespaces ?? []).length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    namespaces: new Set(own ? [namespace] : term.namespaces),
    namespaceQuery: term.namespaceSelector === undefined ? undefined : labelSelectorFrom(term.namespaceSelector),
    query: labelSelectorFrom(term.labelSelector),
  };
}

function termsOf(terms: readonly PodAffinityTerm[] | undefined, namespace: string): readonly AffinityTerm[] {
  return (terms ?? []).map((term) => termOf(term, namespace));
}

function weightedOf(terms: readonly WeightedPodAffinityTerm[] | undefined, namespace: string): readonly WeightedTerm[] {
  return (terms ?? []).map(({ podAffinityTerm, weight }) => ({ ...termOf(podAffinityTerm, namespace), weight }));
}

/** Whether `pod` is one of those the term speaks of. */
export function termMatches(term: AffinityTerm, pod: Pod, namespaceLabels: NamespaceLabels): boolean {
  const namespace = pod.metadata.namespace;
  const inPlace = term.namespaces.has(namespace) ||
    (term.namespaceQuery !== undefined && matchesLabels(term.namespaceQuery, namespaceLabels(namespace)));
  return inPlace && matchesLabels(term.query, pod.metadata.labels);
}
