/**
 * A kind may be served in several versions but is stored in one, the hub. Everything between decoding and encoding
 * works on the hub's objects.
 */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';

/** The kind under which objects of `kind` are stored. */
export function hubOf(kind: ResourceKind): ResourceKind {
  return kind.convertedFrom?.hub() ?? kind;
}

/** An object of the hub as `kind` shows it. */
export function toServed(kind: ResourceKind, object: KubeObject): KubeObject {
  return kind.convertedFrom === undefined ? object : kind.convertedFrom.fromHub(object);
}

/** An object of `kind` as the hub stores it; where that takes time, the object itself: `stored` does it when it is written. */
export function toHub(kind: ResourceKind, object: KubeObject): KubeObject {
  return kind.convertedFrom === undefined || kind.convertedFrom.load !== undefined ? object : kind.convertedFrom.toHub(object);
}

/** Whether somebody else converts between the versions, so that `toServed` has to wait for `ready`. */
export function takesTime(kind: ResourceKind): boolean {
  return kind.convertedFrom?.load !== undefined;
}

/** Makes objects of the hub ready for `toServed`. Throws a StatusError when they cannot be converted. */
export async function ready(kind: ResourceKind, objects: readonly KubeObject[]): Promise<void> {
  await kind.convertedFrom?.load?.(objects, kind.apiVersion);
}

/**
 * The same for objects of the cache. Gives copies to be used in their place: the cache lets go of decoded objects of the
 * past, and what was converted is known for as long as the object is held on to.
 */
export async function readyCached(kind: ResourceKind, objects: readonly CachedObject[]): Promise<readonly CachedObject[]> {
  const held = objects.map((each) => new CachedObject(each.kind, each.key, each.revision, each.stored, each.object));
  await ready(kind, held.map(({ object }) => object));
  return held;
}

/** What `toHub` left as it was, in the version that is stored. */
export async function stored(kind: ResourceKind, draft: Draft<KubeObject>): Promise<Draft<KubeObject>> {
  const conversion = kind.convertedFrom;
  if (conversion?.load === undefined) return draft;
  const { resourceVersion } = draft.metadata;
  await conversion.load([draft], conversion.hub().apiVersion);
  const converted = conversion.toHub(draft) as Draft<KubeObject>;
  converted.metadata.resourceVersion = resourceVersion;
  return converted;
}
