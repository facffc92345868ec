import type { Pod } from '#api/core/pod.ts';
import type { EventTarget } from '#client/event-recorder.ts';

/** An event about one container of a pod. */
export function containerTarget(pod: Pod, containerName: string): EventTarget {
  const isIn = (containers: readonly { readonly name: string }[] | undefined): boolean => containers?.some(({ name }) => name === containerName) === true;
  const list = isIn(pod.spec.initContainers) ? 'initContainers' : isIn(pod.spec.ephemeralContainers) ? 'ephemeralContainers' : 'containers';
  return { object: pod, fieldPath: `spec.${list}{${containerName}}` };
}

export function podTarget(pod: Pod): EventTarget {
  return { object: pod };
}
