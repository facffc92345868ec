/** Reading and changing a pod's status. Pure. */
import type { PodCondition, PodStatus } from './pod.ts';

/** As much of a pod as is looked at. */
export interface PodLike {
  readonly metadata: { readonly deletionTimestamp?: string | undefined };
  readonly status: Pick<PodStatus, 'phase' | 'conditions'>;
}

/** Whether the pod has run to its end and will never run again. */
export function isTerminal(pod: { readonly status: Pick<PodStatus, 'phase'> }): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/** Whether somebody has asked for its deletion. */
export function isTerminating(object: { readonly metadata: { readonly deletionTimestamp?: string | undefined } }): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Neither finished nor on its way out: the pods that controllers count. */
export function isActive(pod: PodLike): boolean {
  return !isTerminal(pod) && !isTerminating(pod);
}

/** Whether its condition `Ready` is true. */
export function isReady(pod: { readonly status: Pick<PodStatus, 'conditions'> }): boolean {
  return findCondition(pod.status.conditions, 'Ready')?.status === 'True';
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: { readonly status: Pick<PodStatus, 'conditions'> }, minReadySeconds: number, nowMs: number): boolean {
  const ready = findCondition(pod.status.conditions, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const since = ready.lastTransitionTime;
  return typeof since === 'string' && Date.parse(since) + minReadySeconds * 1000 <= nowMs;
}

export function findCondition<C extends { readonly type: string }>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * The list with `condition` in it. `lastTransitionTime` becomes `now` (RFC 3339, UTC) only when the status differs
 * from what was there; the very same list comes back when nothing would change.
 */
export function withCondition<C extends Pick<PodCondition, 'type' | 'status' | 'reason' | 'message' | 'lastTransitionTime'>>(
  conditions: readonly C[] | undefined,
  condition: NoInfer<C>,
  now: string,
): readonly C[] {
  const old = findCondition(conditions, condition.type);
  if (conditions === undefined || old === undefined) return [...(conditions ?? []), { ...condition, lastTransitionTime: now }];
  const same = old.status === condition.status && (old.reason ?? '') === (condition.reason ?? '') && (old.message ?? '') === (condition.message ?? '');
  if (same) return conditions;
  const lastTransitionTime = old.status === condition.status ? old.lastTransitionTime : now;
  return conditions.map((each) => (each === old ? { ...condition, lastTransitionTime } : each));
}
