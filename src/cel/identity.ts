/** Lists that schemas declare as sets or as keyed by fields of their items. Source: Kubernetes documentation, "Validation rules". */
import type { ListIdentity } from './types.ts';
import { equal, mapGet } from './values.ts';

function sameItem(identity: ListIdentity, left: unknown, right: unknown): boolean {
  if (identity.is === 'set') return equal(left, right);
  return identity.keys.every((key) => equal(mapGet(left, key), mapGet(right, key)));
}

/** The same items, in whatever order. */
export function identityEqual(identity: ListIdentity, left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item) => right.some((other) => sameItem(identity, item, other) && equal(item, other)));
}

/** Items of the right take the place of those of the left that they are one with; new ones come last. */
export function identityMerge(identity: ListIdentity, left: readonly unknown[], right: readonly unknown[]): readonly unknown[] {
  const kept = left.map((item) => right.find((other) => sameItem(identity, item, other)) ?? item);
  const added = right.filter((item) => !left.some((other) => sameItem(identity, other, item)));
  return [...kept, ...added];
}
