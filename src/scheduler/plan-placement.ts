/** The decision: which node a pod goes to, or why none will do. Pure; no clock, no randomness, no waiting. */
import type { ReadonlyNodeInfo } from './cache/node-info.ts';
import type { PodInfo } from './cache/pod-info.ts';
import type { Snapshot } from './cache/snapshot.ts';
import { withNode } from './cache/snapshot.ts';
import type { FilterPlan, NodeFilter, Rejection, SchedulerPlugin, ScorePlan } from './framework.ts';

export interface PlacementOptions {
  /** In the order in which they are asked. */
  readonly plugins: readonly SchedulerPlugin[];
  /** How many of the nodes are to be found fitting before the search stops; 0: fewer the more there are. */
  readonly percentageOfNodesToScore: number;
  /** Where in the list of nodes the search starts, so that all get their turn. */
  readonly startIndex: number;
  /** 0 (inclusive) to 1: which of several equally good nodes is taken. */
  readonly tieBreak: number;
  /** Pods that wait for others to leave a node, and that must find room there. */
  readonly nominated?: (nodeName: string) => readonly PodInfo[];
  /** Record the points of every plugin for every node that fits. */
  readonly explain?: boolean;
}

export type Placement = Placed | Unplaced;

export interface Placed {
  readonly is: 'placed';
  readonly nodeName: string;
  /** How many nodes were asked, and how many of them fit. */
  readonly evaluated: number;
  readonly feasible: number;
  readonly nextStartIndex: number;
  /** Only with `explain`: points by node and plugin, weighted. */
  readonly points?: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

export interface Unplaced {
  readonly is: 'unplaced';
  readonly diagnosis: Diagnosis;
  readonly nextStartIndex: number;
}

export interface Diagnosis {
  readonly nodeCount: number;
  /** Why no node was asked at all. */
  readonly message?: string;
  /** Why each node that was asked will not do. */
  readonly byNode: ReadonlyMap<string, Rejection>;
  /** Why nodes that are not in `byNode` were not asked. */
  readonly absent?: Rejection;
  /** Plugins that said no: what they wait for may help. */
  readonly plugins: ReadonlySet<string>;
}

export function planPlacement(pod: PodInfo, snapshot: Snapshot, options: PlacementOptions): Placement {
  const { nodes } = snapshot;
  const { plugins, startIndex } = options;
  if (nodes.length === 0) return unplaced({ nodeCount: 0, message: 'no nodes available to schedule pods', byNode: new Map(), plugins: new Set() }, 0);
  const prepared = prepareFilters(pod, snapshot, plugins);
  if (prepared.reject !== undefined) {
    const { plugin, reasons } = prepared.reject;
    return unplaced({ nodeCount: nodes.length, message: reasons.join(', '), byNode: new Map(), plugins: new Set([plugin]) }, startIndex);
  }
  const filter = withNominated(pod, snapshot, options, prepared.filter);
  const wished = pod.pod.status.nominatedNodeName;
  const reserved = wished === undefined ? undefined : snapshot.get(wished);
  // Room was made for the pod there.
  if (reserved !== undefined && filter(reserved) === undefined) {
    return { is: 'placed', nodeName: reserved.name, evaluated: 1, feasible: 1, nextStartIndex: startIndex };
  }

  const candidates = prepared.only === undefined ? nodes : [...prepared.only].flatMap((name) => snapshot.get(name) ?? []);
  const wanted = numberToFind(candidates.length, options.percentageOfNodesToScore);
  const feasible: ReadonlyNodeInfo[] = [];
  const byNode = new Map<string, Rejection>();
  let index = candidates.length === 0 ? 0 : startIndex % candidates.length;
  let evaluated = 0;
  while (evaluated < candidates.length && feasible.length < wanted) {
    const node = candidates[index];
    index = index + 1 === candidates.length ? 0 : index + 1;
    evaluated++;
    if (node === undefined) continue;
    const rejection = filter(node);
    if (rejection === undefined) feasible.push(node);
    else byNode.set(node.name, rejection);
  }
  if (feasible.length === 0) {
    const rejecting = new Set([...byNode.values()].map((rejection) => rejection.plugin));
    if (prepared.absent !== undefined) rejecting.add(prepared.absent.plugin);
    return unplaced({ nodeCount: nodes.length, byNode, plugins: rejecting, ...(prepared.absent !== undefined && { absent: prepared.absent }) }, index);
  }
  return { is: 'placed', evaluated, feasible: feasible.length, nextStartIndex: index, ...choose(pod, snapshot, feasible, options) };
}

function unplaced(diagnosis: Diagnosis, nextStartIndex: number): Unplaced {
  return { is: 'unplaced', diagnosis, nextStartIndex };
}

/** What the plugins have to say about a pod, put together. */
export interface PreparedFilters {
  readonly reject?: Rejection;
  readonly only?: ReadonlySet<string>;
  /** Why nodes outside `only` will not do. */
  readonly absent?: Rejection;
  readonly filter: NodeFilter;
}

export function prepareFilters(pod: PodInfo, snapshot: Snapshot, plugins: readonly SchedulerPlugin[]): PreparedFilters {
  const filters: NodeFilter[] = [];
  let only: ReadonlySet<string> | undefined;
  const choosers: string[] = [];
  for (const plugin of plugins) {
    const plan: FilterPlan | undefined = plugin.filter?.(pod, snapshot);
    if (plan === undefined) continue;
    if (plan.reject !== undefined) return { reject: plan.reject, filter: () => plan.reject };
    if (plan.node !== undefined) filters.push(plan.node);
    if (plan.only !== undefined) {
      only = only === undefined ? plan.only : only.intersection(plan.only);
      choosers.push(plugin.name);
    }
  }
  const filter: NodeFilter = (node) => {
    for (const each of filters) {
      const rejection = each(node);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  };
  if (only === undefined) return { filter };
  const absent = { plugin: choosers[0] ?? '', reasons: [`node(s) didn't satisfy plugin(s) [${choosers.toSorted().join(' ')}]`], isResolvable: false };
  return { only, absent, filter };
}

/**
 * Where pods of the same or a higher priority are to come, a pod must fit both with them and without them: they may
 * never come (what it builds on may be one of them), or they may.
 */
function withNominated(pod: PodInfo, snapshot: Snapshot, { nominated, plugins }: PlacementOptions, filter: NodeFilter): NodeFilter {
  if (nominated === undefined) return filter;
  return (node) => {
    const coming = nominated(node.name).filter((other) => other.priority >= pod.priority && other.uid !== pod.uid);
    if (coming.length > 0) {
      const full = node.clone();
      for (const other of coming) full.add(other);
      const rejection = prepareFilters(pod, withNode(snapshot, full), plugins).filter(full);
      if (rejection !== undefined) return rejection;
    }
    return filter(node);
  };
}

/** Always as many as this: below it, scoring costs nothing. */
const fewestToFind = 100;
const fewestPercent = 5;

/** How many fitting nodes are enough. Source: Kubernetes documentation "Scheduler Performance Tuning". */
export function numberToFind(nodeCount: number, percentage: number): number {
  if (nodeCount < fewestToFind || percentage >= 100) return nodeCount;
  const percent = percentage > 0 ? percentage : Math.max(fewestPercent, Math.trunc(50 - nodeCount / 125));
  return Math.max(fewestToFind, Math.floor((nodeCount * percent) / 100));
}

function choose(pod: PodInfo, snapshot: Snapshot, feasible: readonly ReadonlyNodeInfo[], { explain, plugins, tieBreak }: PlacementOptions): Pick<Placed, 'nodeName' | 'points'> {
  const [first] = feasible;
  if (feasible.length === 1 && first !== undefined) return { nodeName: first.name };
  const totals = new Float64Array(feasible.length);
  const points = explain === true ? new Map<string, Record<string, number>>() : undefined;
  const own = new Float64Array(feasible.length);
  for (const plugin of plugins) {
    const plan: ScorePlan | undefined = plugin.score?.(pod, snapshot, feasible);
    if (plan === undefined) continue;
    for (const [index, node] of feasible.entries()) own[index] = plan.score(node);
    plan.normalize?.(own);
    const weight = plugin.weight ?? 1;
    for (let index = 0; index < own.length; index++) totals[index] = (totals[index] ?? 0) + weight * (own[index] ?? 0);
    if (points !== undefined) for (const [index, node] of feasible.entries()) addPoints(points, node.name, plugin.name, weight * (own[index] ?? 0));
  }
  return { nodeName: feasible[bestOf(totals, tieBreak)]?.name ?? '', ...(points !== undefined && { points }) };
}

function addPoints(points: Map<string, Record<string, number>>, node: string, plugin: string, given: number): void {
  const known = points.get(node);
  if (known === undefined) points.set(node, { [plugin]: given });
  else known[plugin] = given;
}

/** The index of the largest total; of several, the one that `tieBreak` points at. */
function bestOf(totals: Float64Array, tieBreak: number): number {
  let max = -1;
  let count = 0;
  for (const total of totals) {
    if (total > max) {
      max = total;
      count = 1;
    } else if (total === max) count++;
  }
  let skip = Math.floor(tieBreak * count);
  for (let index = 0; index < totals.length; index++) if (totals[index] === max && skip-- === 0) return index;
  return 0;
}
