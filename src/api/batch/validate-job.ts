/** Rules on jobs and on the jobs of cron jobs. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Label, validateDomainPath } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import { labelSelectorFrom, matchesLabels, validateLabelSelector } from '#apimachinery/selector.ts';
import type { Container } from '../core/container.ts';
import { validateTemplate } from '../core/validate-template.ts';
import type { JobSpec, JobStatus } from './job.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './validate-policies.ts';

type Job = Parts<JobSpec, JobStatus>;

export function* validateJob({ metadata, spec }: Job): Iterable<FieldError> {
  yield* validateJobSpec(spec, 'spec');
  if (spec.selector === undefined) yield required('spec.selector');
  else {
    const wrong = [...validateLabelSelector('spec.selector', spec.selector)];
    yield* wrong;
    if (wrong.length === 0 && !matchesLabels(labelSelectorFrom(spec.selector), spec.template.metadata.labels)) {
      yield invalidValue('spec.template.metadata.labels', spec.template.metadata.labels ?? {}, '`selector` does not match template `labels`');
    }
  }
  if (spec.completionMode !== 'Indexed' || spec.completions === undefined || spec.completions === 0) return;
  // The pods' host names end with their index.
  const longest = `${metadata.name}-${spec.completions - 1}`;
  if (dns1123Label(longest).length > 0) yield invalidValue('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${longest}`);
}

/** Labels by which a job finds its pods: whoever sets them otherwise has to say so. */
export function* validateOwnLabels({ metadata, spec }: Job): Iterable<FieldError> {
  if (spec.manualSelector === true || spec.selector === undefined) return;
  const { name, uid } = metadata;
  const expected = { 'controller-uid': uid, 'job-name': name, 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name };
  const labels = spec.template.metadata.labels ?? {};
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) yield required(path, `must be '${value}'`);
    else if (labels[key] !== value) yield invalidValue(path, labels, `must be '${value}'`);
  }
  if ([...validateLabelSelector('', spec.selector)].length === 0 && !matchesLabels(labelSelectorFrom(spec.selector), expected)) {
    yield invalidValue('spec.selector', spec.selector, '`selector` not auto-generated');
  }
}

/** What could still be counted in one status. */
const most = { parallelism: 100_000, failedIndexes: 100_000, managedBy: 63 };
/** Above so many completions the rest has narrower limits. */
const manyCompletions = { completions: 100_000, parallelism: 10_000, failedIndexes: 10_000 };

/** `path` is `spec` of a Job, `spec.jobTemplate.spec` of a CronJob. */
export function* validateJobSpec(spec: JobSpec, path: string): Iterable<FieldError> {
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) yield required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  if (spec.managedBy !== undefined) {
    yield* validateDomainPath(spec.managedBy, `${path}.managedBy`);
    if (byteLength(spec.managedBy) > most.managedBy) yield tooLong(`${path}.managedBy`, most.managedBy);
  }
  if (spec.completionMode === 'Indexed') yield* validateIndexed(spec, path);
  else {
    for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[key] !== undefined) yield invalidValue(`${path}.${key}`, spec[key], 'requires indexed completion mode');
    }
  }
  if (spec.podFailurePolicy !== undefined) yield* validateFailurePolicy(spec, `${path}.podFailurePolicy`);
  if (spec.successPolicy !== undefined) {
    if (spec.completionMode !== 'Indexed') yield invalidValue(`${path}.successPolicy`, spec.successPolicy, 'requires indexed completion mode');
    else yield* validateSuccessPolicy(spec, `${path}.successPolicy`);
  }
  // Failures can be told apart only when the pods have ended.
  if (spec.podFailurePolicy !== undefined && spec.podReplacementPolicy === 'TerminatingOrFailed') yield notSupported(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed']);
  yield* validateTemplate(spec.template, `${path}.template`);
  const policy = spec.template.spec.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (policy === undefined || policy === 'Always') yield required(at, 'valid values: "OnFailure", "Never"');
  else if (policy === 'OnFailure' && spec.podFailurePolicy !== undefined) yield invalidValue(at, policy, 'only "Never" is supported when podFailurePolicy is specified');
}

function* validateIndexed({ backoffLimitPerIndex, completions, maxFailedIndexes, parallelism = 1 }: JobSpec, path: string): Iterable<FieldError> {
  if (completions === undefined) yield required(`${path}.completions`, 'when completion mode is Indexed');
  if (parallelism > most.parallelism) yield invalidValue(`${path}.parallelism`, parallelism, `must be less than or equal to ${most.parallelism} when completion mode is Indexed`);
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) yield invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions');
  if (maxFailedIndexes !== undefined && maxFailedIndexes > most.failedIndexes) yield invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${most.failedIndexes}`);
  const many = manyCompletions;
  if ((completions ?? 0) <= many.completions || backoffLimitPerIndex === undefined) return;
  const when = `when completions are above ${many.completions} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) yield required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${many.completions}`);
  if (parallelism > many.parallelism) yield invalidValue(`${path}.parallelism`, parallelism, `must be less than or equal to ${many.parallelism} ${when}`);
  if (maxFailedIndexes !== undefined && maxFailedIndexes > many.failedIndexes) yield invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${many.failedIndexes} ${when}`);
}

export function* validateJobUpdate(job: Job, old: Job): Iterable<FieldError> {
  const { spec } = job;
  if (spec.completionMode !== 'Indexed') yield* immutableValue('spec.completions', spec.completions, old.spec.completions);
  else if (spec.completions !== undefined && spec.completions !== old.spec.completions && spec.completions !== spec.parallelism) {
    yield invalidValue('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism');
  }
  for (const key of ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    yield* immutableValue(`spec.${key}`, spec[key], old.spec[key]);
  }
  if (!saysTheSame(spec.template, comparableTemplate(job, old))) yield invalidValue('spec.template', spec.template, 'field is immutable');
}

/** The old template, with what may still change while the job has no pods: where they may run, and on how much. */
function comparableTemplate({ spec }: Job, old: Job): object {
  const before = old.spec.template;
  const paused = (old.status.conditions ?? []).some(({ type, status }) => type === 'Suspended' && status === 'True') && (old.status.active ?? 0) === 0;
  if (old.spec.suspend !== true || (old.status.startTime !== undefined && !paused)) return before;
  const { metadata, spec: now } = spec.template;
  const affinity = { ...before.spec.affinity, nodeAffinity: now.affinity?.nodeAffinity };
  const isEmpty = Object.values(affinity).every((each) => each === undefined);
  return {
    metadata: { ...before.metadata, labels: metadata.labels, annotations: metadata.annotations },
    spec: {
      ...before.spec,
      containers: withResources(before.spec.containers, now.containers),
      initContainers: before.spec.initContainers === undefined ? undefined : withResources(before.spec.initContainers, now.initContainers ?? []),
      nodeSelector: now.nodeSelector,
      tolerations: now.tolerations,
      affinity: isEmpty ? now.affinity === undefined ? undefined : {} : affinity,
      schedulingGates: now.schedulingGates,
    },
  };
}

function withResources(containers: readonly Container[], next: readonly Container[]): readonly Container[] {
  return containers.map((container, index) => ({ ...container, resources: next[index]?.resources ?? container.resources }));
}
