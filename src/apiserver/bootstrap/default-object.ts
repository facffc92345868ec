import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';

/** An object that a cluster has from its first start on. */
export interface DefaultObject {
  readonly kind: ResourceKind;
  readonly object: Given<KubeObject> & object;
}

export function defaultObject<T extends KubeObject>(kind: ResourceKind<T>, object: Given<T>): DefaultObject {
  return { kind, object };
}
