import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, object, oneOf, string, struct, time } from '#apimachinery/schema.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import { ObjectReference } from '../core/references.ts';
import { JobSpec } from './job.ts';

export const JobTemplateSpec = struct('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: object(1, TemplateMeta),
  spec: object(2, JobSpec),
});
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = struct('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: string(1, { required: true }),
  timeZone: string(8, { pointer: true }),
  startingDeadlineSeconds: int64(2, { pointer: true }),
  concurrencyPolicy: oneOf(3, ['Allow', 'Forbid', 'Replace']),
  suspend: bool(4, { pointer: true }),
  jobTemplate: object(5, JobTemplateSpec, { required: true }),
  successfulJobsHistoryLimit: int32(6, { pointer: true }),
  failedJobsHistoryLimit: int32(7, { pointer: true }),
});
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = struct('io.k8s.api.batch.v1.CronJobStatus', {
  active: list(1, ObjectReference, { listType: 'atomic' }),
  lastScheduleTime: time(4, { pointer: true }),
  lastSuccessfulTime: time(5, { pointer: true }),
});
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const CronJob = defineResource({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, CronJobSpec, { required: true }),
    status: object(3, CronJobStatus),
  },
  subresources: [status()],
});
export interface CronJob extends Infer<typeof CronJob> {}
