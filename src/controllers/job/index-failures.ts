/**
 * How often each completion index has failed, and which are given up. Pure.
 *
 * Source: KEP-3850 (backoff limit per index).
 */
import type { Job } from '#api/batch/job.ts';
import type { Pod } from '#api/core/pod.ts';
import { parseIndexes } from './indexes.ts';
import { endedMs, indexOf, isFailed, judgeFailure } from './job-pods.ts';

/** On every pod of such a Job: how often its index had failed when it was made. */
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';

export interface IndexFailure {
  readonly count: number;
  readonly lastMs: number;
}

export interface IndexFailures {
  readonly byIndex: ReadonlyMap<number, IndexFailure>;
  /** Indexes that are not tried again. */
  readonly givenUp: ReadonlySet<number>;
}

/** Undefined for Jobs without a limit per index. */
export function indexFailures(job: Job, pods: readonly Pod[], doneIndexes: ReadonlySet<number>): IndexFailures | undefined {
  const { backoffLimitPerIndex: limit, completions = 0 } = job.spec;
  if (limit === undefined) return undefined;
  const byIndex = new Map<number, IndexFailure>();
  const givenUp = parseIndexes(job.status.failedIndexes, completions);
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions || doneIndexes.has(index) || !isFailed(job, pod)) continue;
    const { action } = judgeFailure(job, pod);
    const count = Number(pod.metadata.annotations?.[failureCountAnnotation] ?? 0) + (action === 'Ignore' ? 0 : 1);
    const known = byIndex.get(index);
    byIndex.set(index, { count: Math.max(count, known?.count ?? 0), lastMs: Math.max(endedMs(pod), known?.lastMs ?? 0) });
    if (action === 'FailIndex' || count > limit) givenUp.add(index);
  }
  return { byIndex, givenUp };
}
