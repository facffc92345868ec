import type { RuntimeService } from '../cri/cri.ts';
import { isCriError } from '../cri/cri.ts';
import type { ContainerStatus } from '../cri/records.ts';
import { annotationKeys, labelKeys } from './labels.ts';

/** What the runtime has of one pod. */
export interface PodRuntime {
  /** Newest first. */
  readonly sandboxes: readonly SandboxRecord[];
  /** Newest first. */
  readonly containers: readonly ContainerRecord[];
}

export interface SandboxRecord {
  readonly id: string;
  readonly attempt: number;
  readonly isReady: boolean;
  readonly createdAtMs: number;
  /** Empty for pods on the host's network, or when the runtime has taken it away. */
  readonly ips: readonly string[];
}

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  /** How many came before it: the restart count. */
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdAtMs: number;
  /** 0 when it has not started. */
  readonly startedAtMs: number;
  /** 0 while it has not ended. */
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** The image's name as the pod has it, and what it resolved to. */
  readonly image: string;
  readonly imageRef: string;
  /** Of the part of the spec that cannot change without a restart. */
  readonly hash: string;
  /** Where the container's file for its last words lies on the host; empty when there is none. */
  readonly terminationLogFile: string;
  readonly logPath: string;
}

export const emptyRuntime: PodRuntime = { sandboxes: [], containers: [] };

/** Asks the runtime for everything with the pod's label. `known` are records that need not be asked for again. */
export async function observePod(runtime: RuntimeService, uid: string, known: PodRuntime): Promise<PodRuntime> {
  const filter = { labelSelector: { [labelKeys.podUid]: uid } };
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(filter), runtime.listContainers(filter)]);
  const sandboxRecords = sandboxes.map(async (sandbox): Promise<SandboxRecord | undefined> => {
    const isReady = sandbox.state === 'SANDBOX_READY';
    const before = known.sandboxes.find((record) => record.id === sandbox.id);
    if (before !== undefined && before.isReady === isReady) return before;
    const status = isReady ? await unlessGone(runtime.podSandboxStatus(sandbox.id)) : undefined;
    if (isReady && status === undefined) return undefined;
    const network = status?.network;
    const ips = network === undefined || network.ip === '' ? [] : [network.ip, ...network.additionalIps.map(({ ip }) => ip)];
    return { id: sandbox.id, attempt: sandbox.metadata.attempt, isReady, createdAtMs: toMs(sandbox.createdAt), ips };
  });
  const containerRecords = containers.map(async (container): Promise<ContainerRecord | undefined> => {
    const before = known.containers.find((record) => record.id === container.id);
    if (before !== undefined && before.state === states[container.state]) return before;
    const status = await unlessGone(runtime.containerStatus(container.id));
    return status === undefined ? undefined : recordOf(status, container.podSandboxId);
  });
  const newestFirst = (a: { readonly createdAtMs: number }, b: { readonly createdAtMs: number }): number => b.createdAtMs - a.createdAtMs;
  // Sorted into lists of their own size: those of `present` have room for sixteen more, and every pod keeps two.
  return {
    sandboxes: present(await Promise.all(sandboxRecords)).toSorted((a, b) => b.attempt - a.attempt || newestFirst(a, b)),
    containers: present(await Promise.all(containerRecords)).toSorted((a, b) => b.attempt - a.attempt || newestFirst(a, b)),
  };
}

const states = { CONTAINER_CREATED: 'created', CONTAINER_RUNNING: 'running', CONTAINER_EXITED: 'exited', CONTAINER_UNKNOWN: 'unknown' } as const;

function recordOf(status: ContainerStatus, sandboxId: string): ContainerRecord {
  const { labels, annotations, metadata } = status;
  const terminationPath = annotations[annotationKeys.terminationMessagePath] ?? '';
  return {
    id: status.id,
    sandboxId,
    name: labels[labelKeys.containerName] ?? metadata.name,
    attempt: Number(annotations[annotationKeys.restartCount] ?? metadata.attempt),
    state: states[status.state],
    createdAtMs: toMs(status.createdAt),
    startedAtMs: toMs(status.startedAt),
    finishedAtMs: toMs(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.userSpecifiedImage || (status.image?.image ?? ''),
    imageRef: status.imageRef,
    hash: annotations[annotationKeys.hash] ?? '',
    terminationLogFile: terminationPath === '' ? '' : (status.mounts.find((mount) => mount.containerPath === terminationPath)?.hostPath ?? ''),
    logPath: status.logPath,
  };
}

function toMs(nanoseconds: number): number {
  return nanoseconds <= 0 ? 0 : Math.floor(nanoseconds / 1e6);
}

async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isCriError(error, 'notFound')) return undefined;
    throw error;
  }
}

function present<T>(items: readonly (T | undefined)[]): T[] {
  return items.filter((item) => item !== undefined);
}
