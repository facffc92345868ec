import type { Container, ResourceRequirements } from '#api/core/container.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import type { Pod } from '#api/core/pod.ts';
import type { NodePlatform } from '../platform.ts';
import type { Alarm } from './alarm.ts';
import { retryAfterMs } from './alarm.ts';
import { allContainers } from './all-containers.ts';
import { containerResources, enoughForBoth, podCgroupResources } from './container-resources.ts';
import { asGiven, planResize } from './plan-resize.ts';
import type { Resize } from './plan-resize.ts';
import type { ResizeCondition } from './plan-status.ts';
import type { ContainerRecord } from './pod-runtime.ts';

export interface PodResizerDependencies {
  readonly platform: NodePlatform;
  readonly allocatable: () => ResourceList;
  /** What the other pods of the node ask for, together. */
  readonly requestedByOthers: (podUid: string) => ResourceList;
  /** Set to when what cannot be given now is looked at again. */
  readonly alarm: Alarm;
}

/** Gives the running containers of one pod what it asks for now. Source: KEP-1287, in-place update of pod resources. */
export class PodResizer {
  readonly #dependencies: PodResizerDependencies;
  /** What running containers were given last, by name and attempt. */
  readonly #given = new Map<string, ResourceRequirements>();
  #condition: ResizeCondition | undefined;

  constructor(dependencies: PodResizerDependencies) {
    this.#dependencies = dependencies;
  }

  /** What the pod's status says of a resize that is not done. */
  get condition(): ResizeCondition | undefined {
    return this.#condition;
  }

  noteStart(container: Container, attempt: number): void {
    this.#given.set(givenKey({ name: container.name, attempt }), container.resources);
  }

  /** What a container has. Those that an earlier kubelet started have what the status says. */
  givenTo(pod: Pod, record: ContainerRecord): ResourceRequirements {
    const known = this.#given.get(givenKey(record));
    if (known !== undefined) return known;
    const container = allContainers(pod).find(({ name }) => name === record.name);
    const told = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(({ name, containerID }) => name === record.name && containerID?.endsWith(record.id) === true);
    return told?.resources ?? container?.resources ?? {};
  }

  /** Tells the runtime what can change while containers run; answers which are to start anew for theirs. */
  async resize(pod: Pod, containers: readonly ContainerRecord[]): Promise<readonly Resize[]> {
    const { platform, allocatable, requestedByOthers, alarm } = this.#dependencies;
    for (const key of this.#given.keys()) if (!containers.some((record) => givenKey(record) === key)) this.#given.delete(key);
    const view = { pod, containers, actual: (record: ContainerRecord) => this.givenTo(pod, record), allocatable: allocatable(), requestedByOthers: () => requestedByOthers(pod.metadata.uid) };
    const plan = planResize(view);
    this.#condition = plan.pending === undefined ? undefined : { type: 'PodResizePending', ...plan.pending };
    if (plan.pending?.reason === 'Deferred') alarm.in(retryAfterMs);
    if (plan.updates.length + plan.restarts.length === 0) return [];
    try {
      // No part may have more than the whole: that gets room for both before the parts change.
      await platform.files.prepareCgroup(pod, enoughForBoth(podCgroupResources(asGiven(view)), podCgroupResources(pod)));
      for (const { container, record } of plan.updates) {
        await platform.runtime.updateContainerResources(record.id, containerResources(pod, container, platform.machine.memoryBytes));
        this.#given.set(givenKey(record), container.resources);
      }
      // The whole follows its parts: what it has less of they no longer use.
      await platform.files.prepareCgroup(pod, podCgroupResources(pod));
      return plan.restarts;
    } catch (error) {
      this.#condition = { type: 'PodResizeInProgress', reason: 'Error', message: error instanceof Error ? error.message : String(error) };
      alarm.in(retryAfterMs);
      return [];
    }
  }
}

function givenKey({ name, attempt }: Pick<ContainerRecord, 'name' | 'attempt'>): string {
  return `${name}/${attempt}`;
}
