/**
 * A claim that is deleted stays until no pod uses it.
 * Source: Kubernetes documentation, "Persistent Volumes: Storage Object in Use Protection".
 */
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { Pod } from '#api/core/pod.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { done, watch } from '#reconcile/controller.ts';
import { claimFinalizer, planFinalizer } from './finalizer.ts';

const byClaim = 'persistentVolumeClaim';

/** Keys of the claims that a pod uses. One without a node does not count: no kubelet starts it with a claim that goes. */
export function claimsOf({ metadata, spec }: Pod): readonly string[] {
  if (spec.nodeName === undefined) return [];
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`];
  });
}

export const claimProtectionController = defineController<PersistentVolumeClaim>({
  name: 'persistentvolumeclaim-protection-controller',
  component: 'pvc-protection-controller',
  for: PersistentVolumeClaim,
  watches: [watch(Pod, claimsOf, (pod, old) => pod.spec.nodeName !== old.spec.nodeName)],
  indexes: (informers) => informers.for(Pod).addIndex(byClaim, (pod) => [...claimsOf(pod)]),

  async reconcile(key, { lister, client, signal }) {
    const claim = lister.get(PersistentVolumeClaim, key);
    const planned = claim === undefined ? undefined : planFinalizer(claim, claimFinalizer, () => lister.byIndex(Pod, byClaim, key).length > 0);
    if (planned !== undefined) await client.update(PersistentVolumeClaim, planned, { signal });
    return done;
  },
});
