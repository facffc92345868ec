import type { Container } from '#api/core/container.ts';
import { Pod } from '#api/core/pod.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * A pod that asks for a device tolerates the taint of the nodes that have it.
 * Source: Kubernetes documentation, "ExtendedResourceToleration".
 */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  mutate(request) {
    if (request.operation === 'DELETE' || !writes(request, Pod)) return;
    const { spec } = request.object;
    const names = new Set<string>();
    for (const { resources } of [...(spec.initContainers ?? []), ...spec.containers] as Pick<Container, 'resources'>[]) {
      for (const name of Object.keys(resources?.requests ?? {})) if (isExtended(name)) names.add(name);
    }
    const tolerations = spec.tolerations ?? [];
    const missing = [...names].sort().filter((key) => !tolerations.some((each) => each.key === key && each.operator === 'Exists'));
    if (missing.length > 0) spec.tolerations = [...tolerations, ...missing.map((key) => ({ key, operator: 'Exists' as const }))];
  },
};

/** Resources outside of Kubernetes' own names. */
function isExtended(name: string): boolean {
  const [domain = ''] = name.split('/', 1);
  return name.includes('/') && domain !== 'kubernetes.io' && !domain.endsWith('.kubernetes.io') && !name.startsWith('requests.');
}
