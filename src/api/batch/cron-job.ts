import { age } from '#apimachinery/age.ts';
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported } from '#apimachinery/field-error.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, object, oneOf, string, struct, time } from '#apimachinery/schema.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { ObjectReference } from '../core/references.ts';
import { containerImages, containerNames, formatSelector } from '../core/template-columns.ts';
import { cronJobWarnings } from './job-warnings.ts';
import { JobSpec } from './job.ts';
import { scheduleError } from './schedule.ts';
import { validateJobSpec } from './validate-job.ts';

export const JobTemplateSpec = struct('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: object(1, TemplateMeta),
  spec: object(2, JobSpec),
});
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = struct('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: string(1, { required: true }),
  timeZone: string(8, { pointer: true }),
  startingDeadlineSeconds: int64(2, { pointer: true, min: 0 }),
  concurrencyPolicy: oneOf(3, ['Allow', 'Forbid', 'Replace'], { default: 'Allow' }),
  suspend: bool(4, { pointer: true, default: false }),
  jobTemplate: object(5, JobTemplateSpec, { required: true }),
  successfulJobsHistoryLimit: int32(6, { pointer: true, default: 3, min: 0 }),
  failedJobsHistoryLimit: int32(7, { pointer: true, default: 1, min: 0 }),
});
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = struct('io.k8s.api.batch.v1.CronJobStatus', {
  active: list(1, ObjectReference, { listType: 'atomic' }),
  lastScheduleTime: time(4, { pointer: true }),
  lastSuccessfulTime: time(5, { pointer: true }),
});
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

type Parted = Parts<CronJobSpec, CronJobStatus>;

/** Its jobs' names get eleven more characters. */
const maxNameLength = 52;

function* validateName({ metadata: { name } }: Parted): Iterable<FieldError> {
  if (name.length > maxNameLength) yield invalidValue('metadata.name', name, `must be no more than ${maxNameLength} characters`);
}

function* validateCronJob({ spec }: Parted): Iterable<FieldError> {
  const { schedule, timeZone } = spec;
  if (schedule.includes('TZ')) yield invalidValue('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  else if (schedule !== '') {
    const error = scheduleError(schedule);
    if (error !== undefined) yield invalidValue('spec.schedule', schedule, error);
  }
  if (timeZone !== undefined) yield* validateTimeZone(timeZone);
  yield* validateJobSpec(spec.jobTemplate.spec, 'spec.jobTemplate.spec');
  const { manualSelector, selector } = spec.jobTemplate.spec;
  if (selector !== undefined) yield invalidValue('spec.jobTemplate.spec.selector', selector, '`selector` will be auto-generated');
  if (manualSelector === true) yield notSupported('spec.jobTemplate.spec.manualSelector', manualSelector, ['nil', 'false']);
}

function* validateTimeZone(timeZone: string): Iterable<FieldError> {
  const path = 'spec.timeZone';
  if (timeZone === '') yield invalidValue(path, timeZone, 'timeZone must be nil or non-empty string');
  else if (timeZone.split('/').some((part) => part === '.' || part === '..' || !/^[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}$/.test(part))) yield invalidValue(path, timeZone, `unknown time zone ${timeZone}`);
  else if (timeZone.toLowerCase() === 'local') yield invalidValue(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  else if (!isTimeZone(timeZone)) yield invalidValue(path, timeZone, `unknown time zone ${timeZone}`);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

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
  strategy: { validateCreate: validateName, warnings: cronJobWarnings },
  defaults: ({ spec }) => defaultPodSpec(spec.jobTemplate.spec.template.spec),
  validate: [validateCronJob],
  columns: [
    nameColumn,
    column<Parted>('Schedule', ({ spec }) => spec.schedule),
    column<Parted>('Timezone', ({ spec }) => spec.timeZone ?? '<none>'),
    column<Parted>('Suspend', ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'), { type: 'boolean' }),
    column<Parted>('Active', ({ status: now }) => (now.active ?? []).length, { type: 'integer' }),
    column<Parted>('Last Schedule', ({ status: now }, nowMs) => (now.lastScheduleTime === undefined ? '<none>' : age(now.lastScheduleTime, nowMs))),
    ageColumn,
    column<Parted>('Containers', ({ spec }) => containerNames(spec.jobTemplate.spec.template), { wide: true }),
    column<Parted>('Images', ({ spec }) => containerImages(spec.jobTemplate.spec.template), { wide: true }),
    column<Parted>('Selector', ({ spec }) => formatSelector(spec.jobTemplate.spec.selector), { wide: true }),
  ],
});
export interface CronJob extends Infer<typeof CronJob> {}
