/** Rules on what controllers say of the replicas they keep. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';

interface Counts {
  readonly replicas?: number | undefined;
  readonly fullyLabeledReplicas?: number | undefined;
  readonly readyReplicas?: number | undefined;
  readonly availableReplicas?: number | undefined;
  readonly terminatingReplicas?: number | undefined;
  readonly observedGeneration?: number | undefined;
}

/** Of ReplicaSets and ReplicationControllers: no more are labelled, ready or available than there are. */
export function* validateReplicaCounts({ status }: { readonly status: Counts }): Iterable<FieldError> {
  const { availableReplicas = 0, readyReplicas = 0, replicas = 0 } = status;
  for (const key of ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas', 'observedGeneration'] as const) yield* nonNegativeNumber(`status.${key}`, status[key]);
  for (const key of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status[key] ?? 0;
    if (count > replicas) yield invalidValue(`status.${key}`, count, 'cannot be greater than status.replicas');
  }
  if (availableReplicas > readyReplicas) yield invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas');
}

/** Names taken already, counted so that new ones differ: the count never goes down. */
export function* validateCollisions(now: number | undefined, old: number | undefined): Iterable<FieldError> {
  yield* nonNegativeNumber('status.collisionCount', now);
  if (old !== undefined && (now ?? 0) < old) yield invalidValue('status.collisionCount', now ?? 0, 'cannot be decremented');
}
