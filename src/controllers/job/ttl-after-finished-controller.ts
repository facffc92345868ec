/** Deletes Jobs some time after they are over, where they ask for it. */
import { Job } from '#api/batch/job.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { timeMs } from '#client/timestamp.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';

/** When the Job goes, in ms since the epoch; undefined when it stays. */
export function expiryMs({ spec, status }: Job): number | undefined {
  const end = status.conditions?.find((condition) => condition.status === 'True' && (condition.type === 'Complete' || condition.type === 'Failed'));
  if (spec.ttlSecondsAfterFinished === undefined || end?.lastTransitionTime === undefined) return undefined;
  return timeMs(end.lastTransitionTime) + spec.ttlSecondsAfterFinished * 1000;
}

export const ttlAfterFinishedController = defineController<Job>({
  name: 'ttl-after-finished-controller',
  for: Job,

  async reconcile(key, { lister, client, clock, signal }) {
    const job = lister.get(Job, key);
    const atMs = job === undefined || job.metadata.deletionTimestamp !== undefined ? undefined : expiryMs(job);
    if (job === undefined || atMs === undefined) return done;
    const waitMs = atMs - clock.nowMs();
    if (waitMs > 0) return recheckAfter(waitMs);
    try {
      // Its life may have been prolonged meanwhile: only what was seen is deleted.
      const { uid, resourceVersion } = job.metadata;
      await client.delete(Job, job.metadata, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion }, signal });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    return done;
  },
});
