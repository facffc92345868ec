/** What writers of jobs are told beside the answer. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { TemplateMeta } from '#apimachinery/object-meta.ts';
import { warnOfOwnerName, warnOfTemplate } from '../core/pod-warnings.ts';
import type { CronJobSpec } from './cron-job.ts';
import type { JobSpec } from './job.ts';

interface Owner<S> {
  readonly metadata: TemplateMeta;
  readonly spec: S;
}

export function* jobWarnings(job: Owner<JobSpec>, old: Owner<JobSpec> | undefined): Iterable<string> {
  if (old === undefined) yield* warnOfOwnerName(job);
  if (old === undefined || !saysTheSame(job.spec, old.spec)) yield* warnOfJobSpec(job.spec, 'spec');
}

export function* cronJobWarnings(cronJob: Owner<CronJobSpec>, old: Owner<CronJobSpec> | undefined): Iterable<string> {
  if (old === undefined) yield* warnOfOwnerName(cronJob);
  if (old === undefined || !saysTheSame(cronJob.spec, old.spec)) yield* warnOfJobSpec(cronJob.spec.jobTemplate.spec, 'spec.jobTemplate.spec');
}

function* warnOfJobSpec({ completionMode, completions = 0, parallelism = 0, template }: JobSpec, path: string): Iterable<string> {
  if (completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000) {
    yield `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`;
  }
  yield* warnOfTemplate(template, `${path}.template`);
}
