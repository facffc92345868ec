/** Since when endpoints ought to be as they are written now: proxies measure by it how long a change takes to reach packets. */
import type { Pod } from '#api/core/pod.ts';
import { findCondition } from '#api/core/pod-status.ts';
import type { Service } from '#api/core/service.ts';

export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * Of a Service without endpoints until now: when it was made. Else when the first of the pods that changed became ready, or
 * stopped being so; undefined when no pod that is still there changed. Pure. Source: Kubernetes' SLO of network programming.
 */
export function triggerTime(service: Service, { isNew, changed }: { readonly isNew: boolean; readonly changed: Iterable<Pod> }): string | undefined {
  if (isNew) return service.metadata.creationTimestamp;
  let first: string | undefined;
  for (const { status } of changed) {
    const at = findCondition(status.conditions, 'Ready')?.lastTransitionTime;
    // Times of one form compare as text.
    if (at !== undefined && (first === undefined || at < first)) first = at;
  }
  return first;
}

/** The annotations with the time, or without that of an earlier change. */
export function withTriggerTime(annotations: Readonly<Record<string, string>> | undefined, time: string | undefined): Readonly<Record<string, string>> {
  const { [triggerAnnotation]: _old, ...rest } = annotations ?? {};
  return time === undefined ? rest : { ...rest, [triggerAnnotation]: time };
}
