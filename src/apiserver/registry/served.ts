/**
 * A kind may be served in several versions but is stored in one, the hub. Everything between decoding and encoding
 * works on the hub's objects.
 */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

/** The kind under which objects of `kind` are stored. */
export function hubOf(kind: ResourceKind): ResourceKind {
  return kind.convertedFrom?.hub() ?? kind;
}

/** An object of the hub as `kind` shows it. */
export function toServed(kind: ResourceKind, object: KubeObject): KubeObject {
  return kind.convertedFrom === undefined ? object : kind.convertedFrom.fromHub(object);
}

/** An object of `kind` as the hub stores it. */
export function toHub(kind: ResourceKind, object: KubeObject): KubeObject {
  return kind.convertedFrom === undefined ? object : kind.convertedFrom.toHub(object);
}
