/**
 * What the scheduler reports about itself.
 *
 * Source: Kubernetes metrics reference, `scheduler_*`.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

export interface SchedulerMetrics {
  attempted(result: AttemptResult, seconds: number): void;
  /** The decision alone. */
  decided(seconds: number): void;
  /** A pod got its node: attempts it took, seconds since it was first seen. */
  scheduled(attempts: number, seconds: number): void;
  queued(queue: string, event: string): void;
  unschedulable(plugins: ReadonlySet<string>): void;
  preempted(victims: number): void;
}

/** Numbers that are asked for when metrics are read. */
export interface SchedulerGauges {
  readonly queue: () => Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>;
  readonly cache: () => Readonly<Record<'nodes' | 'pods' | 'assumed_pods', number>>;
}

export const noMetrics: SchedulerMetrics = {
  attempted: () => {},
  decided: () => {},
  scheduled: () => {},
  queued: () => {},
  unschedulable: () => {},
  preempted: () => {},
};

/** Registers the metrics with `registry`. */
export function createSchedulerMetrics(registry: Registry, gauges: SchedulerGauges, profile = 'default-scheduler'): SchedulerMetrics {
  const registers = [registry];
  const buckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);
  const attempts = new Counter({ name: 'scheduler_schedule_attempts_total', help: 'Number of attempts to schedule pods, by the result', labelNames: ['result', 'profile'] as const, registers });
  const attemptSeconds = new Histogram({ name: 'scheduler_scheduling_attempt_duration_seconds', help: 'Scheduling attempt latency in seconds (decision and binding)', labelNames: ['result', 'profile'] as const, buckets, registers });
  const decisionSeconds = new Histogram({ name: 'scheduler_scheduling_algorithm_duration_seconds', help: 'Scheduling decision latency in seconds', buckets, registers });
  const podAttempts = new Histogram({ name: 'scheduler_pod_scheduling_attempts', help: 'Number of attempts it took to schedule a pod', buckets: [1, 2, 4, 8, 16], registers });
  const podSeconds = new Histogram({ name: 'scheduler_pod_scheduling_sli_duration_seconds', help: 'Seconds from the first sight of a pod until it has a node', labelNames: ['attempts'] as const, buckets: Array.from({ length: 20 }, (_, index) => 0.01 * 2 ** index), registers });
  const incoming = new Counter({ name: 'scheduler_queue_incoming_pods_total', help: 'Number of pods added to scheduling queues, by event and queue', labelNames: ['queue', 'event'] as const, registers });
  const rejected = new Gauge({ name: 'scheduler_unschedulable_pods', help: 'The number of unschedulable pods, by the plugin that rejected them', labelNames: ['plugin', 'profile'] as const, registers });
  const preemptions = new Counter({ name: 'scheduler_preemption_attempts_total', help: 'Total preemption attempts in the cluster', registers });
  const victims = new Histogram({ name: 'scheduler_preemption_victims', help: 'Number of selected preemption victims', buckets: [1, 2, 4, 8, 16, 32, 64], registers });
  const pending = new Gauge({
    name: 'scheduler_pending_pods', help: 'Number of pending pods, by the queue', labelNames: ['queue'] as const, registers,
    collect() {
      for (const [queue, count] of Object.entries(gauges.queue())) pending.set({ queue }, count);
    },
  });
  const cacheSize = new Gauge({
    name: 'scheduler_cache_size', help: 'Number of nodes, pods, and assumed pods in the scheduler cache', labelNames: ['type'] as const, registers,
    collect() {
      for (const [type, count] of Object.entries(gauges.cache())) cacheSize.set({ type }, count);
    },
  });
  return {
    attempted(result, seconds) {
      attempts.inc({ result, profile });
      attemptSeconds.observe({ result, profile }, seconds);
    },
    decided: (seconds) => decisionSeconds.observe(seconds),
    scheduled(count, seconds) {
      podAttempts.observe(count);
      // More than 15 attempts are one label.
      podSeconds.observe({ attempts: count > 15 ? '16+' : String(count) }, seconds);
    },
    queued: (queue, event) => incoming.inc({ queue, event }),
    unschedulable(plugins) {
      for (const plugin of plugins) rejected.inc({ plugin, profile });
    },
    preempted(count) {
      preemptions.inc();
      victims.observe(count);
    },
  };
}
