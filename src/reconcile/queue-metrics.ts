/**
 * The metrics of work queues.
 *
 * Source: Kubernetes metrics reference, `workqueue_*`.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What one queue reports. */
export interface QueueMetrics {
  added(): void;
  depth(waiting: number): void;
  /** Seconds the key waited. */
  taken(waitedSeconds: number): void;
  /** Seconds the work took. */
  worked(seconds: number): void;
  retried(): void;
}

export interface QueueMetricsSource {
  /** `unfinished` is asked when metrics are read. */
  forQueue(name: string, unfinished: () => { readonly sumSeconds: number; readonly longestSeconds: number }): QueueMetrics;
}

/** Registers the metrics with `registry`, once for all queues. */
export function createQueueMetrics(registry: Registry): QueueMetricsSource {
  const registers = [registry];
  const labelNames = ['name'] as const;
  const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];
  const queues = new Map<string, () => { readonly sumSeconds: number; readonly longestSeconds: number }>();
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Current depth of workqueue', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Total number of adds handled by workqueue', labelNames, registers });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Total number of retries handled by workqueue', labelNames, registers });
  const waited = new Histogram({ name: 'workqueue_queue_duration_seconds', help: 'How long in seconds an item stays in workqueue before being requested', labelNames, buckets, registers });
  const worked = new Histogram({ name: 'workqueue_work_duration_seconds', help: 'How long in seconds processing an item from workqueue takes', labelNames, buckets, registers });
  const unfinishedWork = new Gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: 'How many seconds of work are in progress and have not been observed by work_duration',
    labelNames,
    registers,
    collect() {
      for (const [name, unfinished] of queues) unfinishedWork.set({ name }, unfinished().sumSeconds);
    },
  });
  const longestRunning = new Gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How many seconds the longest running processor for workqueue has been running',
    labelNames,
    registers,
    collect() {
      for (const [name, unfinished] of queues) longestRunning.set({ name }, unfinished().longestSeconds);
    },
  });
  return {
    forQueue(name, unfinished) {
      queues.set(name, unfinished);
      const labels = { name };
      return {
        added: () => adds.inc(labels),
        depth: (waiting) => depth.set(labels, waiting),
        taken: (seconds) => waited.observe(labels, seconds),
        worked: (seconds) => worked.observe(labels, seconds),
        retried: () => retries.inc(labels),
      };
    },
  };
}
