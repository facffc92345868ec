import { Pod } from '#api/core/pod.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const seconds = 300;
const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/**
 * Pods outlive a short absence of their node.
 * Source: Kubernetes documentation, "DefaultTolerationSeconds".
 */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { spec } = request.object;
    const tolerations = spec.tolerations ?? [];
    const missing = keys.filter((key) => !tolerations.some((each) => ((each.key ?? '') === key || (each.key ?? '') === '') && ((each.effect ?? '') === 'NoExecute' || (each.effect ?? '') === '')));
    if (missing.length === 0) return;
    spec.tolerations = [...tolerations, ...missing.map((key) => ({ key, operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: seconds }))];
  },
};
