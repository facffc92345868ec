/**
 * Which pods go first when there are too many.
 *
 * Source: Kubernetes documentation, "ReplicaSet: Scaling a ReplicaSet" (order of deletion, pod-deletion-cost).
 */
import type { Pod } from '#api/core/pod.ts';
import { findCondition, isReady } from '#api/core/pod-status.ts';
import { timeMs } from '#client/timestamp.ts';

const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  readonly pod: Pod;
  /** Ascending: the smaller list goes first. */
  readonly marks: readonly number[];
}

/**
 * The `count` pods of `pods` to delete. `related` are the pods of all sets of the same owner: of two equal pods the one
 * whose node holds more of them goes.
 */
export function podsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): readonly Pod[] {
  if (count >= pods.length) return pods;
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    if (spec.nodeName !== undefined) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  const ranked = pods.map((pod): Ranked => ({ pod, marks: marksOf(pod, perNode, nowMs) }));
  ranked.sort(compare);
  return ranked.slice(0, count).map(({ pod }) => pod);
}

function marksOf(pod: Pod, perNode: ReadonlyMap<string, number>, nowMs: number): readonly number[] {
  const { nodeName } = pod.spec;
  const ready = isReady(pod);
  const readySince = findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime;
  return [
    nodeName === undefined ? 0 : 1,
    phaseOrder[pod.status.phase ?? 'Pending'] ?? 0,
    ready ? 1 : 0,
    costOf(pod),
    -(nodeName === undefined ? 0 : (perNode.get(nodeName) ?? 0)),
    ready ? ageClass(readySince, nowMs) : 0,
    -restartsOf(pod),
    ageClass(pod.metadata.creationTimestamp, nowMs),
  ];
}

/** Ages of the same power of two count as equal, so that not always the very youngest goes. */
function ageClass(since: string | undefined, nowMs: number): number {
  if (since === undefined) return -1;
  const seconds = (nowMs - timeMs(since)) / 1000;
  return seconds < 1 ? 0 : Math.floor(Math.log2(seconds)) + 1;
}

function costOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCost];
  return text !== undefined && /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0;
}

function restartsOf(pod: Pod): number {
  let most = 0;
  for (const status of pod.status.containerStatuses ?? []) most = Math.max(most, status.restartCount);
  return most;
}

function compare(left: Ranked, right: Ranked): number {
  for (const [index, mark] of left.marks.entries()) {
    const difference = mark - (right.marks[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.pod.metadata.uid < right.pod.metadata.uid ? -1 : 1;
}
