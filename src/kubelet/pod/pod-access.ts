import { badRequest, internalError, notFound } from '#apimachinery/status-error.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ByteDuplex, ContainerStreams } from '../cri/cri.ts';
import type { CommandRequest, ContainerTarget, KubeletHandle } from '../kubelet-handle.ts';
import type { LogQuery } from '../logs/log-query.ts';
import type { NodePlatform } from '../platform.ts';
import { allContainers } from './all-containers.ts';
import type { ContainerRecord } from './pod-runtime.ts';
import type { PodWorker } from './pod-worker.ts';

export interface PodAccessDependencies {
  readonly nodeName: string;
  readonly platform: NodePlatform;
  readonly workers: () => Iterable<PodWorker>;
  /** The pod with the newest status that the kubelet knows. */
  readonly newest: (pod: Pod) => Pod;
}

/** The way into the containers of a node: logs, commands, ports. */
export class PodAccess implements KubeletHandle {
  readonly #dependencies: PodAccessDependencies;

  constructor(dependencies: PodAccessDependencies) {
    this.#dependencies = dependencies;
  }

  get nodeName(): string {
    return this.#dependencies.nodeName;
  }

  pods(): readonly Pod[] {
    return [...this.#dependencies.workers()].map(({ pod }) => this.#dependencies.newest(pod));
  }

  async containerLogs(target: ContainerTarget, query: LogQuery, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { worker, containerName } = this.#find(target);
    const records = worker.runtime.containers.filter((record) => record.name === containerName);
    const podName = worker.pod.metadata.name;
    const { status } = this.#dependencies.newest(worker.pod);
    const shown = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])].find(({ name }) => name === containerName);
    // Of a container that waits for its restart, the one before is also the last there is.
    const lastId = shown?.lastState.terminated?.containerID?.replace(/^.*:\/\//, '');
    const record = query.previous === true ? (records.find(({ id }) => id === lastId) ?? records[1]) : records.find(({ state }) => state !== 'created');
    if (record === undefined) {
      if (query.previous === true) throw badRequest(`previous terminated container "${containerName}" in pod "${podName}" not found`);
      const reason = shown?.state.waiting?.reason ?? 'ContainerCreating';
      const why = reason === 'ErrImagePull' || reason === 'ImagePullBackOff' ? `trying and failing to pull image` : reason;
      throw badRequest(`container "${containerName}" in pod "${podName}" is waiting to start: ${why}`);
    }
    return this.#dependencies.platform.files.readLog(record, query, signal);
  }

  async exec(target: ContainerTarget, request: CommandRequest, streams: ContainerStreams, signal: AbortSignal): Promise<number> {
    const { record } = this.#running(target);
    return this.#dependencies.platform.runtime.exec({ containerId: record.id, ...request }, streams, { signal });
  }

  async attach(target: ContainerTarget, streams: ContainerStreams, signal: AbortSignal): Promise<void> {
    const { worker, record } = this.#running(target);
    const tty = allContainers(worker.pod).find(({ name }) => name === record.name)?.tty ?? false;
    await this.#dependencies.platform.runtime.attach({ containerId: record.id, tty }, streams, { signal });
  }

  async portForward(target: Omit<ContainerTarget, 'container'>, port: number, connection: ByteDuplex, signal: AbortSignal): Promise<void> {
    const { worker } = this.#find(target);
    const sandbox = worker.runtime.sandboxes.find(({ isReady }) => isReady);
    if (sandbox === undefined) throw internalError(new Error(`pod ${worker.pod.metadata.name} is not running`));
    await this.#dependencies.platform.runtime.portForward(sandbox.id, port, connection, { signal });
  }

  #find({ namespace, pod, uid, container }: ContainerTarget): { readonly worker: PodWorker; readonly containerName: string } {
    const worker = [...this.#dependencies.workers()].find(({ pod: { metadata } }) => metadata.name === pod && metadata.namespace === namespace && (uid === undefined || metadata.uid === uid));
    if (worker === undefined) throw notFound({ plural: 'pods', group: '' }, pod);
    const containerName = container ?? worker.pod.spec.containers[0]?.name ?? '';
    if (!allContainers(worker.pod).some(({ name }) => name === containerName)) throw badRequest(`container ${containerName} is not valid for pod ${pod}`);
    return { worker, containerName };
  }

  #running(target: ContainerTarget): { readonly worker: PodWorker; readonly record: ContainerRecord } {
    const { worker, containerName } = this.#find(target);
    const record = worker.runtime.containers.find(({ name, state }) => name === containerName && state === 'running');
    if (record === undefined) throw internalError(new Error(`container not found ("${containerName}")`));
    return { worker, record };
  }
}
