/** Rules on what controllers say of the replicas they keep. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';

type Counts = Readonly<Record<string, unknown>>;

/** These counts are no less than zero. */
export function* validateCounts<T extends object>(status: T, names: readonly (keyof T & string)[]): Iterable<FieldError> {
  for (const name of names) yield* nonNegativeNumber(`status.${name}`, count(status as Counts, name));
}

/** None of these is above the number of replicas, nor are more available than ready: `ready` is how that is called. */
export function* validateAvailable<T extends object>(status: T, names: readonly (keyof T & string)[], ready: string): Iterable<FieldError> {
  const counts = status as Counts;
  for (const name of names) if (count(counts, name) > count(counts, 'replicas')) yield invalidValue(`status.${name}`, count(counts, name), 'cannot be greater than status.replicas');
  if (count(counts, 'availableReplicas') > count(counts, 'readyReplicas')) yield invalidValue('status.availableReplicas', count(counts, 'availableReplicas'), `cannot be greater than ${ready}`);
}

function count(status: Counts, name: string): number {
  const value = status[name];
  return typeof value === 'number' ? value : 0;
}

interface ReplicaStatus {
  readonly replicas?: number | undefined;
  readonly fullyLabeledReplicas?: number | undefined;
  readonly readyReplicas?: number | undefined;
  readonly availableReplicas?: number | undefined;
  readonly observedGeneration?: number | undefined;
}

/** Of ReplicaSets and ReplicationControllers. */
export function* validateReplicaCounts({ status }: { readonly status: ReplicaStatus }): Iterable<FieldError> {
  yield* validateCounts(status, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']);
  yield* validateAvailable(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'readyReplicas');
}

/** Names taken already, counted so that new ones differ: the count never goes down. */
export function* validateCollisions(now: number | undefined, old: number | undefined): Iterable<FieldError> {
  yield* nonNegativeNumber('status.collisionCount', now);
  if (old !== undefined && (now ?? 0) < old) yield invalidValue('status.collisionCount', now ?? 0, 'cannot be decremented');
}
