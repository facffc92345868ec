import { Pod } from '#api/core/pod.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const usualSeconds = 300;
const keys = { notReady: 'node.kubernetes.io/not-ready', unreachable: 'node.kubernetes.io/unreachable' };

/**
 * Pods outlive a short absence of their node.
 * Source: Kubernetes documentation, "DefaultTolerationSeconds".
 */
export function defaultTolerationSeconds({ notReady = usualSeconds, unreachable = usualSeconds }: { readonly notReady?: number | undefined; readonly unreachable?: number | undefined } = {}): AdmissionPlugin {
  const wanted = [{ key: keys.notReady, seconds: notReady }, { key: keys.unreachable, seconds: unreachable }];
  return {
    name: 'DefaultTolerationSeconds',
    mutate(request) {
      if ((request.operation !== 'CREATE' && request.operation !== 'UPDATE') || !writes(request, Pod)) return;
      const { spec } = request.object;
      const tolerations = spec.tolerations ?? [];
      const missing = wanted.filter(({ key }) => !tolerations.some((each) => ((each.key ?? '') === key || (each.key ?? '') === '') && ((each.effect ?? '') === 'NoExecute' || (each.effect ?? '') === '')));
      if (missing.length === 0) return;
      spec.tolerations = [...tolerations, ...missing.map(({ key, seconds }) => ({ key, operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: seconds }))];
    },
  };
}
