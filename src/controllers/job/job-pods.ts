/** What a Job's pods say about it. Pure. */
import type { Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '#api/batch/job.ts';
import type { ContainerStatus, Pod } from '#api/core/pod.ts';
import { findCondition, isReady, isTerminal, isTerminating } from '#api/core/pod-status.ts';
import { timeMs } from '#client/timestamp.ts';
import { indexAnnotation } from './indexes.ts';

/** Keeps a finished pod until it has been counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export interface JobPods {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Finished since the last count, and those that are noted but not yet counted. */
  readonly newlySucceeded: readonly Pod[];
  readonly newlyFailed: readonly Pod[];
  /** Failures that the Job's policy does not count. */
  readonly ignored: readonly Pod[];
  /** Why the policy gives the whole Job up. */
  readonly fatal: string | undefined;
  /** Pods that still carry the finalizer though they are finished. */
  readonly tracked: readonly Pod[];
}

export function sortPods(job: Job, pods: readonly Pod[]): JobPods {
  const uncounted = new Set([...(job.status.uncountedTerminatedPods?.succeeded ?? []), ...(job.status.uncountedTerminatedPods?.failed ?? [])]);
  const active: Pod[] = [];
  const newlySucceeded: Pod[] = [];
  const newlyFailed: Pod[] = [];
  const ignored: Pod[] = [];
  const tracked: Pod[] = [];
  let [ready, terminating] = [0, 0];
  let fatal: string | undefined;
  for (const pod of pods) {
    const hasFailed = isFailed(job, pod);
    if (!isTerminal(pod) && isTerminating(pod)) terminating++;
    if (!isTerminal(pod) && !isTerminating(pod)) {
      active.push(pod);
      if (isReady(pod)) ready++;
    }
    const isFinished = pod.status.phase === 'Succeeded' || hasFailed;
    if (!isFinished || pod.metadata.finalizers?.includes(trackingFinalizer) !== true) continue;
    tracked.push(pod);
    if (uncounted.has(pod.metadata.uid)) continue;
    if (pod.status.phase === 'Succeeded') {
      newlySucceeded.push(pod);
      continue;
    }
    const verdict = judgeFailure(job, pod);
    if (verdict.action === 'Ignore') ignored.push(pod);
    else newlyFailed.push(pod);
    if (verdict.action === 'FailJob') fatal ??= verdict.message;
  }
  return { active, ready, terminating, newlySucceeded, newlyFailed, ignored, fatal, tracked };
}

/** A pod on its way out counts as failed at once, unless the Job waits until it has really ended. */
export function isFailed({ spec }: Job, pod: Pod): boolean {
  if (pod.status.phase === 'Failed') return true;
  return spec.podReplacementPolicy !== 'Failed' && isTerminating(pod) && pod.status.phase !== 'Succeeded';
}

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation] ?? metadata.labels?.[indexAnnotation] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

interface Verdict {
  readonly action: PodFailurePolicyRule['action'];
  readonly message: string;
}

/** What the Job's policy says about a failed pod. */
export function judgeFailure({ spec }: Job, pod: Pod): Verdict {
  for (const [number, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const about = `${pod.metadata.namespace}/${pod.metadata.name} failed with`;
    if (rule.onExitCodes !== undefined) {
      const found = failedContainer(pod, rule.onExitCodes);
      if (found !== undefined) {
        return { action: rule.action, message: `Container ${found.name} for pod ${about} exit code ${found.state.terminated?.exitCode ?? 0} matching ${rule.action} rule at index ${number}` };
      }
    }
    for (const pattern of rule.onPodConditions ?? []) {
      const wanted = pattern.status === '' ? 'True' : pattern.status;
      if (findCondition(pod.status.conditions, pattern.type)?.status === wanted) {
        return { action: rule.action, message: `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${pattern.type} matching ${rule.action} rule at index ${number}` };
      }
    }
  }
  return { action: 'Count', message: '' };
}

function failedContainer(pod: Pod, { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement): ContainerStatus | undefined {
  return [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(({ name, state }) => {
    const code = state.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== name)) return false;
    return values.includes(code) === (operator === 'In');
  });
}

/** When the pod ended, as well as it can be told. */
export function endedMs(pod: Pod): number {
  let endMs = 0;
  for (const { state } of pod.status.containerStatuses ?? []) endMs = Math.max(endMs, timeMs(state.terminated?.finishedAt));
  if (endMs > 0) return endMs;
  return timeMs(pod.metadata.deletionTimestamp ?? findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime ?? pod.metadata.creationTimestamp);
}
