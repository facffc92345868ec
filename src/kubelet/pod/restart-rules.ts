/**
 * What containers' own rules say of their exits. Pure.
 * Source: KEP-5307 (restart rules), KEP-5532 (all containers start anew, on by default since v1.36).
 */
import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ContainerRecord, PodRuntime } from './pod-runtime.ts';

/** What the first rule that fits this exit code wants; undefined: the restart policy decides. */
export function actionOn({ restartPolicyRules = [] }: Container, exitCode: number): string | undefined {
  return restartPolicyRules.find(({ exitCodes }) => exitCodes !== undefined && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In'))?.action;
}

const restartAll = 'RestartAllContainers';

/** Whether it can come to that the whole pod starts anew. */
export function mayRestartAll({ spec }: Pod): boolean {
  return ownContainers(spec).some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === restartAll) === true);
}

export interface RestartOfAll {
  /** Ids of what belongs to the time before; it is not looked at any more once it has ended. */
  readonly past: ReadonlySet<string>;
  /** What of it still has to end. */
  readonly running: readonly ContainerRecord[];
  /** Something has not yet been started again since. */
  readonly isUnderWay: boolean;
}

/**
 * The last time a container's exit asked for all containers to start anew, in the same sandbox; undefined when none has.
 * It follows from the runtime's records alone, so it outlives a kubelet.
 */
export function restartOfAll(pod: Pod, { containers, sandboxes }: PodRuntime): RestartOfAll | undefined {
  if (!mayRestartAll(pod)) return undefined;
  const sandbox = sandboxes.find(({ isReady }) => isReady);
  const specs = new Map(ownContainers(pod.spec).map((container) => [container.name, container]));
  const records = containers.filter(({ name, sandboxId }) => sandboxId === sandbox?.id && specs.has(name));
  let cause: ContainerRecord | undefined;
  for (const record of records) {
    const container = specs.get(record.name);
    if (container === undefined || record.state !== 'exited' || actionOn(container, record.exitCode) !== restartAll) continue;
    if (cause === undefined || record.finishedAtMs > cause.finishedAtMs) cause = record;
  }
  if (cause === undefined) return undefined;
  const { attempt, finishedAtMs, name } = cause;
  const before = records.filter((record) => (record.name === name ? record.attempt <= attempt : record.createdAtMs < finishedAtMs));
  const past = new Set(before.map(({ id }) => id));
  const isUnderWay = before.some(({ id, name: its }) => records.find((record) => record.name === its)?.id === id);
  return { past, running: before.filter(({ state }) => state === 'running' || state === 'unknown'), isUnderWay };
}

function ownContainers({ containers, initContainers = [] }: Pod['spec']): readonly Container[] {
  return [...initContainers, ...containers];
}
