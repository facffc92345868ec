import { Node } from '#api/core/node.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const notReady = 'node.kubernetes.io/not-ready';

/**
 * A new node takes no pods before it has shown that it is ready.
 * Source: Kubernetes documentation, "TaintNodesByCondition".
 */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate(request) {
    if (request.operation !== 'CREATE' || !writes(request, Node)) return;
    const { spec } = request.object;
    if (spec.taints?.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule') === true) return;
    spec.taints = [...(spec.taints ?? []), { key: notReady, effect: 'NoSchedule' }];
  },
};
