/**
 * How many pods of a disruption budget may be evicted now. Pure.
 *
 * Source: Kubernetes documentation "Disruptions", API reference PodDisruptionBudgetStatus.
 */
import { scaledValue } from '#apimachinery/rules.ts';
import type { Pod } from '#api/core/pod.ts';
import { isActive, isReady, withCondition } from '#api/core/pod-status.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api/policy/pod-disruption-budget.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';

/** An eviction that was allowed but not carried out for so long will not be. */
const evictionMs = 120_000;

export interface DisruptionInput {
  readonly budget: PodDisruptionBudget;
  /** Those it selects. */
  readonly pods: readonly Pod[];
  /** How many pods their owners want altogether; undefined when one cannot be told. */
  readonly wantedPods: number | undefined;
  readonly nowMs: number;
}

export interface DisruptionPlan {
  readonly status: PodDisruptionBudgetStatus;
  readonly recheckAfterMs: number | undefined;
}

export function planDisruption({ budget, pods, wantedPods, nowMs }: DisruptionInput): DisruptionPlan {
  const { spec, status: before, metadata } = budget;
  const { minAvailable, maxUnavailable } = spec;
  const needsScale = maxUnavailable !== undefined || typeof minAvailable === 'string';
  if (needsScale && wantedPods === undefined) return { status: failSafe(budget, nowMs), recheckAfterMs: undefined };

  const expected = needsScale ? (wantedPods ?? 0) : pods.length;
  const desired = maxUnavailable === undefined
    ? minAvailable === undefined ? 0 : scaledValue(minAvailable, expected, 'up')
    : Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up'));

  const disrupted: Record<string, string> = {};
  let nextMs = Infinity;
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  for (const [name, since] of Object.entries(before.disruptedPods ?? {})) {
    const pod = byName.get(name);
    const leftMs = timeMs(since) + evictionMs - nowMs;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || leftMs <= 0) continue;
    disrupted[name] = since;
    nextMs = Math.min(nextMs, leftMs);
  }
  const healthy = pods.filter((pod) => isActive(pod) && isReady(pod) && disrupted[pod.metadata.name] === undefined).length;
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
  return {
    status: {
      observedGeneration: metadata.generation ?? 0,
      ...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: withAllowed(budget, allowed > 0
        ? { status: 'True', reason: 'SufficientPods', message: '' }
        : { status: 'False', reason: 'InsufficientPods', message: '' }, nowMs),
    },
    recheckAfterMs: nextMs === Infinity ? undefined : nextMs,
  };
}

/** What cannot be judged allows nothing. */
function failSafe(budget: PodDisruptionBudget, nowMs: number): PodDisruptionBudgetStatus {
  return {
    ...budget.status,
    disruptionsAllowed: 0,
    conditions: withAllowed(budget, { status: 'False', reason: 'SyncFailed', message: 'found no controllers for the pods of the disruption budget' }, nowMs),
  };
}

function withAllowed({ status, metadata }: PodDisruptionBudget, change: { readonly status: string; readonly reason: string; readonly message: string }, nowMs: number): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const now = timestamp(nowMs);
  return withCondition(status.conditions, { type: 'DisruptionAllowed', ...change, observedGeneration: metadata.generation ?? 0, lastTransitionTime: now }, now);
}
