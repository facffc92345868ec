import type { Clock } from '#base/clock.ts';
import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ContainerRecord } from '../pod/pod-runtime.ts';
import type { ProbeOutcome } from '../platform.ts';
import { ProbeWorker } from './probe-worker.ts';
import type { ProbeKind, ProbeSubject } from './probe-worker.ts';

export interface ProbeManagerDependencies {
  readonly clock: Clock;
  readonly run: (subject: ProbeSubject, record: ContainerRecord) => Promise<ProbeOutcome>;
  /** Something the plan or the status depends on has changed. */
  readonly onChange: () => void;
  readonly onFailure: (container: Container, kind: ProbeKind, outcome: ProbeOutcome) => void;
}

interface Watched {
  readonly record: ContainerRecord;
  readonly container: Container;
  readonly workers: Partial<Record<ProbeKind, ProbeWorker>>;
  /** What the pod's status says of this very container: it holds until its probes know better. */
  readonly before: { readonly isStarted: boolean; readonly isReady: boolean };
}

/** The probes of one pod's running containers, and what they say; keyed by the container's id in the runtime. */
export class ProbeManager {
  readonly #dependencies: ProbeManagerDependencies;
  readonly #watched = new Map<string, Watched>();
  /** Containers whose postStart hook has not ended yet: they have not started. */
  readonly #starting = new Set<string>();

  constructor(dependencies: ProbeManagerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Starts the probes of new containers and stops those of containers that no longer run. */
  update(pod: Pod, records: readonly ContainerRecord[]): void {
    const running = new Map(records.filter((record) => record.state === 'running').map((record) => [record.id, record]));
    for (const id of this.#watched.keys()) if (!running.has(id)) this.forget(id);
    for (const record of running.values()) {
      if (this.#watched.has(record.id) || this.#starting.has(record.id)) continue;
      const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === record.name);
      if (container === undefined) continue;
      const watched: Watched = { record, container, workers: {}, before: stateBefore(pod, record.id) };
      this.#watched.set(record.id, watched);
      if (container.startupProbe === undefined || watched.before.isStarted) this.#startOthers(watched);
      else this.#start(watched, 'startup');
    }
  }

  /** Marks a container as not started while its postStart hook runs; answers how to end that. */
  holdBack(containerId: string): () => void {
    this.#starting.add(containerId);
    return () => this.#starting.delete(containerId);
  }

  isStarted(containerId: string): boolean {
    const watched = this.#watched.get(containerId);
    if (watched === undefined) return false;
    return watched.container.startupProbe === undefined || watched.before.isStarted || watched.workers.startup?.verdict === true;
  }

  isReady(containerId: string): boolean {
    const watched = this.#watched.get(containerId);
    if (watched === undefined || !this.isStarted(containerId)) return false;
    return watched.container.readinessProbe === undefined || (watched.workers.readiness?.verdict ?? watched.before.isReady);
  }

  failed(containerId: string): 'liveness' | 'startup' | undefined {
    const workers = this.#watched.get(containerId)?.workers;
    if (workers?.startup?.verdict === false) return 'startup';
    return workers?.liveness?.verdict === false ? 'liveness' : undefined;
  }

  forget(containerId: string): void {
    for (const worker of Object.values(this.#watched.get(containerId)?.workers ?? {})) worker.stop();
    this.#watched.delete(containerId);
  }

  /** Liveness and startup no longer matter once the pod is being stopped; readiness goes on. */
  stopRestarts(): void {
    for (const { workers } of this.#watched.values()) {
      workers.liveness?.stop();
      workers.startup?.stop();
    }
  }

  close(): void {
    for (const id of this.#watched.keys()) this.forget(id);
  }

  #startOthers(watched: Watched): void {
    this.#start(watched, 'liveness');
    this.#start(watched, 'readiness');
  }

  #start(watched: Watched, kind: ProbeKind): void {
    const { container, record, workers } = watched;
    const probe = kind === 'startup' ? container.startupProbe : kind === 'liveness' ? container.livenessProbe : container.readinessProbe;
    if (probe === undefined || workers[kind] !== undefined) return;
    const { clock, run, onChange, onFailure } = this.#dependencies;
    const worker = new ProbeWorker({ container, kind, probe, startedAtMs: record.startedAtMs }, {
      clock,
      run: (subject) => run(subject, record),
      onVerdict: (verdict) => {
        if (kind === 'startup' && verdict) this.#startOthers(watched);
        onChange();
      },
      onFailure: (outcome) => onFailure(container, kind, outcome),
    });
    workers[kind] = worker;
    worker.start();
  }
}

/** After a restart of the kubelet a container that was ready stays so until a probe fails: nothing happened to it. */
function stateBefore({ status }: Pod, containerId: string): Watched['before'] {
  const known = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find(({ containerID }) => containerID?.endsWith(`://${containerId}`) === true);
  return { isStarted: known?.started === true, isReady: known?.ready === true };
}
