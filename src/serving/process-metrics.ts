import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Clock } from '#base/clock.ts';
import { descriptorLimit } from './connection-limit.ts';

/** How often the event loop is probed. At 20 ms the probe takes 0.1 % of a core; at 10 ms, 0.2 %. */
const probeEveryMs = 20;

/**
 * The process's own metrics under the names dashboards know: CPU, memory, start time, open files, and how late the event loop runs
 * (largest, 99th percentile and mean since the last scrape, seconds). Stops probing when `signal` aborts.
 */
export function registerProcessMetrics(
  { registry, clock, signal }: { readonly registry: Registry; readonly clock: Clock; readonly signal: AbortSignal },
): void {
  // Made outside any registry, then registered: the constructor would otherwise be called for its side effect.
  const registers: Registry[] = [];
  const startedSeconds = clock.nowMs() / 1000 - process.uptime();
  const startTime = new Gauge({
    name: 'process_start_time_seconds', help: 'Start time of the process since unix epoch in seconds.', registers,
  });
  startTime.set(startedSeconds);
  const memory = new Gauge({
    name: 'process_resident_memory_bytes', help: 'Resident memory size in bytes.', registers,
    collect() { this.set(process.memoryUsage.rss()); },
  });
  const cpu = new Counter({
    name: 'process_cpu_seconds_total', help: 'Total user and system CPU time spent in seconds.', registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const descriptors = new Gauge({
    name: 'process_open_fds', help: 'Number of open file descriptors.', registers,
    collect() { this.set(openDescriptors()); },
  });
  const mostDescriptors = new Gauge({ name: 'process_max_fds', help: 'Maximum number of open file descriptors.', registers });
  mostDescriptors.set(descriptorLimit());
  for (const metric of [startTime, memory, cpu, descriptors, mostDescriptors]) registry.registerMetric(metric);
  registerLoopDelay(registry, signal);
}

/** 0 where the system does not tell. */
function openDescriptors(): number {
  try {
    // The directory itself is open meanwhile.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return 0;
  }
}

/** Names as prom-client's default metrics have them. */
function registerLoopDelay(registry: Registry, signal: AbortSignal): void {
  const histogram = monitorEventLoopDelay({ resolution: probeEveryMs });
  histogram.enable();
  signal.addEventListener('abort', () => histogram.disable(), { once: true });
  // What is measured is the time from probe to probe; the delay is what goes beyond the interval.
  const lateSeconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - probeEveryMs / 1000) || 0;
  const gauge = (name: string, help: string, collect?: () => void): Gauge =>
    new Gauge({ name, help, registers: [], ...(collect === undefined ? {} : { collect }) });
  const mean = gauge('nodejs_eventloop_lag_mean_seconds', 'The mean of the recorded event loop delays.');
  const p99 = gauge('nodejs_eventloop_lag_p99_seconds', 'The 99th percentile of the recorded event loop delays.');
  const max = gauge('nodejs_eventloop_lag_max_seconds', 'The maximum recorded event loop delay.', () => {
    max.set(lateSeconds(histogram.max));
    mean.set(lateSeconds(histogram.mean));
    p99.set(lateSeconds(histogram.percentile(99)));
    histogram.reset();
  });
  // Registered, and so collected, before the two that it sets.
  for (const metric of [max, mean, p99]) registry.registerMetric(metric);
}
