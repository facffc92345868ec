import { Pod } from '#api/core/pod.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const hostname = 'kubernetes.io/hostname';

/**
 * Nobody keeps others away from more than single nodes.
 * Source: Kubernetes documentation, "LimitPodHardAntiAffinityTopology".
 */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  validate(request) {
    if (request.operation === 'DELETE' || !writes(request, Pod)) return;
    const terms = request.object.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== hostname);
    if (wide !== undefined) {
      throw forbidden(Pod, request.object.metadata.name ?? '', `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey ?? ''} but only key ${hostname} is allowed`);
    }
  },
};
