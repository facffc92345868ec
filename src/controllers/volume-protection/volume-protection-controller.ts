/**
 * A volume that is deleted stays as long as it is bound to a claim.
 * Source: Kubernetes documentation, "Persistent Volumes: Storage Object in Use Protection".
 */
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { done } from '#reconcile/controller.ts';
import { planFinalizer, volumeFinalizer } from './finalizer.ts';

export const volumeProtectionController = defineController<PersistentVolume>({
  name: 'persistentvolume-protection-controller',
  component: 'pv-protection-controller',
  for: PersistentVolume,

  async reconcile(key, { lister, client, signal }) {
    const volume = lister.get(PersistentVolume, key);
    const planned = volume === undefined ? undefined : planFinalizer(volume, volumeFinalizer, () => volume.status.phase === 'Bound');
    if (planned !== undefined) await client.update(PersistentVolume, planned, { signal });
    return done;
  },
});
