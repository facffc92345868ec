import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { allContainers } from './all-containers.ts';
import { containerTarget } from './events.ts';
import { runHook } from './lifecycle-hook.ts';
import type { HookDependencies } from './lifecycle-hook.ts';
import { isSidecar } from './plan-pod.ts';
import type { ContainerRecord } from './pod-runtime.ts';

export interface StopDependencies extends HookDependencies {
  readonly recorder: EventRecorder;
}

export interface StopOptions {
  readonly graceMs: number;
  readonly podIp: string;
  /** For the Killing event; default says that it stops. */
  readonly message?: string;
}

/** Even without any grace a container may end by itself within this time. */
const minGraceMs = 2000;

/** Stops one container: its preStop hook, then TERM, then, when its time is over, KILL. Throws the runtime's `CriError`. */
export async function stopContainer(pod: Pod, container: Container | undefined, record: ContainerRecord, options: StopOptions, dependencies: StopDependencies): Promise<void> {
  const { recorder, clock, runtime } = dependencies;
  const about = containerTarget(pod, record.name);
  const beganMs = clock.monotonicMs();
  recorder.event(about, 'Normal', 'Killing', options.message ?? `Stopping container ${record.name}`);
  const preStop = container?.lifecycle?.preStop;
  if (container !== undefined && preStop !== undefined && options.graceMs > 0 && record.state === 'running') {
    const timeoutMs = options.graceMs;
    const hook = runHook(preStop, { container, containerId: record.id, podIp: options.podIp, timeoutMs }, dependencies).catch((error: unknown) => {
      recorder.event(about, 'Warning', 'FailedPreStopHook', `PreStopHook failed`);
      return error;
    });
    const limit = new AbortController();
    await Promise.race([hook, clock.sleep(timeoutMs, limit.signal).catch(() => undefined)]);
    limit.abort();
  }
  const leftMs = Math.max(minGraceMs, options.graceMs - (clock.monotonicMs() - beganMs));
  await runtime.stopContainer(record.id, Math.round(leftMs / 1000));
}

/**
 * Stops all running containers of a pod at once; sidecars only after the others, the last one first. Rejects with the
 * first failure after all have been tried.
 */
export async function stopAll(pod: Pod, records: readonly ContainerRecord[], options: StopOptions, dependencies: StopDependencies): Promise<void> {
  const { clock } = dependencies;
  const deadlineMs = clock.monotonicMs() + options.graceMs;
  const containerOf = (record: ContainerRecord): Container | undefined =>
    allContainers(pod).find(({ name }) => name === record.name);
  const running = records.filter((record) => record.state === 'running' || record.state === 'unknown');
  const sidecarOrder = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const isOfSidecar = (record: ContainerRecord): boolean => sidecarOrder.includes(record.name);
  const failures: unknown[] = [];
  const stop = (record: ContainerRecord): Promise<void> =>
    stopContainer(pod, containerOf(record), record, { ...options, graceMs: Math.max(0, deadlineMs - clock.monotonicMs()) }, dependencies).catch((error: unknown) => void failures.push(error));
  await Promise.all(running.filter((record) => !isOfSidecar(record)).map(stop));
  for (const name of sidecarOrder.reverse()) await Promise.all(running.filter((record) => record.name === name).map(stop));
  if (failures.length > 0) throw failures[0];
}
