/** Keeps pods off nodes whose taints they do not tolerate, and away from those they would rather not have them. */
import { findUntolerated, tolerates } from '#api/core/taints.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import { normalizeByMax } from '../framework.ts';
import { nodeChanges } from '../queue/cluster-event.ts';

const name = 'TaintToleration';
const rejection: Rejection = { plugin: name, reasons: ['node(s) had untolerated taint(s)'], isResolvable: false };
const hard = ['NoSchedule', 'NoExecute'] as const;

export const taintToleration: SchedulerPlugin = {
  name,
  weight: 3,
  filter({ pod: { spec: { tolerations } } }) {
    return {
      node({ node: { spec: { taints } } }) {
        if (taints === undefined) return undefined;
        return findUntolerated(taints, tolerations, hard) === undefined ? undefined : rejection;
      },
    };
  },
  score({ pod }, snapshot) {
    if (!snapshot.hasPreferredTaints) return undefined;
    const tolerations = (pod.spec.tolerations ?? []).filter((each) => each.effect === undefined || each.effect === 'PreferNoSchedule');
    return {
      score({ node: { spec: { taints } } }) {
        if (taints === undefined) return 0;
        return taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint))).length;
      },
      normalize: (points) => normalizeByMax(points, true),
    };
  },
  wakesOn: {
    NodeAdd: fits,
    NodeUpdate: (pod, event) => nodeChanges(event).taints && fits(pod, event),
  },
};

function fits({ pod }: Parameters<NonNullable<SchedulerPlugin['filter']>>[0], { node }: { readonly node?: { readonly spec: { readonly taints?: Parameters<typeof findUntolerated>[0] } } }): boolean {
  return findUntolerated(node?.spec.taints, pod.spec.tolerations, hard) === undefined;
}
