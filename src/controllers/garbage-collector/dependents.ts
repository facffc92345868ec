/**
 * Who depends on whom, by UID: only objects that name owners are kept, so the graph costs what it knows.
 *
 * Bound: one entry per owner reference that exists.
 */
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';

/** An object as the collector names it: its kind's id and its key. */
export type ItemId = string;

export class Dependents {
  readonly #ofOwner = new Map<string, Set<ItemId>>();

  /** The items that name the owner. */
  of(ownerUid: string): Iterable<ItemId> {
    return this.#ofOwner.get(ownerUid) ?? [];
  }

  /** Notes the owners of an object in place of those it had; both may be undefined. */
  update(item: ItemId, owners: readonly OwnerReference[] | undefined, before: readonly OwnerReference[] | undefined): void {
    if (owners === before) return;
    for (const { uid } of before ?? []) {
      const items = this.#ofOwner.get(uid);
      if (items === undefined || owners?.some((owner) => owner.uid === uid) === true) continue;
      items.delete(item);
      if (items.size === 0) this.#ofOwner.delete(uid);
    }
    for (const { uid } of owners ?? []) {
      const items = this.#ofOwner.get(uid);
      if (items === undefined) this.#ofOwner.set(uid, new Set([item]));
      else items.add(item);
    }
  }
}

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** Its dependents go first, then the object itself. */
export function isDeletingDependents({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(foregroundFinalizer) === true;
}

/** Its dependents are to be freed before it goes. */
export function isOrphaningDependents({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(orphanFinalizer) === true;
}
