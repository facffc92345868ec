/**
 * Making room: which less important pods would have to go, and from which node, for a pod that fits nowhere. Pure.
 *
 * Source: Kubernetes documentation "Pod Priority and Preemption".
 */
import type { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import type { ReadonlyNodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { withNode } from '../cache/snapshot.ts';
import { fitMessage } from '../fit-message.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import type { Diagnosis } from '../plan-placement.ts';
import { prepareFilters } from '../plan-placement.ts';

export interface PreemptionOptions {
  readonly plugins: readonly SchedulerPlugin[];
  /** Why the pod fits nowhere. */
  readonly diagnosis: Diagnosis;
  readonly budgets: readonly PodDisruptionBudget[];
  /** 0 (inclusive) to 1: where the search among the nodes starts. */
  readonly offset: number;
  readonly nominated?: (nodeName: string) => readonly PodInfo[];
}

export type PreemptionPlan =
  | { readonly is: 'victims'; readonly nodeName: string; readonly victims: readonly PodInfo[] }
  /** `message` is what FailedScheduling says of it and begins with `preemption: `; `isHopeless`: no node could hold the pod, not even the one it was promised. */
  | { readonly is: 'none'; readonly message: string; readonly isHopeless: boolean };

export function planPreemption(pod: PodInfo, snapshot: Snapshot, options: PreemptionOptions): PreemptionPlan {
  const { diagnosis } = options;
  const refusal = whyNot(pod, snapshot, diagnosis);
  if (refusal !== undefined) return { is: 'none', message: `preemption: ${refusal}`, isHopeless: false };
  const hopeful = [...diagnosis.byNode].filter(([, rejection]) => rejection.isResolvable).map(([nodeName]) => nodeName);
  const candidates: Candidate[] = [];
  const failures = new Map<string, Rejection>();
  const enough = numberOfCandidates(diagnosis.nodeCount);
  const start = Math.floor(options.offset * hopeful.length);
  for (let index = 0; index < hopeful.length && candidates.length < enough; index++) {
    const node = snapshot.get(hopeful[(start + index) % hopeful.length] ?? '');
    if (node === undefined) continue;
    const found = selectVictims(pod, snapshot, node, options);
    if ('victims' in found) candidates.push(found);
    else failures.set(node.name, found);
  }
  const best = candidates.reduce<Candidate | undefined>((one, other) => (one === undefined || isBetter(other, one) ? other : one), undefined);
  if (best !== undefined) return { is: 'victims', nodeName: best.nodeName, victims: best.victims };
  const message = fitMessage({ nodeCount: diagnosis.nodeCount, byNode: failures, absent: notHelpful, plugins: new Set() });
  return { is: 'none', message: `preemption: ${message}`, isHopeless: true };
}

const name = 'DefaultPreemption';
const notHelpful: Rejection = { plugin: name, reasons: ['Preemption is not helpful for scheduling'], isResolvable: false };
const noVictims: Rejection = { plugin: name, reasons: ['No preemption victims found for incoming pod'], isResolvable: false };

/** Looking at a tenth of the nodes (but at least 100) finds a good one. */
function numberOfCandidates(nodeCount: number): number {
  return Math.min(nodeCount, Math.max(100, Math.floor(nodeCount / 10)));
}

function whyNot({ pod, priority }: PodInfo, snapshot: Snapshot, { byNode }: Diagnosis): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.status.nominatedNodeName;
  if (nominated === undefined || byNode.get(nominated)?.isResolvable === false) return undefined;
  for (const other of snapshot.get(nominated)?.pods.values() ?? []) {
    if (other.pod.metadata.deletionTimestamp !== undefined && other.priority < priority) return 'not eligible due to a terminating pod on the nominated node.';
  }
  return undefined;
}

interface Candidate {
  readonly nodeName: string;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** Victims that a disruption budget would have kept. */
  readonly violations: number;
}

/** As few as possible: all the less important go, then each is taken back, the most important first, if the pod still fits. */
function selectVictims(pod: PodInfo, snapshot: Snapshot, node: ReadonlyNodeInfo, options: PreemptionOptions): Candidate | Rejection {
  const lesser = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lesser.length === 0) return noVictims;
  const trial = node.clone();
  for (const other of options.nominated?.(node.name) ?? []) if (other.priority >= pod.priority && other.uid !== pod.uid) trial.add(other);
  for (const other of lesser) trial.remove(other.uid);
  const rejectionNow = (): Rejection | undefined => prepareFilters(pod, withNode(snapshot, trial), options.plugins).filter(trial);
  const rejection = rejectionNow();
  if (rejection !== undefined) return rejection;
  const victims: PodInfo[] = [];
  let violations = 0;
  const { protectedPods, others } = splitByBudget(lesser.toSorted(byImportance), options.budgets);
  for (const other of [...protectedPods, ...others]) {
    trial.add(other);
    if (rejectionNow() === undefined) continue;
    trial.remove(other.uid);
    victims.push(other);
    if (protectedPods.includes(other)) violations++;
  }
  return { nodeName: node.name, victims: victims.toSorted(byImportance), violations };
}

function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0);
}
/** Times of one form sort as texts. One that has not started is the youngest. */
function startOf({ pod }: PodInfo): string {
  return pod.status.startTime ?? '9999';
}

/** Which of the pods their disruption budgets can no longer spare. */
function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { readonly protectedPods: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const left = budgets.map((budget) => ({ budget, query: labelSelectorFrom(budget.spec.selector), allowed: budget.status.disruptionsAllowed }));
  const protectedPods: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    const { labels, name: podName, namespace } = info.pod.metadata;
    let isProtected = false;
    for (const each of left) {
      if (each.budget.metadata.namespace !== namespace || !matchesLabels(each.query, labels)) continue;
      // Its eviction is under way and has been counted.
      if (each.budget.status.disruptedPods?.[podName] !== undefined) continue;
      each.allowed--;
      if (each.allowed < 0) isProtected = true;
    }
    (isProtected ? protectedPods : others).push(info);
  }
  return { protectedPods, others };
}

/** Fewer broken budgets, then less important victims, then fewer, then those that have not run long. */
function isBetter(a: Candidate, b: Candidate): boolean {
  const measures: readonly ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => victims[0]?.priority ?? -Infinity,
    ({ victims }) => victims.reduce((sum, victim) => sum + victim.priority + 2 ** 31, 0),
    ({ victims }) => victims.length,
  ];
  for (const measure of measures) {
    const difference = measure(a) - measure(b);
    if (difference !== 0) return difference < 0;
  }
  return earliestStart(a) > earliestStart(b);
}

/** Since when the longest running of the most important victims has run. */
function earliestStart({ victims }: Candidate): string {
  const [top] = victims;
  return victims.filter((victim) => victim.priority === top?.priority).map(startOf).toSorted()[0] ?? '';
}
