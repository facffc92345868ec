/**
 * What a Job does next: which pods to make and to remove, what to count, and when it is over. Pure.
 *
 * Source: Kubernetes documentation "Jobs"; KEP-2307 (tracking with finalizers), KEP-3939 (pod replacement policy),
 * KEP-3850 (backoff limit per index).
 */
import type { Job, JobCondition, JobStatus } from '#api/batch/job.ts';
import { findCondition } from '#api/core/pod-status.ts';
import type { Pod } from '#api/core/pod.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import type { IndexFailures } from './index-failures.ts';
import { indexFailures } from './index-failures.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { endedMs, indexOf, sortPods } from './job-pods.ts';

/** Pods created or deleted in one go. */
const maxPodsAtOnce = 500;
/** A failed pod is replaced after 10 s, 20 s, 40 s, up to 10 min. */
const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

export interface JobPlan {
  /** One entry per new pod: its completion index, or undefined. */
  readonly create: readonly (number | undefined)[];
  /** How often indexes have failed; undefined where the Job has no limit per index. */
  readonly failures: IndexFailures | undefined;
  readonly remove: readonly Pod[];
  /** Finished pods to let go, once the status below notes them. */
  readonly untrack: readonly Pod[];
  /** Before pods are let go: they are noted by UID. */
  readonly noted: JobStatus;
  /** Afterwards: they are counted. */
  readonly counted: JobStatus;
  readonly events: readonly { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }[];
  readonly recheckAfterMs: number | undefined;
}

type Ending = { readonly type: 'Complete' | 'Failed'; readonly reason: string; readonly message: string };

export function isFinished({ status }: Pick<Job, 'status'>): boolean {
  return status.conditions?.some(({ type, status: state }) => (type === 'Complete' || type === 'Failed') && state === 'True') === true;
}

export function planJob(job: Job, pods: readonly Pod[], nowMs: number): JobPlan {
  const sorted = sortPods(job, pods);
  const { spec, status } = job;
  const now = timestamp(nowMs);
  const events: { type: 'Normal' | 'Warning'; reason: string; message: string }[] = [];
  const uncounted = status.uncountedTerminatedPods;
  const isIndexed = spec.completionMode === 'Indexed';
  const completions = spec.completions ?? 0;

  const doneIndexes = parseIndexes(status.completedIndexes, completions);
  if (isIndexed) for (const pod of pods) {
    const index = indexOf(pod);
    if (pod.status.phase === 'Succeeded' && index !== undefined && index < completions) doneIndexes.add(index);
  }
  const failures = isIndexed ? indexFailures(job, pods, doneIndexes) : undefined;
  const succeeded = isIndexed ? doneIndexes.size : (status.succeeded ?? 0) + (uncounted?.succeeded?.length ?? 0) + sorted.newlySucceeded.length;
  const failed = (status.failed ?? 0) + (uncounted?.failed?.length ?? 0) + sorted.newlyFailed.length;

  let conditions: readonly JobCondition[] = status.conditions ?? [];
  const isSuspended = spec.suspend === true;
  let { startTime } = status;
  if (startTime === undefined && !isSuspended) startTime = now;

  const ending = isFinished(job) ? undefined : endingOf(job, { fatal: sorted.fatal, succeeded, failed, active: sorted.active, doneIndexes, failures, startTime, nowMs });
  let remove: readonly Pod[] = [];
  let create: readonly (number | undefined)[] = [];
  let recheckAfterMs: number | undefined;

  if (isFinished(job) || ending !== undefined || job.metadata.deletionTimestamp !== undefined) {
    if (job.metadata.deletionTimestamp === undefined) remove = sorted.active;
  } else if (isSuspended) {
    if (!isTrue(conditions, 'Suspended')) events.push({ type: 'Normal', reason: 'Suspended', message: 'Job suspended' });
    conditions = withJobCondition(conditions, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }, now);
    startTime = undefined;
    remove = sorted.active;
  } else {
    if (isTrue(conditions, 'Suspended')) {
      conditions = withJobCondition(conditions, { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }, now);
      events.push({ type: 'Normal', reason: 'Resumed', message: 'Job resumed' });
      startTime = now;
    }
    const scale = planScale(job, { pods, active: sorted.active, terminating: sorted.terminating, succeeded, doneIndexes, failures, nowMs });
    ({ create, remove } = scale);
    recheckAfterMs = scale.recheckAfterMs;
    if (spec.activeDeadlineSeconds !== undefined) {
      recheckAfterMs = Math.min(recheckAfterMs ?? Infinity, Math.max(1, timeMs(startTime) + spec.activeDeadlineSeconds * 1000 - nowMs));
    }
  }

  let { completionTime } = status;
  if (ending !== undefined) {
    const first = ending.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    conditions = withJobCondition(conditions, { type: first, status: 'True', reason: ending.reason, message: ending.message }, now);
    // Over is over only when no pod runs any more.
    if (sorted.active.length === 0 && sorted.terminating === 0) {
      conditions = withJobCondition(conditions, { type: ending.type, status: 'True', reason: ending.reason, message: ending.message }, now);
      if (ending.type === 'Complete') completionTime = now;
      events.push(ending.type === 'Complete'
        ? { type: 'Normal', reason: 'Completed', message: 'Job completed' }
        : { type: 'Warning', reason: ending.reason, message: ending.message });
    }
  }

  const common = {
    ...(conditions.length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
    ...(sorted.active.length > 0 && { active: sorted.active.length }),
    terminating: sorted.terminating,
    ready: sorted.ready,
    ...(isIndexed && doneIndexes.size > 0 && { completedIndexes: formatIndexes(doneIndexes) }),
    ...(failures !== undefined && { failedIndexes: formatIndexes(failures.givenUp) }),
  };
  const uids = (some: readonly Pod[]): readonly string[] => some.map(({ metadata }) => metadata.uid);
  return {
    create,
    failures,
    remove,
    untrack: sorted.tracked,
    noted: {
      ...status,
      uncountedTerminatedPods: {
        succeeded: [...(uncounted?.succeeded ?? []), ...uids(sorted.newlySucceeded)],
        failed: [...(uncounted?.failed ?? []), ...uids(sorted.newlyFailed)],
      },
    },
    counted: { ...common, ...(succeeded > 0 && { succeeded }), ...(failed > 0 && { failed }), uncountedTerminatedPods: {} },
    events,
    recheckAfterMs,
  };
}

interface EndingInput {
  readonly fatal: string | undefined;
  readonly succeeded: number;
  readonly failed: number;
  readonly active: readonly Pod[];
  readonly doneIndexes: ReadonlySet<number>;
  readonly failures: IndexFailures | undefined;
  readonly startTime: string | undefined;
  readonly nowMs: number;
}

/** Whether and how the Job is over. What was decided once stays. */
function endingOf({ spec, status }: Job, input: EndingInput): Ending | undefined {
  const { succeeded, failed, active, nowMs, startTime } = input;
  const decided = status.conditions?.find(({ type, status: state }) => state === 'True' && (type === 'FailureTarget' || type === 'SuccessCriteriaMet'));
  if (decided !== undefined) {
    return { type: decided.type === 'FailureTarget' ? 'Failed' : 'Complete', reason: decided.reason ?? '', message: decided.message ?? '' };
  }
  if (input.fatal !== undefined) return { type: 'Failed', reason: 'PodFailurePolicy', message: input.fatal };
  const backoffLimit = spec.backoffLimit ?? 6;
  if (failed > backoffLimit || restartsOf(spec, active) > backoffLimit) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  if (spec.suspend !== true && spec.activeDeadlineSeconds !== undefined && startTime !== undefined && nowMs >= timeMs(startTime) + spec.activeDeadlineSeconds * 1000) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  for (const [number, { succeededIndexes, succeededCount }] of (spec.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, spec.completions ?? 0);
    const matching = wanted === undefined ? succeeded : [...wanted].filter((index) => input.doneIndexes.has(index)).length;
    const needed = succeededCount ?? wanted?.size ?? Infinity;
    if (matching >= needed) return { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${number}` };
  }
  const lost = input.failures?.givenUp.size ?? 0;
  if (spec.maxFailedIndexes !== undefined && lost > spec.maxFailedIndexes) {
    return { type: 'Failed', reason: 'MaxFailedIndexesExceeded', message: 'Job has exceeded the specified maximal number of failed indexes' };
  }
  if (lost > 0 && succeeded + lost >= (spec.completions ?? 0)) return { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
  const reached = { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } as const;
  if (spec.completions === undefined) return succeeded > 0 && active.length === 0 ? reached : undefined;
  return succeeded >= spec.completions && (active.length === 0 || spec.completions > 0) ? reached : undefined;
}

/** Containers that are restarted in place count like failed pods. */
function restartsOf(spec: Job['spec'], active: readonly Pod[]): number {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return 0;
  let restarts = 0;
  for (const { status } of active) {
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += restartCount;
  }
  return restarts;
}

interface ScaleInput {
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: number;
  readonly succeeded: number;
  readonly doneIndexes: ReadonlySet<number>;
  readonly failures: IndexFailures | undefined;
  readonly nowMs: number;
}

function planScale({ spec }: Job, { pods, active, terminating, succeeded, doneIndexes, failures, nowMs }: ScaleInput) {
  const parallelism = spec.parallelism ?? 1;
  const wanted = spec.completions === undefined
    ? (succeeded > 0 ? Math.min(active.length, parallelism) : parallelism)
    : Math.min(parallelism, Math.max(0, spec.completions - succeeded - (failures?.givenUp.size ?? 0)));
  const isIndexed = spec.completionMode === 'Indexed';
  const doubles = isIndexed ? doubledPods(active, spec.completions ?? 0, doneIndexes) : [];
  const surplus = active.length - doubles.length - wanted;
  if (doubles.length > 0 || surplus > 0) {
    const rest = active.filter((pod) => !doubles.includes(pod)).sort(youngestFirst).slice(0, Math.max(0, surplus));
    return { create: [], remove: [...doubles, ...rest].slice(0, maxPodsAtOnce), recheckAfterMs: undefined };
  }
  const inTheWay = spec.podReplacementPolicy === 'Failed' ? terminating : 0;
  const missing = Math.min(-surplus - inTheWay, maxPodsAtOnce);
  if (missing <= 0) return { create: [], remove: [], recheckAfterMs: undefined };
  if (failures !== undefined) return planIndexes(failures, { active, completions: spec.completions ?? 0, doneIndexes, missing, nowMs });
  const waitMs = backoffMs(pods, nowMs);
  if (waitMs > 0) return { create: [], remove: [], recheckAfterMs: waitMs };
  return { create: isIndexed ? freeIndexes(active, spec.completions ?? 0, doneIndexes, missing) : Array.from<undefined>({ length: missing }), remove: [], recheckAfterMs: undefined };
}

/** The next indexes, each of which waits for itself after its own failures. */
function planIndexes(
  { byIndex, givenUp }: IndexFailures,
  { active, completions, doneIndexes, missing, nowMs }: { readonly active: readonly Pod[]; readonly completions: number; readonly doneIndexes: ReadonlySet<number>; readonly missing: number; readonly nowMs: number },
) {
  const create: number[] = [];
  let recheckAfterMs: number | undefined;
  for (const index of freeIndexes(active, completions, new Set([...doneIndexes, ...givenUp]), completions)) {
    if (create.length === missing) break;
    const failure = byIndex.get(index);
    const waitMs = failure === undefined ? 0 : failure.lastMs + delayMs(failure.count) - nowMs;
    if (waitMs <= 0) create.push(index);
    else recheckAfterMs = Math.min(recheckAfterMs ?? Infinity, waitMs);
  }
  return { create, remove: [], recheckAfterMs };
}

function delayMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(firstBackoffMs * 2 ** (failures - 1), maxBackoffMs);
}

/** How long to wait before the next pod, because the last ones failed. */
function backoffMs(pods: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(({ status }) => status.phase === 'Succeeded').map(endedMs));
  const failures = pods.filter(({ status }) => status.phase === 'Failed').map(endedMs).filter((endMs) => endMs > lastSuccessMs);
  if (failures.length === 0) return 0;
  return Math.max(0, Math.max(...failures) + delayMs(failures.length) - nowMs);
}

/** Pods whose index is done, out of range, or taken by an older pod. */
function doubledPods(active: readonly Pod[], completions: number, doneIndexes: ReadonlySet<number>): readonly Pod[] {
  const taken = new Set<number>();
  return active.toSorted((left, right) => -youngestFirst(left, right)).filter((pod) => {
    const index = indexOf(pod);
    if (index === undefined || index >= completions || doneIndexes.has(index) || taken.has(index)) return true;
    taken.add(index);
    return false;
  });
}

function freeIndexes(active: readonly Pod[], completions: number, doneIndexes: ReadonlySet<number>, count: number): readonly number[] {
  const taken = new Set(active.map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index++) if (!doneIndexes.has(index) && !taken.has(index)) free.push(index);
  return free;
}

function youngestFirst(left: Pod, right: Pod): number {
  const [a, b] = [left.metadata, right.metadata];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
  return a.name > b.name ? -1 : 1;
}

function isTrue(conditions: readonly JobCondition[], type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

function withJobCondition(conditions: readonly JobCondition[], condition: JobCondition, now: string): readonly JobCondition[] {
  const known = findCondition(conditions, condition.type);
  if (known?.status === condition.status && known.reason === condition.reason && known.message === condition.message) return conditions;
  const made = { ...condition, lastProbeTime: now, lastTransitionTime: known?.status === condition.status ? known.lastTransitionTime : now };
  return known === undefined ? [...conditions, made] : conditions.map((each) => (each === known ? made : each));
}
