/**
 * Who owns what: takes in orphans that the owner selects, and lets go of what it no longer selects.
 *
 * Source: Kubernetes design "controller references", API reference OwnerReference.
 */
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { matchesLabels } from '#apimachinery/selector.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { ReconcileContext } from './controller.ts';

export interface Ownership<Owner extends KubeObject> {
  readonly kind: ResourceKind<Owner>;
  readonly owner: Owner;
  readonly query: LabelQuery;
  /** Leaves out what is neither kept, adopted nor let go of (finished pods). Default: nothing. */
  readonly counts?: (object: never) => boolean;
}

/** The reference that makes `owner` the controller of an object. */
export function controllerReference(kind: ResourceKind, owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: kind.apiVersion, kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Which objects to keep, take in and let go of. Pure. */
export function planOwnership<T extends KubeObject>(
  { owner, query }: { readonly owner: KubeObject; readonly query: LabelQuery },
  owned: readonly T[],
  orphans: readonly T[],
): { readonly keep: readonly T[]; readonly adopt: readonly T[]; readonly release: readonly T[] } {
  const isOwnerLeaving = owner.metadata.deletionTimestamp !== undefined;
  const keep: T[] = [];
  const release: T[] = [];
  for (const object of owned) {
    if (matchesLabels(query, object.metadata.labels)) keep.push(object);
    else if (!isOwnerLeaving) release.push(object);
  }
  const adopt = isOwnerLeaving
    ? []
    : orphans.filter((object) => object.metadata.deletionTimestamp === undefined && matchesLabels(query, object.metadata.labels));
  return { keep, adopt, release };
}

/**
 * The objects of `kind` that belong to the owner, after adopting and releasing. Throws when the owner is not what it was.
 * An object that vanished or was taken by another meanwhile is left out.
 */
export async function claim<T extends KubeObject, Owner extends KubeObject>(
  kind: ResourceKind<T>,
  ownership: Ownership<Owner>,
  { lister, client, signal }: Pick<ReconcileContext, 'lister' | 'client' | 'signal'>,
): Promise<readonly T[]> {
  const { owner } = ownership;
  const counts = (ownership.counts ?? everything) as (object: T) => boolean;
  const orphans = lister.orphans(kind, owner.metadata.namespace ?? '').filter(counts);
  const plan = planOwnership(ownership, lister.ownedBy(kind, owner).filter(counts), orphans);
  if (plan.adopt.length === 0 && plan.release.length === 0) return plan.keep;

  const kept = [...plan.keep];
  if (plan.adopt.length > 0) {
    const fresh = await client.get(ownership.kind, owner.metadata, { signal });
    const isSame = fresh.metadata.uid === owner.metadata.uid;
    if (!isSame) throw new Error(`original ${ownership.kind.kind} ${owner.metadata.name} is gone`);
    if (fresh.metadata.deletionTimestamp === undefined) {
      for (const object of plan.adopt) {
        const metadata = { ownerReferences: [controllerReference(ownership.kind, owner)], uid: object.metadata.uid };
        try {
          kept.push(await client.patch(kind, object.metadata, { type: 'strategic', patch: { metadata } }, { signal }));
        } catch (error) {
          if (!isGoneOrOthers(error)) throw error;
        }
      }
    }
  }
  for (const object of plan.release) {
    const metadata = { ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }], uid: object.metadata.uid };
    try {
      await client.patch(kind, object.metadata, { type: 'strategic', patch: { metadata } }, { signal });
    } catch (error) {
      if (!isGoneOrOthers(error)) throw error;
    }
  }
  return kept;
}

const everything = (): boolean => true;

function isGoneOrOthers(error: unknown): boolean {
  return hasReason(error, 'NotFound') || hasReason(error, 'Invalid') || hasReason(error, 'Conflict');
}
