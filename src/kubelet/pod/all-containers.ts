import type { Container, EphemeralContainer } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';

/** Those of the pod itself, those before them, those that came later. Names are unique among all. */
export function allContainers({ spec }: Pod): readonly (Container | EphemeralContainer)[] {
  return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
}
