/**
 * Places pods beside those they want to be with, and away from those they (or those others) do not want to be with.
 *
 * Source: Kubernetes documentation "Inter-pod affinity and anti-affinity".
 */
import { labelsDiffer } from '../cache/label-change.ts';
import type { ReadonlyNodeInfo } from '../cache/node-info.ts';
import type { AffinityTerm, PodInfo, WeightedTerm } from '../cache/pod-info.ts';
import { termMatches } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { FilterPlan, Rejection, SchedulerPlugin, ScorePlan } from '../framework.ts';
import { always, maxPoints } from '../framework.ts';
import { nodeChanges } from '../queue/cluster-event.ts';

const name = 'InterPodAffinity';
const noFriends: Rejection = { plugin: name, reasons: ["node(s) didn't match pod affinity rules"], isResolvable: false };
const ownEnemies: Rejection = { plugin: name, reasons: ["node(s) didn't match pod anti-affinity rules"], isResolvable: true };
const enemiesHere: Rejection = { plugin: name, reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], isResolvable: true };

/** How much another pod's required affinity to this one counts among the preferences. */
const hardAffinityWeight = 1;

export const interPodAffinity: SchedulerPlugin = {
  name,
  weight: 2,
  filter: prepareFilter,
  score: prepareScore,
  wakesOn: {
    NodeAdd: always,
    NodeUpdate: (_pod, event) => nodeChanges(event).labels,
    AssignedPodAdd: (pod, { pod: other }) => other !== undefined && pod.affinity.some((term) => term.namespaceQuery !== undefined || termMatches(term, other.pod, () => undefined)),
    AssignedPodUpdate: (_pod, { oldPod, pod }) => labelsDiffer(oldPod?.pod, pod?.pod),
    AssignedPodDelete: always,
    NamespaceUpdate: always,
  },
};

/** Weights by topology key and value: of pods that match, or points. */
class TopologySums {
  readonly #byKey = new Map<string, Map<string, number>>();

  add(topologyKey: string, node: ReadonlyNodeInfo, by: number): void {
    const value = node.node.metadata.labels?.[topologyKey];
    if (value === undefined) return;
    let byValue = this.#byKey.get(topologyKey);
    if (byValue === undefined) this.#byKey.set(topologyKey, (byValue = new Map()));
    byValue.set(value, (byValue.get(value) ?? 0) + by);
  }
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }
  at(topologyKey: string, node: ReadonlyNodeInfo): number {
    const value = node.node.metadata.labels?.[topologyKey];
    return value === undefined ? 0 : (this.#byKey.get(topologyKey)?.get(value) ?? 0);
  }
  /** Over all keys. */
  total(node: ReadonlyNodeInfo): number {
    let sum = 0;
    for (const topologyKey of this.#byKey.keys()) sum += this.at(topologyKey, node);
    return sum;
  }
}

function prepareFilter(pod: PodInfo, snapshot: Snapshot): FilterPlan | undefined {
  const { affinity, antiAffinity } = pod;
  const { namespaceLabels } = snapshot;
  const repelled = new TopologySums();
  for (const node of snapshot.antiAffinityNodes) {
    for (const other of node.antiAffinityPods) {
      for (const term of other.antiAffinity) if (termMatches(term, pod.pod, namespaceLabels)) repelled.add(term.topologyKey, node, 1);
    }
  }
  if (affinity.length === 0 && antiAffinity.length === 0 && repelled.isEmpty) return undefined;

  const friends = new TopologySums();
  const enemies = new TopologySums();
  if (affinity.length > 0 || antiAffinity.length > 0) {
    for (const node of snapshot.nodes) {
      for (const other of node.pods.values()) {
        if (affinity.length > 0 && matchesAll(affinity, other, snapshot)) for (const term of affinity) friends.add(term.topologyKey, node, 1);
        for (const term of antiAffinity) if (termMatches(term, other.pod, namespaceLabels)) enemies.add(term.topologyKey, node, 1);
      }
    }
  }
  // The first of a group of pods that want to be together has nobody to be with yet.
  const isFirst = friends.isEmpty && matchesAll(affinity, pod, snapshot);
  return {
    node(node) {
      const labels = node.node.metadata.labels;
      for (const { topologyKey } of affinity) {
        if (labels?.[topologyKey] === undefined) return noFriends;
        if (!isFirst && friends.at(topologyKey, node) === 0) return noFriends;
      }
      for (const { topologyKey } of antiAffinity) if (enemies.at(topologyKey, node) > 0) return ownEnemies;
      return repelled.total(node) > 0 ? enemiesHere : undefined;
    },
  };
}

function matchesAll(terms: readonly AffinityTerm[], { pod }: PodInfo, { namespaceLabels }: Snapshot): boolean {
  return terms.every((term) => termMatches(term, pod, namespaceLabels));
}

function prepareScore(pod: PodInfo, snapshot: Snapshot): ScorePlan | undefined {
  const wishes = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
  if (!wishes && snapshot.affinityNodes.size === 0) return undefined;
  const { namespaceLabels } = snapshot;
  const sums = new TopologySums();
  const apply = (terms: readonly WeightedTerm[], target: PodInfo, node: ReadonlyNodeInfo, sign: 1 | -1): void => {
    for (const term of terms) if (termMatches(term, target.pod, namespaceLabels)) sums.add(term.topologyKey, node, sign * term.weight);
  };
  for (const node of wishes ? snapshot.nodes : snapshot.affinityNodes) {
    for (const other of wishes ? node.pods.values() : node.affinityPods) {
      apply(pod.preferredAffinity, other, node, 1);
      apply(pod.preferredAntiAffinity, other, node, -1);
      apply(other.affinity.map((term) => ({ ...term, weight: hardAffinityWeight })), pod, node, 1);
      apply(other.preferredAffinity, pod, node, 1);
      apply(other.preferredAntiAffinity, pod, node, -1);
    }
  }
  return sums.isEmpty ? undefined : { score: (node) => sums.total(node), normalize: normalizeByRange };
}

/** The lowest gets 0, the highest 100. */
function normalizeByRange(points: Float64Array): void {
  const min = Math.min(...points);
  const range = Math.max(...points) - min;
  for (let index = 0; index < points.length; index++) {
    points[index] = range > 0 ? Math.floor((maxPoints * ((points[index] ?? 0) - min)) / range) : 0;
  }
}
