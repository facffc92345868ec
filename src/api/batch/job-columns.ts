/** How `kubectl get jobs` shows a job. Source: behaviour of Kubernetes' job printer. */
import { humanDuration } from '#apimachinery/age.ts';
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column } from '#apimachinery/resource.ts';
import { containersColumn, imagesColumn, selectorColumn } from '../core/template-columns.ts';
import type { JobSpec, JobStatus } from './job.ts';

type Job = Parts<JobSpec, JobStatus>;

export const jobColumns = [
  nameColumn,
  column<Job>('Status', showStatus),
  column<Job>('Completions', showCompletions),
  column<Job>('Duration', showDuration),
  ageColumn,
  containersColumn,
  imagesColumn,
  selectorColumn,
];

function showStatus({ metadata, status }: Job): string {
  const is = (type: string): boolean => (status.conditions ?? []).some((each) => each.type === type && each.status === 'True');
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running';
}

function showCompletions({ spec, status }: Job): string {
  const done = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallel = spec.parallelism ?? 0;
  return parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
}

function showDuration({ status: { startTime, completionTime } }: Job, nowMs: number): string {
  if (typeof startTime !== 'string') return '';
  return humanDuration((typeof completionTime === 'string' ? Date.parse(completionTime) : nowMs) - Date.parse(startTime));
}
