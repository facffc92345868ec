import type { KubeObject } from '#apimachinery/object-meta.ts';

/**
 * Tells people what a component did to an object. Never throws, never blocks: events are best effort, aggregated and
 * rate limited per source and object as Kubernetes does it (same event: count goes up; spam: at most 25, then one per
 * 5 minutes; similar events: aggregated after 10 in 10 minutes).
 */
export interface EventRecorder {
  event(about: EventTarget, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Sends what is waiting. */
  flush(): Promise<void>;
}

/** An object, or one container of a pod (`fieldPath`: spec.containers{name}). */
export interface EventTarget {
  readonly object: Pick<KubeObject, 'apiVersion' | 'kind'> & { readonly metadata: { readonly name: string; readonly namespace?: string | undefined; readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } };
  readonly fieldPath?: string;
}
