import type { ContainerRecord, PodRuntime } from './pod-runtime.ts';
import type { PodWorkerDependencies } from './pod-worker.ts';

/** Ended containers that are kept for their logs, per container. */
const keptEnded = 1;

export interface OldParts {
  readonly containers: readonly ContainerRecord[];
  readonly sandboxIds: readonly string[];
}

/** What of a pod's past need not stay: ended containers but the newest, and sandboxes nothing refers to any more. Pure. */
export function planOld({ containers, sandboxes }: PodRuntime): OldParts {
  const ended = new Map<string, number>();
  const kept = new Set<string>();
  const dropped = new Set<ContainerRecord>();
  for (const record of containers) {
    const count = ended.get(record.name) ?? 0;
    if (record.state === 'exited' && record !== containers.find(({ name }) => name === record.name)) {
      ended.set(record.name, count + 1);
      if (count >= keptEnded) dropped.add(record);
    }
    if (!dropped.has(record)) kept.add(record.sandboxId);
  }
  const sandboxIds = sandboxes.slice(1).filter((sandbox) => !sandbox.isReady && !kept.has(sandbox.id)).map(({ id }) => id);
  return { containers: [...dropped], sandboxIds };
}

/** Removes it from the runtime, logs included. */
export async function dropOld(pod: PodRuntime, { runtime, platform }: Pick<PodWorkerDependencies, 'runtime' | 'platform'>): Promise<void> {
  const { containers, sandboxIds } = planOld(pod);
  for (const record of containers) {
    await runtime.removeContainer(record.id);
    await platform.files.removeLog(record);
  }
  for (const id of sandboxIds) await runtime.removePodSandbox(id);
}
