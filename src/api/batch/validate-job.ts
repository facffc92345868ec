/** Rules on jobs and on the jobs of cron jobs. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import { validateSelectorOf, validateTemplate } from '../core/validate-template.ts';
import type { JobSpec, JobStatus } from './job.ts';

type Job = Parts<JobSpec, JobStatus>;

export function* validateJob({ spec }: Job): Iterable<FieldError> {
  yield* validateJobSpec(spec, 'spec');
  if (spec.selector === undefined) yield required('spec.selector');
  else yield* validateSelectorOf(spec.selector, spec.template, 'job');
}

/** `path` is `spec` of a Job, `spec.jobTemplate.spec` of a CronJob. */
export function* validateJobSpec(spec: JobSpec, path: string): Iterable<FieldError> {
  yield* validateTemplate(spec.template, `${path}.template`);
  const policy = spec.template.spec.restartPolicy;
  if (policy !== 'OnFailure' && policy !== 'Never') yield notSupported(`${path}.template.spec.restartPolicy`, policy ?? '', ['OnFailure', 'Never']);
  if (spec.podFailurePolicy !== undefined && policy !== 'Never') {
    yield invalidValue(`${path}.template.spec.restartPolicy`, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
  if (spec.completionMode === 'Indexed') {
    if (spec.completions === undefined) yield required(`${path}.completions`, 'when completion mode is Indexed');
    if ((spec.parallelism ?? 1) > maxIndexedParallelism) {
      yield invalidValue(`${path}.parallelism`, spec.parallelism, `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`);
    }
  } else {
    for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[key] !== undefined) yield invalidValue(`${path}.${key}`, spec[key], 'requires indexed completion mode');
    }
    if (spec.successPolicy !== undefined) yield invalidValue(`${path}.successPolicy`, spec.successPolicy, 'requires indexed completion mode');
  }
  yield* validateFailurePolicy(spec, path);
}

/** More could not be counted in one status. */
const maxIndexedParallelism = 100_000;
const maxRules = 20;

function* validateFailurePolicy(spec: JobSpec, path: string): Iterable<FieldError> {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > maxRules) yield { type: 'FieldValueTooMany', path: `${path}.podFailurePolicy.rules`, value: rules.length, detail: `must have at most ${maxRules} items` };
  for (const [index, rule] of rules.entries()) {
    const at = `${path}.podFailurePolicy.rules[${index}]`;
    const conditions = (rule.onPodConditions ?? []).length > 0;
    if (rule.onExitCodes === undefined && !conditions) yield invalidValue(at, rule, 'specifying one of OnExitCodes and OnPodConditions is required');
    if (rule.onExitCodes !== undefined && conditions) yield invalidValue(at, rule, 'specifying both OnExitCodes and OnPodConditions is not supported');
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
      yield invalidValue(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set');
    }
    for (const [position, code] of (rule.onExitCodes?.values ?? []).entries()) {
      if (rule.onExitCodes?.operator === 'In' && code === 0) yield invalidValue(`${at}.onExitCodes.values[${position}]`, code, 'must not be 0 for the In operator');
    }
  }
}

export function* validateJobUpdate(job: Job, old: Job): Iterable<FieldError> {
  const { spec } = job;
  const elastic = old.spec.completionMode === 'Indexed' && spec.completions !== undefined && spec.completions === spec.parallelism;
  if (!elastic) yield* immutableValue('spec.completions', spec.completions, old.spec.completions);
  for (const key of ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    yield* immutableValue(`spec.${key}`, spec[key], old.spec[key]);
  }
  if (!saysTheSame(spec.template, comparableTemplate(job, old))) yield invalidValue('spec.template', spec.template, 'field is immutable');
}

/** The old template, with what may still change while the job has not started. */
function comparableTemplate({ spec }: Job, old: Job): object {
  const before = old.spec.template;
  if (old.spec.suspend !== true || old.status.startTime !== undefined) return before;
  const { metadata: meta, spec: now } = spec.template;
  return {
    metadata: { ...before.metadata, labels: meta.labels, annotations: meta.annotations },
    spec: { ...before.spec, nodeSelector: now.nodeSelector, tolerations: now.tolerations, affinity: now.affinity, schedulingGates: now.schedulingGates },
  };
}

/** A job whose pods' results have been counted cannot go back. */
export function* validateJobStatusUpdate({ status }: Job, { status: old }: Job): Iterable<FieldError> {
  const isDone = (each: JobStatus): boolean => (each.conditions ?? []).some(({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True');
  if (isDone(old) && !isDone(status)) yield forbiddenField('status.conditions', 'cannot disable the "Complete=True" or "Failed=True" condition');
}
