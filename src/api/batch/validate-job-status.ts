/** Rules on what controllers say of jobs, this cluster's own or others'. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError, duplicate, invalidValue, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';
import { parseIndexes, sharedIndex } from './indexes.ts';
import type { JobSpec, JobStatus } from './job.ts';

type Job = Parts<JobSpec, JobStatus>;

const conditions = 'status.conditions';

function holds({ conditions: all = [] }: JobStatus, type: string): boolean {
  return all.some((condition) => condition.type === type && condition.status === 'True');
}

export function* validateJobStatusUpdate(job: Job, old: Job): Iterable<FieldError> {
  // What was wrong before, an older server has let in: it does not stop the work.
  const before = new Set([...validateStatus(old)].map(describeFieldError));
  for (const error of validateStatus(job)) if (!before.has(describeFieldError(error))) yield error;
  yield* validateChange(job, old);
}

function* validateStatus({ spec, status }: Job): Iterable<FieldError> {
  for (const key of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) yield* nonNegativeNumber(`status.${key}`, status[key]);
  yield* validateUncounted(status);
  yield* validateConditions(status, spec);
  yield* validateTimes(status);
  if (holds(status, 'Complete') || holds(status, 'Failed')) yield* validateFinished(status);
  yield* validateIndexes(status, spec);
  const { active = 0, ready } = status;
  if (ready !== undefined && ready > active) yield invalidValue('status.ready', ready, 'cannot set more ready pods than active');
}

function* validateUncounted({ uncountedTerminatedPods: pods }: JobStatus): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const key of ['succeeded', 'failed'] as const) {
    for (const [index, uid] of (pods?.[key] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${key}[${index}]`;
      if (uid === '') yield invalidValue(at, uid, 'must not be empty');
      else if (seen.has(uid)) yield duplicate(at, uid);
      seen.add(uid);
    }
  }
}

/** A job ends in one way, and says before that it will. */
function* validateConditions(status: JobStatus, { successPolicy }: JobSpec): Iterable<FieldError> {
  const [complete, failed, target, met] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'].map((type) => holds(status, type));
  if (complete === true && failed === true) yield invalidValue(conditions, undefined, 'cannot set Complete=True and Failed=true conditions');
  if (complete === true && target === true) yield invalidValue(conditions, undefined, 'cannot set Complete=True and FailureTarget=true conditions');
  if (failed === true && target !== true) yield invalidValue(conditions, undefined, 'cannot set Failed=True condition without the FailureTarget=true condition');
  if (complete === true && met !== true) yield invalidValue(conditions, undefined, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  if (met === true && failed === true) yield invalidValue(conditions, undefined, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  if (met === true && target === true) yield invalidValue(conditions, undefined, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  if (successPolicy !== undefined && met !== true && complete === true) {
    yield invalidValue(conditions, undefined, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  }
}

function* validateTimes(status: JobStatus): Iterable<FieldError> {
  const { completionTime, startTime } = status;
  const complete = holds(status, 'Complete');
  if (completionTime === undefined) {
    if (complete) yield required('status.completionTime', 'completionTime is required for Complete jobs');
    return;
  }
  if (!complete) yield invalidValue('status.completionTime', completionTime, 'cannot set completionTime when there is no Complete=True condition');
  if (startTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) yield invalidValue('status.completionTime', completionTime, 'completionTime cannot be set before startTime');
}

function* validateFinished({ active = 0, startTime, terminating = 0, uncountedTerminatedPods: pods }: JobStatus): Iterable<FieldError> {
  if (active > 0) yield invalidValue('status.active', active, 'active>0 is invalid for finished job');
  if (startTime === undefined) yield required('status.startTime', 'startTime is required for finished job');
  if ((pods?.failed ?? []).length + (pods?.succeeded ?? []).length > 0) {
    yield invalidValue('status.uncountedTerminatedPods', pods, 'uncountedTerminatedPods needs to be empty for finished job');
  }
  if (terminating > 0) yield invalidValue('status.terminating', terminating, 'terminating>0 is invalid for finished job');
}

function* validateIndexes({ completedIndexes = '', failedIndexes }: JobStatus, { backoffLimitPerIndex, completionMode, completions }: JobSpec): Iterable<FieldError> {
  const [paths, total] = [{ completed: 'status.completedIndexes', failed: 'status.failedIndexes' }, completions ?? 0];
  const completed = parseIndexes(completedIndexes, total);
  if (completions !== undefined && typeof completed === 'string') yield invalidValue(paths.completed, completedIndexes, `error parsing completedIndexes: ${completed}`);
  if (completedIndexes !== '' && completionMode !== 'Indexed') yield invalidValue(paths.completed, completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode');
  if (failedIndexes === undefined) return;
  const failed = parseIndexes(failedIndexes, total);
  if (backoffLimitPerIndex === undefined) yield invalidValue(paths.failed, failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
  else if (completions !== undefined && typeof failed === 'string') yield invalidValue(paths.failed, failedIndexes, `error parsing failedIndexes: ${failed}`);
  if (completions === undefined || typeof completed === 'string' || typeof failed === 'string') return;
  const shared = sharedIndex(completed, failed);
  if (shared !== undefined) yield invalidValue(paths.failed, failedIndexes, `failedIndexes and completedIndexes overlap at index: ${shared}`);
}

/** What has been counted stays so. */
function* validateChange({ spec, status }: Job, { status: old }: Job): Iterable<FieldError> {
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (holds(old, type) && !holds(status, type)) yield invalidValue(conditions, undefined, `cannot disable the terminal ${type}=True condition`);
  }
  for (const key of ['failed', 'succeeded'] as const) {
    if ((status[key] ?? 0) < (old[key] ?? 0)) yield invalidValue(`status.${key}`, status[key] ?? 0, `cannot decrease the ${key} counter`);
  }
  if (status.completionTime !== undefined && old.completionTime !== undefined && !saysTheSame(status.completionTime, old.completionTime)) {
    yield invalidValue('status.completionTime', status.completionTime, 'completionTime cannot be mutated');
  }
  if (old.startTime !== undefined && status.startTime !== old.startTime && spec.suspend !== true) yield required('status.startTime', 'field is immutable for unsuspended job once set');
  const [met, wasMet] = [holds(status, 'SuccessCriteriaMet'), holds(old, 'SuccessCriteriaMet')];
  if (wasMet && !met) yield invalidValue(conditions, undefined, 'cannot disable the SuccessCriteriaMet=True condition');
  if (holds(old, 'Complete') && !wasMet && met) yield invalidValue(conditions, undefined, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
}
