/** Keeps one pod on every node that a DaemonSet is meant for. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { ControllerRevision } from '#api/apps/controller-revision.ts';
import { DaemonSet } from '#api/apps/daemon-set.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { findCondition, isAvailable, isReady } from '#api/core/pod-status.ts';
import { keyOf } from '#client/informer.ts';
import { timeMs } from '#client/timestamp.ts';
import { claim, controllerReference } from '#reconcile/adoption.ts';
import { slowStartBatches } from '#reconcile/batches.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { createPod, deletePod, podFromTemplate } from '../pod-control.ts';
import { hashOf, revisionHashLabel, surplusRevisions, syncHistory } from '../revision-history.ts';
import type { DaemonSetPlan } from './plan-daemon-set.ts';
import { isOfRevision, nodeOf, planDaemonSet, specForNode } from './plan-daemon-set.ts';

const generationAnnotation = 'deprecated.daemonset.template.generation';
const generationLabel = 'pod-template-generation';
/** A pod that fails again and again is replaced after 1 s, 2 s, 4 s, up to 15 min. */
const failedBackoffMs = 1000;
const maxFailedBackoffMs = 900_000;
/** Failed pods remembered; forgetting one replaces it sooner. */
const maxRemembered = 10_000;

interface Failures {
  readonly delayMs: number;
  readonly untilMs: number;
}

export const daemonSetController = (() => {
  /** By uid of the set and node. */
  const failures = new Map<string, Failures>();
  return defineController<DaemonSet>({
    name: 'daemonset-controller',
    for: DaemonSet,
    owns: [Pod, ControllerRevision],
    selects: ({ spec }) => queryOf(spec.selector),
    watches: [watch(Node, (_, lister) => lister.list(DaemonSet).map(keyOf), concernsDaemons)],

    async reconcile(key, context) {
      const { lister, client, clock, recorder, signal } = context;
      const daemonSet = lister.get(DaemonSet, key);
      if (daemonSet === undefined) return done;
      const query = queryOf(daemonSet.spec.selector);
      if (query.requirements.length === 0) {
        recorder.event({ object: daemonSet }, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.');
        return done;
      }
      if (daemonSet.metadata.deletionTimestamp !== undefined) return done;
      const { template } = daemonSet.spec;
      const history = await syncHistory({ kind: DaemonSet, object: daemonSet, query, template, collisionCount: daemonSet.status.collisionCount ?? 0, labelsByName: false }, context);
      if (history === 'collision') {
        const status = { ...daemonSet.status, collisionCount: (daemonSet.status.collisionCount ?? 0) + 1 };
        await client.updateStatus(DaemonSet, { ...daemonSet, status }, { signal });
        return done;
      }
      const hash = hashOf(history.current);
      const pods = await claim(Pod, { kind: DaemonSet, owner: daemonSet, query }, context);
      const nowMs = clock.nowMs();
      const failureId = (node: string): string => `${daemonSet.metadata.uid}/${node}`;
      const plan = planDaemonSet({
        daemonSet, nodes: lister.list(Node), pods, hash, nowMs,
        mayReplaceFailed: (node) => (failures.get(failureId(node))?.untilMs ?? 0) <= nowMs,
      });
      for (const pod of plan.failed) noteFailure(failures, failureId(nodeOf(pod)), nowMs);
      await carryOut(plan, { daemonSet, hash }, context);
      const limit = daemonSet.spec.revisionHistoryLimit ?? 10;
      for (const revision of surplusRevisions(history, limit, (each) => pods.some((pod) => isOfRevision(pod, hashOf(each))))) {
        await client.delete(ControllerRevision, revision.metadata, { signal });
      }
      if (!saysTheSame(plan.status, daemonSet.status)) await client.updateStatus(DaemonSet, { ...daemonSet, status: plan.status }, { signal });
      return recheckAfter(nextLookMs(daemonSet, pods, failures, nowMs));
    },
  });
})();

/** Changes of nodes that move pods of no DaemonSet are heartbeats. */
function concernsDaemons(node: Node, old: Node): boolean {
  return !saysTheSame(node.metadata.labels, old.metadata.labels) || !saysTheSame(node.spec, old.spec);
}

function noteFailure(failures: Map<string, Failures>, id: string, nowMs: number): void {
  const before = failures.get(id);
  // Long after the last failure a new one counts as the first.
  const isRecent = before !== undefined && nowMs - before.untilMs < 2 * maxFailedBackoffMs;
  const delayMs = isRecent ? Math.min(before.delayMs * 2, maxFailedBackoffMs) : failedBackoffMs;
  failures.delete(id);
  failures.set(id, { delayMs, untilMs: nowMs + delayMs });
  if (failures.size > maxRemembered) for (const oldest of failures.keys()) {
    failures.delete(oldest);
    break;
  }
}

async function carryOut(plan: DaemonSetPlan, { daemonSet, hash }: { readonly daemonSet: DaemonSet; readonly hash: string }, context: ReconcileContext): Promise<void> {
  const { recorder } = context;
  const { template } = daemonSet.spec;
  for (const pod of plan.failed) {
    recorder.event({ object: daemonSet }, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${keyOf(pod)} on node ${nodeOf(pod)}, will try to kill it`);
  }
  for (const pod of plan.succeeded) {
    recorder.event({ object: daemonSet }, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${keyOf(pod)} on node ${nodeOf(pod)}, will try to delete it`);
  }
  const generation = daemonSet.metadata.annotations?.[generationAnnotation];
  const labels = { ...template.metadata.labels, [revisionHashLabel]: hash, ...(generation !== undefined && { [generationLabel]: generation }) };
  const reference = controllerReference(DaemonSet, daemonSet);
  const { error } = await slowStartBatches(plan.create.length, (index) => {
    const spec = specForNode(template.spec, plan.create[index] ?? '');
    return createPod(podFromTemplate({ metadata: { ...template.metadata, labels }, spec }, daemonSet, reference), daemonSet, context);
  });
  const results = await Promise.allSettled(plan.remove.map((pod) => deletePod(pod, daemonSet, context)));
  const failure = error ?? results.find((result) => result.status === 'rejected')?.reason;
  if (failure !== undefined && !hasReason(failure, 'NotFound')) throw failure;
}

/** When a pod becomes available by the passing of time, or a failed one may be replaced. */
function nextLookMs({ metadata, spec }: DaemonSet, pods: readonly Pod[], failures: ReadonlyMap<string, Failures>, nowMs: number): number | undefined {
  let nextMs = Infinity;
  const minReady = spec.minReadySeconds ?? 0;
  for (const pod of pods) {
    if (pod.status.phase === 'Failed') nextMs = Math.min(nextMs, Math.max(1, (failures.get(`${metadata.uid}/${nodeOf(pod)}`)?.untilMs ?? 0) - nowMs));
    if (minReady === 0 || !isReady(pod) || isAvailable(pod, minReady, nowMs)) continue;
    nextMs = Math.min(nextMs, Math.max(1, timeMs(findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime) + minReady * 1000 - nowMs));
  }
  return nextMs === Infinity ? undefined : nextMs;
}
