import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';

export const PodFailurePolicyOnExitCodesRequirement = struct('io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement', {
  containerName: string(1, { pointer: true }),
  operator: oneOf(2, ['In', 'NotIn'], { required: true }),
  values: list(3, 'int32', { required: true, listType: 'set' }),
});
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = struct('io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern', {
  type: string(1, { required: true }),
  status: string(2, { always: true }),
});
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = struct('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: oneOf(1, ['FailJob', 'FailIndex', 'Ignore', 'Count'], { required: true }),
  onExitCodes: pointer(2, PodFailurePolicyOnExitCodesRequirement),
  onPodConditions: list(3, PodFailurePolicyOnPodConditionsPattern, { listType: 'atomic' }),
});
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = struct('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: list(1, PodFailurePolicyRule, { required: true, listType: 'atomic' }),
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
  parallelism: int32(1, { pointer: true }),
  completions: int32(2, { pointer: true }),
  activeDeadlineSeconds: int64(3, { pointer: true }),
  podFailurePolicy: pointer(11, PodFailurePolicy),
  successPolicy: pointer(16, SuccessPolicy),
  backoffLimit: int32(7, { pointer: true }),
  backoffLimitPerIndex: int32(12, { pointer: true }),
  maxFailedIndexes: int32(13, { pointer: true }),
  selector: pointer(4, LabelSelector),
  manualSelector: bool(5, { pointer: true }),
  template: object(6, PodTemplateSpec, { required: true }),
  ttlSecondsAfterFinished: int32(8, { pointer: true }),
  completionMode: oneOf(9, ['NonIndexed', 'Indexed'], { pointer: true }),
  suspend: bool(10, { pointer: true }),
  podReplacementPolicy: oneOf(14, ['TerminatingOrFailed', 'Failed'], { pointer: true }),
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
});
export interface Job extends Infer<typeof Job> {}
