/**
 * Which nodes get a pod of a DaemonSet and which pods go. Pure.
 *
 * Source: Kubernetes documentation "DaemonSet", "Perform a Rolling Update on a DaemonSet".
 */
import { scaledValue } from '#apimachinery/rules.ts';
import type { DaemonSet, DaemonSetStatus } from '#api/apps/daemon-set.ts';
import type { Node } from '#api/core/node.ts';
import { matchesNodeWishes, namedNodes } from '#api/core/node-selector.ts';
import type { Pod } from '#api/core/pod.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import { isAvailable, isReady, isTerminating } from '#api/core/pod-status.ts';
import type { Toleration } from '#api/core/scheduling.ts';
import { findUntolerated, taintKeys } from '#api/core/taints.ts';
import { revisionHashLabel } from '../revision-history.ts';

/** Pods created or deleted in one go. */
export const burstReplicas = 250;

/** What every daemon bears: it is there to work where others cannot. */
const ownTolerations: readonly Toleration[] = [
  { key: taintKeys.notReady, operator: 'Exists', effect: 'NoExecute' },
  { key: taintKeys.unreachable, operator: 'Exists', effect: 'NoExecute' },
  { key: taintKeys.diskPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.memoryPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.pidPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.unschedulable, operator: 'Exists', effect: 'NoSchedule' },
];

export interface DaemonSetInput {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  /** Those it controls. */
  readonly pods: readonly Pod[];
  /** The hash of the newest revision. */
  readonly hash: string;
  /** Whether a failed pod on the node may be replaced now. */
  readonly mayReplaceFailed: (nodeName: string) => boolean;
  readonly nowMs: number;
}

export interface DaemonSetPlan {
  /** Names of the nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Failed pods among `remove`, and pods that ended though daemons never should. */
  readonly failed: readonly Pod[];
  readonly succeeded: readonly Pod[];
  readonly status: DaemonSetStatus;
}

interface Verdict {
  readonly shouldRun: boolean;
  readonly mayContinue: boolean;
}

export function planDaemonSet(input: DaemonSetInput): DaemonSetPlan {
  const { daemonSet, nodes, pods } = input;
  const byNode = groupByNode(pods);
  const create: string[] = [];
  const remove = new Set<Pod>();
  const failed: Pod[] = [];
  const succeeded: Pod[] = [];
  const verdicts = new Map<string, Verdict>();
  const surge = amounts(daemonSet, nodes.length).surge;

  for (const node of nodes) {
    const { name } = node.metadata;
    const verdict = judge(daemonSet, node);
    verdicts.set(name, verdict);
    const here = byNode.get(name) ?? [];
    if (!verdict.mayContinue) {
      for (const pod of here) if (!isTerminating(pod)) remove.add(pod);
      continue;
    }
    const running: Pod[] = [];
    let isWaiting = false;
    for (const pod of here) {
      if (isTerminating(pod)) isWaiting = true;
      else if (pod.status.phase === 'Failed') {
        isWaiting = true;
        if (!input.mayReplaceFailed(name)) continue;
        failed.push(pod);
        remove.add(pod);
      } else if (pod.status.phase === 'Succeeded') {
        isWaiting = true;
        succeeded.push(pod);
        remove.add(pod);
      } else running.push(pod);
    }
    for (const pod of surplus(running, input, surge > 0)) remove.add(pod);
    if (running.length === 0 && !isWaiting && verdict.shouldRun) create.push(name);
  }
  for (const [name, here] of byNode) if (!verdicts.has(name)) for (const pod of here) if (!isTerminating(pod) && pod.spec.nodeName === undefined) remove.add(pod);

  if (daemonSet.spec.updateStrategy.type !== 'OnDelete' && daemonSet.metadata.deletionTimestamp === undefined) {
    planUpdate(input, { verdicts, byNode, create, remove });
  }
  return {
    create: create.slice(0, burstReplicas),
    remove: [...remove].slice(0, burstReplicas),
    failed,
    succeeded,
    status: countStatus(input, verdicts, byNode),
  };
}

function groupByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = nodeOf(pod);
    const here = byNode.get(name);
    if (here === undefined) byNode.set(name, [pod]);
    else here.push(pod);
  }
  return byNode;
}

/** The node the pod is bound to or made for. */
export function nodeOf({ spec }: Pod): string {
  if (spec.nodeName !== undefined) return spec.nodeName;
  const [name = ''] = namedNodes(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) ?? [];
  return name;
}

/** Whether a pod of the set belongs on the node, and whether one that is there may stay. */
function judge({ spec }: DaemonSet, node: Node): Verdict {
  const { template } = spec;
  const never = { shouldRun: false, mayContinue: false };
  if (template.spec.nodeName !== undefined && template.spec.nodeName !== node.metadata.name) return never;
  if (!matchesNodeWishes(template.spec, node)) return never;
  const tolerations = tolerationsOf(template.spec);
  if (findUntolerated(node.spec.taints, tolerations, ['NoExecute', 'NoSchedule']) === undefined) return { shouldRun: true, mayContinue: true };
  return { shouldRun: false, mayContinue: findUntolerated(node.spec.taints, tolerations, ['NoExecute']) === undefined };
}

function tolerationsOf(spec: PodSpec): readonly Toleration[] {
  const own = spec.hostNetwork === true
    ? [...ownTolerations, { key: taintKeys.networkUnavailable, operator: 'Exists', effect: 'NoSchedule' } as const]
    : ownTolerations;
  const given = (spec.tolerations ?? []).filter((each) => !own.some((toleration) => toleration.key === each.key && toleration.effect === each.effect && each.operator === 'Exists' && each.tolerationSeconds === undefined));
  return [...given, ...own];
}

/** The pod's spec for one node: bound to it by affinity, so that the scheduler still checks whether it fits. */
export function specForNode(spec: PodSpec, nodeName: string): PodSpec {
  const nodeAffinity = spec.affinity?.nodeAffinity;
  const byName = { key: 'metadata.name', operator: 'In', values: [nodeName] } as const;
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const nodeSelectorTerms = terms.length === 0
    ? [{ matchFields: [byName] }]
    : terms.map(({ matchExpressions }) => ({ ...(matchExpressions !== undefined && { matchExpressions }), matchFields: [byName] }));
  return {
    ...spec,
    affinity: { ...spec.affinity, nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    tolerations: tolerationsOf(spec),
  };
}

/** Of several on one node the oldest stays; during a surge an old one and a new one may be there together. */
function surplus(running: readonly Pod[], { hash, daemonSet, nowMs }: DaemonSetInput, isSurging: boolean): readonly Pod[] {
  if (running.length <= 1) return [];
  const ordered = running.toSorted((left, right) => rank(left) - rank(right) || (left.metadata.creationTimestamp < right.metadata.creationTimestamp ? -1 : 1));
  if (!isSurging) return ordered.slice(1);
  const [newest, ...moreNew] = ordered.filter((pod) => isOfRevision(pod, hash));
  const [oldest, ...moreOld] = ordered.filter((pod) => !isOfRevision(pod, hash));
  const isReplaced = newest !== undefined && oldest !== undefined && isAvailable(newest, daemonSet.spec.minReadySeconds ?? 0, nowMs);
  return [...moreNew, ...moreOld, ...(isReplaced ? [oldest] : [])];
}

function rank(pod: Pod): number {
  return pod.spec.nodeName === undefined ? 1 : 0;
}

export function isOfRevision({ metadata }: Pod, hash: string): boolean {
  return metadata.labels?.[revisionHashLabel] === hash;
}

function amounts({ spec }: DaemonSet, nodes: number): { readonly surge: number; readonly unavailable: number } {
  const rolling = spec.updateStrategy.rollingUpdate ?? {};
  const surge = scaledValue(rolling.maxSurge ?? 0, nodes, 'up');
  const unavailable = scaledValue(rolling.maxUnavailable ?? 1, nodes, 'up');
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

interface UpdateState {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly byNode: ReadonlyMap<string, readonly Pod[]>;
  readonly create: string[];
  readonly remove: Set<Pod>;
}

/** Replaces pods of older revisions: as many at once as may be unavailable, or may be there twice. */
function planUpdate(input: DaemonSetInput, { verdicts, byNode, create, remove }: UpdateState): void {
  const { daemonSet, hash, nowMs } = input;
  const desired = [...verdicts].filter(([, { shouldRun }]) => shouldRun).map(([name]) => name);
  const { surge, unavailable } = amounts(daemonSet, desired.length);
  const minReady = daemonSet.spec.minReadySeconds ?? 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  const fresh: string[] = [];
  let unavailableNow = 0;
  let surgingNow = 0;
  for (const name of desired) {
    const live = (byNode.get(name) ?? []).filter((pod) => !isTerminating(pod) && !remove.has(pod) && pod.status.phase !== 'Failed');
    const updated = live.find((pod) => isOfRevision(pod, hash));
    const outdated = live.find((pod) => !isOfRevision(pod, hash));
    if (surge > 0) {
      if (outdated === undefined) continue;
      if (updated !== undefined) {
        if (!isAvailable(updated, minReady, nowMs)) surgingNow++;
      } else if (isAvailable(outdated, minReady, nowMs)) fresh.push(name);
      // Where nothing serves, nothing is lost by a new pod beside the old.
      else create.push(name);
      continue;
    }
    if (updated !== undefined) {
      if (!isAvailable(updated, minReady, nowMs)) unavailableNow++;
    } else if (outdated === undefined) unavailableNow++;
    else if (!isAvailable(outdated, minReady, nowMs)) {
      unavailableNow++;
      broken.push(outdated);
    } else candidates.push(outdated);
  }
  if (surge > 0) create.push(...fresh.slice(0, Math.max(0, surge - surgingNow)));
  for (const pod of broken) remove.add(pod);
  for (const pod of candidates.slice(0, Math.max(0, unavailable - unavailableNow))) if (surge === 0) remove.add(pod);
}

function countStatus({ daemonSet, hash, nowMs }: DaemonSetInput, verdicts: ReadonlyMap<string, Verdict>, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonSetStatus {
  let [desired, current, misscheduled, ready, available, updated] = [0, 0, 0, 0, 0, 0];
  for (const [name, { shouldRun }] of verdicts) {
    const here = byNode.get(name) ?? [];
    if (!shouldRun) {
      if (here.length > 0) misscheduled++;
      continue;
    }
    desired++;
    if (here.length === 0) continue;
    current++;
    // The pod that counts is the oldest.
    const [pod] = here.toSorted((left, right) => (left.metadata.creationTimestamp < right.metadata.creationTimestamp ? -1 : 1));
    if (here.some((each) => isReady(each))) ready++;
    if (here.some((each) => isAvailable(each, daemonSet.spec.minReadySeconds ?? 0, nowMs))) available++;
    if (pod !== undefined && here.some((each) => isOfRevision(each, hash))) updated++;
  }
  const { collisionCount, conditions } = daemonSet.status;
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    observedGeneration: daemonSet.metadata.generation ?? 0,
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(available > 0 && { numberAvailable: available }),
    ...(desired > available && { numberUnavailable: desired - available }),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions !== undefined && { conditions }),
  };
}
