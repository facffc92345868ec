/** Keeps pods off cordoned nodes. */
import { taintKeys, tolerates } from '#api/core/taints.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import { always } from '../framework.ts';
import { nodeChanges } from '../queue/cluster-event.ts';

const name = 'NodeUnschedulable';
const rejection: Rejection = { plugin: name, reasons: ['node(s) were unschedulable'], isResolvable: false };
const cordon = { key: taintKeys.unschedulable, effect: 'NoSchedule' } as const;

export const nodeUnschedulable: SchedulerPlugin = {
  name,
  filter({ pod }) {
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, cordon)) === true) return undefined;
    return { node: ({ node }) => (node.spec.unschedulable === true ? rejection : undefined) };
  },
  wakesOn: { NodeAdd: always, NodeUpdate: (_pod, event) => nodeChanges(event).taints },
};
