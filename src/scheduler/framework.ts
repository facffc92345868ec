/**
 * What a scheduler plugin is. A plugin prepares itself once per pod (and may find that it has nothing to say), then it
 * is asked node by node. Everything is pure: the same pod and snapshot give the same answer.
 */
import type { ReadonlyNodeInfo } from './cache/node-info.ts';
import type { PodInfo } from './cache/pod-info.ts';
import type { Snapshot } from './cache/snapshot.ts';
import type { ClusterEvent, ClusterEventKind } from './queue/cluster-event.ts';

/** Why a node (or all of them) will not do. */
export interface Rejection {
  readonly plugin: string;
  /** As they stand in FailedScheduling events, without the count. */
  readonly reasons: readonly string[];
  /** Whether taking pods away from the node could change it. */
  readonly isResolvable: boolean;
}

export type NodeFilter = (node: ReadonlyNodeInfo) => Rejection | undefined;

/** What a plugin has to say about a pod. Nothing set: nothing. */
export interface FilterPlan {
  /** No node at all will do. */
  readonly reject?: Rejection;
  /** Only these nodes can do; the others need not be asked. */
  readonly only?: ReadonlySet<string>;
  readonly node?: NodeFilter;
}

/** Points of one plugin for the nodes that passed all filters. */
export interface ScorePlan {
  /** Any number, or 0 to 100 where there is no `normalize`. */
  score(node: ReadonlyNodeInfo): number;
  /** Brings the points of all nodes to 0 to 100, in place. */
  normalize?(points: Float64Array): void;
}

export interface SchedulerPlugin {
  readonly name: string;
  /** Keeps a pod out of the queue altogether until it is updated. */
  readonly preEnqueue?: (pod: PodInfo) => Rejection | undefined;
  readonly filter?: (pod: PodInfo, snapshot: Snapshot) => FilterPlan | undefined;
  readonly score?: (pod: PodInfo, snapshot: Snapshot, feasible: readonly ReadonlyNodeInfo[]) => ScorePlan | undefined;
  /** How much its points count. Default: 1. */
  readonly weight?: number;
  /** Events after which a pod that this plugin rejected may fit, each with a check of whether that event can matter. */
  readonly wakesOn: Partial<Record<ClusterEventKind, Hint>>;
}

export type Hint = (pod: PodInfo, event: ClusterEvent) => boolean;

/** The hint of an event that always matters. */
export const always: Hint = () => true;

/** The most points a plugin gives a node. */
export const maxPoints = 100;

/** Scales points to 0 to 100 by the largest; `reversed`: the fewer, the better. */
export function normalizeByMax(points: Float64Array, reversed = false): void {
  let max = 0;
  for (const point of points) if (point > max) max = point;
  for (let index = 0; index < points.length; index++) {
    const share = max === 0 ? 0 : Math.floor((maxPoints * (points[index] ?? 0)) / max);
    points[index] = reversed ? maxPoints - share : share;
  }
}
