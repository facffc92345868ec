/**
 * Spreads pods over nodes, zones and whatever else labels tell apart.
 *
 * Source: Kubernetes documentation "Pod Topology Spread Constraints".
 */
import { matchesNodeWishes } from '#api/core/node-selector.ts';
import type { TopologySpreadConstraint } from '#api/core/scheduling.ts';
import { findUntolerated } from '#api/core/taints.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import { labelsDiffer } from '../cache/label-change.ts';
import type { ReadonlyNodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { FilterPlan, Rejection, SchedulerPlugin, ScorePlan } from '../framework.ts';
import { always, maxPoints } from '../framework.ts';
import { nodeChanges } from '../queue/cluster-event.ts';

const name = 'PodTopologySpread';
const uneven: Rejection = { plugin: name, reasons: ["node(s) didn't match pod topology spread constraints"], isResolvable: true };
const noLabel: Rejection = { plugin: name, reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"], isResolvable: false };

export const podTopologySpread: SchedulerPlugin = {
  name,
  weight: 2,
  filter: prepareFilter,
  score: prepareScore,
  wakesOn: {
    NodeAdd: always,
    NodeUpdate: (_pod, event) => nodeChanges(event).labels || nodeChanges(event).taints,
    AssignedPodAdd: (pod, { pod: other }) => other?.pod.metadata.namespace === pod.pod.metadata.namespace,
    AssignedPodUpdate: (_pod, { oldPod, pod }) => labelsDiffer(oldPod?.pod, pod?.pod),
    AssignedPodDelete: (pod, { pod: other }) => other?.pod.metadata.namespace === pod.pod.metadata.namespace,
  },
};

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly query: LabelQuery;
  /** Whether nodes that the pod cannot go to anyway count as domains. */
  readonly countsUnwanted: boolean;
  readonly countsTainted: boolean;
}

function constraintsOf({ pod }: PodInfo, when: TopologySpreadConstraint['whenUnsatisfiable']): readonly Constraint[] {
  const given = pod.spec.topologySpreadConstraints;
  if (given === undefined) return [];
  return given.filter((each) => each.whenUnsatisfiable === when).map((each) => {
    const query = labelSelectorFrom(each.labelSelector);
    // A label's value of this very pod: how replicas of one version are told from those of another.
    const own = (each.matchLabelKeys ?? []).flatMap((key) => {
      const value = pod.metadata.labels?.[key];
      return value === undefined ? [] : [{ key, operator: '=' as const, values: [value] }];
    });
    return {
      topologyKey: each.topologyKey,
      maxSkew: each.maxSkew,
      minDomains: each.minDomains ?? 1,
      query: { ...query, requirements: [...query.requirements, ...own] },
      countsUnwanted: each.nodeAffinityPolicy === 'Ignore',
      countsTainted: each.nodeTaintsPolicy !== 'Honor',
    };
  });
}

function isCounted({ countsTainted, countsUnwanted }: Constraint, { pod }: PodInfo, { node }: ReadonlyNodeInfo): boolean {
  return (countsUnwanted || matchesNodeWishes(pod.spec, node)) &&
    (countsTainted || findUntolerated(node.spec.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute']) === undefined);
}

function countMatching(query: LabelQuery, namespace: string, node: ReadonlyNodeInfo): number {
  let count = 0;
  for (const { pod } of node.pods.values()) {
    const { metadata } = pod;
    if (metadata.namespace === namespace && metadata.deletionTimestamp === undefined && matchesLabels(query, metadata.labels)) count++;
  }
  return count;
}

function valueAt(node: ReadonlyNodeInfo, topologyKey: string): string | undefined {
  return node.node.metadata.labels?.[topologyKey];
}

function hasAllKeys(node: ReadonlyNodeInfo, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ topologyKey }) => valueAt(node, topologyKey) !== undefined);
}

/** Matching pods by domain, for each constraint. */
function countDomains(pod: PodInfo, constraints: readonly Constraint[], nodes: readonly ReadonlyNodeInfo[]): readonly Map<string, number>[] {
  const counts = constraints.map(() => new Map<string, number>());
  for (const node of nodes) {
    // A node that lacks one of the labels is outside of all domains.
    if (!hasAllKeys(node, constraints)) continue;
    for (const [index, constraint] of constraints.entries()) {
      const value = valueAt(node, constraint.topologyKey);
      const domains = counts[index];
      if (value === undefined || domains === undefined || !isCounted(constraint, pod, node)) continue;
      domains.set(value, (domains.get(value) ?? 0) + countMatching(constraint.query, pod.pod.metadata.namespace, node));
    }
  }
  return counts;
}

function prepareFilter(pod: PodInfo, snapshot: Snapshot): FilterPlan | undefined {
  const constraints = constraintsOf(pod, 'DoNotSchedule');
  if (constraints.length === 0) return undefined;
  const counts = countDomains(pod, constraints, snapshot.nodes);
  const rules = constraints.map((constraint, index) => {
    const domains = counts[index] ?? new Map<string, number>();
    const least = domains.size < constraint.minDomains ? 0 : Math.min(...domains.values());
    const self = matchesLabels(constraint.query, pod.pod.metadata.labels) ? 1 : 0;
    return { ...constraint, domains, least, self };
  });
  return {
    node(node) {
      for (const { domains, least, maxSkew, self, topologyKey } of rules) {
        const value = valueAt(node, topologyKey);
        if (value === undefined) return noLabel;
        if ((domains.get(value) ?? 0) + self - least > maxSkew) return uneven;
      }
      return undefined;
    },
  };
}

const hostKey = 'kubernetes.io/hostname';
const zoneKey = 'topology.kubernetes.io/zone';
/** For pods that say nothing themselves: replicas of one controller are spread anyway. */
const usualSkews: readonly (readonly [string, number])[] = [[hostKey, 3], [zoneKey, 5]];

function prepareScore(pod: PodInfo, snapshot: Snapshot, feasible: readonly ReadonlyNodeInfo[]): ScorePlan | undefined {
  if (pod.pod.spec.topologySpreadConstraints === undefined) return scoreReplicas(pod, snapshot, feasible);
  const constraints = constraintsOf(pod, 'ScheduleAnyway');
  if (constraints.length === 0) return undefined;
  const counts = countDomains(pod, constraints, snapshot.nodes);
  const rules = constraints.map(({ maxSkew, topologyKey }, index) => ({ topologyKey, maxSkew, domains: counts[index] ?? new Map<string, number>() }));
  return spreadScore(rules, feasible);
}

/** Counts replicas of the same controller instead of matching labels: the same pods, without looking at each. */
function scoreReplicas({ ownerUid }: PodInfo, snapshot: Snapshot, feasible: readonly ReadonlyNodeInfo[]): ScorePlan | undefined {
  const replicas = ownerUid === undefined ? undefined : snapshot.replicas(ownerUid);
  if (replicas === undefined) return undefined;
  const rules = usualSkews.map(([topologyKey, maxSkew]) => ({ topologyKey, maxSkew, domains: new Map<string, number>() }));
  for (const [nodeName, count] of replicas) {
    const node = snapshot.get(nodeName);
    if (node === undefined) continue;
    for (const { domains, topologyKey } of rules) {
      const value = topologyKey === hostKey ? nodeName : valueAt(node, topologyKey);
      if (value !== undefined) domains.set(value, (domains.get(value) ?? 0) + count);
    }
  }
  return spreadScore(rules, feasible, true);
}

interface SpreadRule {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly domains: ReadonlyMap<string, number>;
}

/** The more matching pods in a node's domains, the fewer points; a domain among many weighs more. `lenient`: a missing label is no fault. */
function spreadScore(rules: readonly SpreadRule[], feasible: readonly ReadonlyNodeInfo[], lenient = false): ScorePlan {
  const weighed = rules.map((rule) => {
    const size = rule.topologyKey === hostKey ? feasible.length : new Set(feasible.map((node) => valueAt(node, rule.topologyKey))).size;
    return { ...rule, weight: Math.log(size + 2) };
  });
  const outside = -1;
  return {
    score(node) {
      let crowd = 0;
      for (const { domains, maxSkew, topologyKey, weight } of weighed) {
        const value = topologyKey === hostKey && lenient ? node.name : valueAt(node, topologyKey);
        if (value !== undefined) crowd += (domains.get(value) ?? 0) * weight + (maxSkew - 1);
        else if (!lenient) return outside;
      }
      return Math.round(crowd);
    },
    normalize(points) {
      let max = 0;
      let min = Infinity;
      for (const point of points) {
        if (point === outside) continue;
        max = Math.max(max, point);
        min = Math.min(min, point);
      }
      for (let index = 0; index < points.length; index++) {
        const point = points[index] ?? 0;
        points[index] = point === outside ? 0 : max === 0 ? maxPoints : Math.floor((maxPoints * (max + min - point)) / max);
      }
    },
  };
}
