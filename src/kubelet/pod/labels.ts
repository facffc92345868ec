import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';

/** Under which the runtime keeps what belongs to which pod; the original's, so that either adopts the other's containers. */
export const labelKeys = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotationKeys = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  ports: 'io.kubernetes.container.ports',
  configSeen: 'kubernetes.io/config.seen',
  configSource: 'kubernetes.io/config.source',
  configMirror: 'kubernetes.io/config.mirror',
  configHash: 'kubernetes.io/config.hash',
} as const;

export function podLabels(pod: Pod): Readonly<Record<string, string>> {
  return {
    ...pod.metadata.labels,
    [labelKeys.podName]: pod.metadata.name,
    [labelKeys.podNamespace]: pod.metadata.namespace,
    [labelKeys.podUid]: pod.metadata.uid,
  };
}

export function containerLabels(pod: Pod, container: Pick<Container, 'name'>): Readonly<Record<string, string>> {
  return {
    [labelKeys.containerName]: container.name,
    [labelKeys.podName]: pod.metadata.name,
    [labelKeys.podNamespace]: pod.metadata.namespace,
    [labelKeys.podUid]: pod.metadata.uid,
  };
}

export function containerAnnotations(pod: Pod, container: Container, restartCount: number): Readonly<Record<string, string>> {
  return {
    [annotationKeys.hash]: containerHash(container),
    [annotationKeys.restartCount]: String(restartCount),
    [annotationKeys.terminationMessagePath]: container.terminationMessagePath ?? '/dev/termination-log',
    [annotationKeys.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
    [annotationKeys.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    ...((container.ports ?? []).length === 0 ? {} : { [annotationKeys.ports]: JSON.stringify(container.ports) }),
  };
}

/**
 * Changes when the container must be made anew: its name or image. Everything else is either immutable in a pod or can
 * be changed in place. FNV-1a, 32 bits, in hexadecimal.
 */
export function containerHash(container: Pick<Container, 'name' | 'image'>): string {
  const text = JSON.stringify({ name: container.name, image: container.image ?? '' });
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}
