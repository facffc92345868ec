/** Which Job of a CronJob starts now, which are stopped or cleaned up, and when to look again. Pure. */
import { Job } from '#api/batch/job.ts';
import type { CronJob, CronJobStatus } from '#api/batch/cron-job.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import type { CronSchedule } from './cron-schedule.ts';

/** Missed starts that are still looked through one by one. */
const maxMissed = 100;

export interface CronJobInput {
  readonly cronJob: CronJob;
  /** Those it controls. */
  readonly jobs: readonly Job[];
  readonly schedule: CronSchedule;
  readonly nowMs: number;
}

export interface CronEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  /** The time the new Job stands for. */
  readonly startMs: number | undefined;
  /** Running Jobs that make room for the new one. */
  readonly replace: readonly Job[];
  /** Finished Jobs beyond the history that is kept. */
  readonly cleanUp: readonly Job[];
  readonly status: CronJobStatus;
  readonly events: readonly CronEvent[];
  readonly recheckAfterMs: number | undefined;
}

export function endOf(job: Job): 'Complete' | 'Failed' | undefined {
  const type = job.status.conditions?.find((condition) => condition.status === 'True' && (condition.type === 'Complete' || condition.type === 'Failed'))?.type;
  return type === 'Complete' || type === 'Failed' ? type : undefined;
}

export function planCronJob({ cronJob, jobs, schedule, nowMs }: CronJobInput): CronJobPlan {
  const { spec, status: before } = cronJob;
  const events: CronEvent[] = [];
  const known = new Set((before.active ?? []).map(({ uid }) => uid));
  const running = jobs.filter((job) => endOf(job) === undefined);
  let lastSuccessful = before.lastSuccessfulTime;
  for (const job of jobs) {
    const end = endOf(job);
    if (end !== undefined && known.has(job.metadata.uid)) {
      events.push({ type: 'Normal', reason: 'SawCompletedJob', message: `Saw completed job: ${job.metadata.name}, condition: ${end}` });
    }
    const { completionTime } = job.status;
    if (end === 'Complete' && completionTime !== undefined && timeMs(completionTime) > timeMs(lastSuccessful)) lastSuccessful = completionTime;
  }
  for (const { uid, name } of before.active ?? []) {
    if (!jobs.some(({ metadata }) => metadata.uid === uid)) events.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name ?? ''}` });
  }
  const active = running.map(({ metadata }) => ({
    kind: Job.kind, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, apiVersion: Job.apiVersion, resourceVersion: metadata.resourceVersion,
  }));
  const status: CronJobStatus = {
    ...(active.length > 0 && { active }),
    ...(before.lastScheduleTime !== undefined && { lastScheduleTime: before.lastScheduleTime }),
    ...(lastSuccessful !== undefined && { lastSuccessfulTime: lastSuccessful }),
  };
  const base = { replace: [], cleanUp: historySurplus(cronJob, jobs), status, events };
  if (cronJob.metadata.deletionTimestamp !== undefined || spec.suspend === true) return { ...base, startMs: undefined, recheckAfterMs: undefined };

  const due = lastDue(cronJob, schedule, nowMs);
  const nextMs = schedule.next(nowMs);
  const recheckAfterMs = nextMs === undefined ? undefined : nextMs - nowMs + 100;
  if (due.isTooMany) {
    events.push({ type: 'Warning', reason: 'TooManyMissedTimes', message: 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew' });
  }
  if (nextMs === undefined) {
    // Such as 31 February.
    events.push({ type: 'Warning', reason: 'InvalidSchedule', message: `invalid schedule: ${spec.schedule} : time difference between two schedules is less than 1 second` });
  }
  const { atMs } = due;
  const nothing = { ...base, startMs: undefined, recheckAfterMs };
  if (atMs === undefined) return nothing;
  if (spec.startingDeadlineSeconds !== undefined && atMs + spec.startingDeadlineSeconds * 1000 < nowMs) {
    events.push({ type: 'Warning', reason: 'MissSchedule', message: `Missed scheduled time to start a job: ${new Date(atMs).toUTCString()}` });
    return nothing;
  }
  if (jobs.some(({ metadata }) => metadata.name === jobName(cronJob, atMs))) return { ...nothing, status: { ...status, lastScheduleTime: timestamp(atMs) } };
  if (spec.concurrencyPolicy === 'Forbid' && running.length > 0) {
    events.push({ type: 'Normal', reason: 'JobAlreadyActive', message: 'Not starting job because prior execution is running and concurrency policy is Forbid' });
    return nothing;
  }
  return { ...base, startMs: atMs, replace: spec.concurrencyPolicy === 'Replace' ? running : [], status: { ...status, lastScheduleTime: timestamp(atMs) }, recheckAfterMs };
}

/** `sum-28123456`: the minute it stands for, so that the same start is never made twice. */
export function jobName({ metadata }: CronJob, atMs: number): string {
  return `${metadata.name}-${Math.floor(atMs / 60_000)}`;
}

/** The most recent time that was due and has not been started. */
function lastDue({ metadata, spec, status }: CronJob, schedule: CronSchedule, nowMs: number): { readonly atMs: number | undefined; readonly isTooMany: boolean } {
  let fromMs = timeMs(status.lastScheduleTime ?? metadata.creationTimestamp);
  if (spec.startingDeadlineSeconds !== undefined) fromMs = Math.max(fromMs, nowMs - spec.startingDeadlineSeconds * 1000);
  let atMs: number | undefined;
  let missed = 0;
  for (let next = schedule.next(fromMs); next !== undefined && next <= nowMs; next = schedule.next(next)) {
    atMs = next;
    if (++missed <= maxMissed) continue;
    // So far behind, only the last one matters: go on from shortly before now.
    const everyMs = Math.max(1000, next - fromMs) / missed;
    const nearMs = nowMs - 2 * everyMs;
    if (nearMs > next) next = nearMs;
  }
  return { atMs, isTooMany: missed > maxMissed };
}

function historySurplus({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const surplus = (end: 'Complete' | 'Failed', limit: number): readonly Job[] => {
    const ended = jobs.filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined);
    ended.sort((left, right) => timeMs(left.status.startTime) - timeMs(right.status.startTime) || (left.metadata.name < right.metadata.name ? -1 : 1));
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...surplus('Complete', spec.successfulJobsHistoryLimit ?? 3), ...surplus('Failed', spec.failedJobsHistoryLimit ?? 1)];
}
