/**
 * What becomes of one object, given what its owners and dependents are. Pure.
 *
 * Source: Kubernetes documentation "Garbage Collection", "Owners and Dependents".
 */
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';
import { foregroundFinalizer, isDeletingDependents, orphanFinalizer } from './dependents.ts';

/** Of one owner: there; gone; or waiting until its dependents are gone. */
export type OwnerState = 'solid' | 'absent' | 'waiting';

export interface Dependent {
  readonly object: KubeObject;
}

export interface ItemInput {
  readonly object: KubeObject;
  /** The state of each owner, in the order of `ownerReferences`. */
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  /** Objects that name this one as owner. */
  readonly dependents: readonly KubeObject[];
}

export type ItemPlan =
  | { readonly is: 'nothing' }
  /** Wait for dependents; they are to be looked at. */
  | { readonly is: 'wait' }
  | { readonly is: 'remove finalizer'; readonly finalizer: string }
  /** Forget owners that are gone, because another one is left. */
  | { readonly is: 'drop owners'; readonly uids: readonly string[] }
  | { readonly is: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan'; readonly unblocks: boolean };

export function planItem({ object, owners, dependents }: ItemInput): ItemPlan {
  const { metadata } = object;
  if (isDeletingDependents(object)) {
    const isBlocked = dependents.some((dependent) => isBlocking(dependent, metadata.uid));
    return isBlocked ? { is: 'wait' } : { is: 'remove finalizer', finalizer: foregroundFinalizer };
  }
  if (metadata.deletionTimestamp !== undefined || owners.length === 0) return { is: 'nothing' };
  const isSolid = owners.some(({ state }) => state === 'solid');
  const gone = owners.filter(({ state }) => state !== 'solid');
  if (isSolid) return gone.length === 0 ? { is: 'nothing' } : { is: 'drop owners', uids: gone.map(({ reference }) => reference.uid) };
  const isAwaited = owners.some(({ state }) => state === 'waiting');
  if (isAwaited && dependents.length > 0) {
    // Two that wait for each other would wait for ever: one of them must let go.
    return { is: 'delete', policy: 'Foreground', unblocks: dependents.some(isDeletingDependents) };
  }
  return { is: 'delete', policy: policyOf(object), unblocks: false };
}

/** Whether the dependent keeps an owner that is deleted in the foreground. */
export function isBlocking({ metadata }: KubeObject, ownerUid: string): boolean {
  return metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true) === true;
}

/** What whoever made the object has asked for by a finalizer. */
function policyOf({ metadata }: KubeObject): 'Background' | 'Foreground' | 'Orphan' {
  if (metadata.finalizers?.includes(orphanFinalizer) === true) return 'Orphan';
  return metadata.finalizers?.includes(foregroundFinalizer) === true ? 'Foreground' : 'Background';
}
