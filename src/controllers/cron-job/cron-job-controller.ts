/** Starts Jobs by the clock. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { CronJob } from '#api/batch/cron-job.ts';
import { Job } from '#api/batch/job.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { timestamp } from '#client/timestamp.ts';
import { isNamespaceTerminating, messageOf } from '../pod-control.ts';
import type { CronSchedule } from './cron-schedule.ts';
import { parseSchedule } from './cron-schedule.ts';
import { endOf, jobName, planCronJob } from './plan-cron-job.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export const cronJobController = defineController<CronJob>({
  name: 'cronjob-controller',
  for: CronJob,
  owns: [Job],

  async reconcile(key, context) {
    const { lister, client, clock, recorder, signal } = context;
    const cronJob = lister.get(CronJob, key);
    if (cronJob === undefined) return done;
    let schedule: CronSchedule;
    try {
      schedule = parseSchedule(cronJob.spec.schedule, cronJob.spec.timeZone);
    } catch (error) {
      recorder.event({ object: cronJob }, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${cronJob.spec.schedule}: ${messageOf(error)}`);
      return done;
    }
    const plan = planCronJob({ cronJob, jobs: lister.ownedBy(Job, cronJob), schedule, nowMs: clock.nowMs() });
    for (const { type, reason, message } of plan.events) recorder.event({ object: cronJob }, type, reason, message);
    for (const job of [...plan.replace, ...plan.cleanUp]) await removeJob(job, cronJob, context);
    let { status } = plan;
    if (plan.startMs !== undefined) {
      const made = await startJob(cronJob, plan.startMs, context);
      if (made !== undefined && endOf(made) === undefined) {
        const { namespace, name, uid, resourceVersion } = made.metadata;
        const stopped = new Set(plan.replace.map(({ metadata }) => metadata.uid));
        const others = (status.active ?? []).filter((each) => !stopped.has(each.uid ?? ''));
        status = { ...status, active: [...others, { kind: Job.kind, namespace, name, uid, apiVersion: Job.apiVersion, resourceVersion }] };
      }
    }
    if (!saysTheSame(withoutVersions(status), withoutVersions(cronJob.status))) await client.updateStatus(CronJob, { ...cronJob, status }, { signal });
    return recheckAfter(plan.recheckAfterMs);
  },
});

/** A Job that only changed is no news. */
function withoutVersions(status: CronJob['status']): object {
  return { ...status, active: (status.active ?? []).map(({ uid }) => uid) };
}

async function startJob(cronJob: CronJob, atMs: number, { client, recorder, signal }: ReconcileContext): Promise<Job | undefined> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const name = jobName(cronJob, atMs);
  try {
    const made = await client.create(Job, {
      metadata: {
        name,
        namespace: cronJob.metadata.namespace,
        ...(metadata.labels !== undefined && { labels: metadata.labels }),
        annotations: { ...metadata.annotations, [scheduledAnnotation]: timestamp(atMs) },
        ownerReferences: [controllerReference(CronJob, cronJob)],
      },
      spec,
    }, { signal });
    recorder.event({ object: cronJob }, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
    return made;
  } catch (error) {
    if (hasReason(error, 'AlreadyExists')) return undefined;
    if (!isNamespaceTerminating(error)) recorder.event({ object: cronJob }, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
    throw error;
  }
}

async function removeJob(job: Job, cronJob: CronJob, { client, recorder, signal }: ReconcileContext): Promise<void> {
  try {
    await client.delete(Job, job.metadata, { propagationPolicy: 'Background', signal });
  } catch (error) {
    if (hasReason(error, 'NotFound')) return;
    recorder.event({ object: cronJob }, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
    throw error;
  }
  recorder.event({ object: cronJob }, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
}
