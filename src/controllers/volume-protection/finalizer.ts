import type { KubeObject } from '#apimachinery/object-meta.ts';

export const claimFinalizer = 'kubernetes.io/pvc-protection';
export const volumeFinalizer = 'kubernetes.io/pv-protection';

/** The object with the finalizer it should have; undefined when it is as it should be. Pure. */
export function planFinalizer<T extends KubeObject>(object: T, finalizer: string, isInUse: () => boolean): T | undefined {
  const { metadata } = object;
  const has = metadata.finalizers?.includes(finalizer) === true;
  if (metadata.deletionTimestamp === undefined) return has ? undefined : { ...object, metadata: { ...metadata, finalizers: [...(metadata.finalizers ?? []), finalizer] } };
  if (!has || isInUse()) return undefined;
  return { ...object, metadata: { ...metadata, finalizers: (metadata.finalizers ?? []).filter((each) => each !== finalizer) } };
}
