import { LabelSelector } from '#apimachinery/label-selector.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';
import { jobColumns } from './job-columns.ts';
import { jobWarnings } from './job-warnings.ts';
import { validateJobStatusUpdate } from './validate-job-status.ts';
import { validateJob, validateJobUpdate, validateOwnLabels } from './validate-job.ts';

export const PodFailurePolicyOnExitCodesRequirement = struct('io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement', {
  containerName: string(1, { pointer: true }),
  operator: oneOf(2, ['In', 'NotIn'], { required: true }),
  values: list(3, 'int32', { required: true, mayBeEmpty: true, listType: 'set' }),
});
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = struct('io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern', {
  type: string(1, { required: true }),
  status: string(2, { always: true, default: 'True' }),
});
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = struct('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: oneOf(1, ['Count', 'FailIndex', 'FailJob', 'Ignore'], { required: true }),
  onExitCodes: pointer(2, PodFailurePolicyOnExitCodesRequirement),
  onPodConditions: list(3, PodFailurePolicyOnPodConditionsPattern, { listType: 'atomic' }),
});
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = struct('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: list(1, PodFailurePolicyRule, { required: true, mayBeEmpty: true, listType: 'atomic' }),
});
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = struct('io.k8s.api.batch.v1.SuccessPolicyRule', {
  succeededIndexes: string(1, { pointer: true }),
  succeededCount: int32(2, { pointer: true }),
});
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = struct('io.k8s.api.batch.v1.SuccessPolicy', {
  rules: list(1, SuccessPolicyRule, { required: true, listType: 'atomic' }),
});
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = struct('io.k8s.api.batch.v1.JobSpec', {
  parallelism: int32(1, { pointer: true, min: 0 }),
  completions: int32(2, { pointer: true, min: 0 }),
  activeDeadlineSeconds: int64(3, { pointer: true, min: 0 }),
  podFailurePolicy: pointer(11, PodFailurePolicy),
  successPolicy: pointer(16, SuccessPolicy),
  backoffLimit: int32(7, { pointer: true, min: 0 }),
  backoffLimitPerIndex: int32(12, { pointer: true, min: 0 }),
  maxFailedIndexes: int32(13, { pointer: true, min: 0 }),
  selector: pointer(4, LabelSelector),
  manualSelector: bool(5, { pointer: true }),
  template: object(6, PodTemplateSpec, { required: true }),
  ttlSecondsAfterFinished: int32(8, { pointer: true, min: 0 }),
  completionMode: oneOf(9, ['NonIndexed', 'Indexed'], { pointer: true }),
  suspend: bool(10, { pointer: true }),
  podReplacementPolicy: oneOf(14, ['Failed', 'TerminatingOrFailed'], { pointer: true }),
  managedBy: string(15, { pointer: true }),
});
export interface JobSpec extends Infer<typeof JobSpec> {}

export const JobCondition = struct('io.k8s.api.batch.v1.JobCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = struct('io.k8s.api.batch.v1.UncountedTerminatedPods', {
  succeeded: list(1, 'string', { listType: 'set' }),
  failed: list(2, 'string', { listType: 'set' }),
});
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = struct('io.k8s.api.batch.v1.JobStatus', {
  conditions: list(1, JobCondition, { listType: 'atomic', patch: 'merge', mergeKey: 'type' }),
  startTime: time(2, { pointer: true }),
  completionTime: time(3, { pointer: true }),
  active: int32(4),
  succeeded: int32(5),
  failed: int32(6),
  terminating: int32(11, { pointer: true }),
  completedIndexes: string(7),
  failedIndexes: string(10, { pointer: true }),
  uncountedTerminatedPods: pointer(8, UncountedTerminatedPods),
  ready: int32(9, { pointer: true }),
});
export interface JobStatus extends Infer<typeof JobStatus> {}

type Parted = Parts<JobSpec, JobStatus>;

/** Without a limit of its own, a job whose indexes have theirs is never given up as a whole. */
const unlimited = 2 ** 31 - 1;

/** Of jobs only: the template in a cron job stays as it was given. */
function defaultJob({ metadata, spec }: Draft<Parted>): void {
  defaultPodSpec(spec.template.spec);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : unlimited;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  if (metadata.labels === undefined && spec.template.metadata.labels !== undefined) metadata.labels = { ...spec.template.metadata.labels };
}

/** Unless told otherwise, a job finds its pods by its own uid. The labels without a domain are for older clients. */
function selectOwnPods({ metadata, spec }: Draft<Parted>): void {
  if (spec.manualSelector === true) return;
  const { name, uid } = metadata;
  const labels = { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  // Whoever gives these another meaning is told so by validation.
  spec.template.metadata.labels = { ...labels, ...spec.template.metadata.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...spec.selector.matchLabels };
}

export const Job = defineResource({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, JobSpec),
    status: object(3, JobStatus),
  },
  subresources: [status()],
  strategy: { prepareForCreate: selectOwnPods, validateCreate: validateOwnLabels, warnings: jobWarnings },
  defaults: defaultJob,
  validate: [validateJob],
  validateUpdate: [validateJobUpdate],
  validateStatusUpdate: [validateJobStatusUpdate],
  columns: jobColumns,
  selectableFields: { 'status.successful': ({ status: now }) => String(now.succeeded ?? 0) },
});
export interface Job extends Infer<typeof Job> {}
