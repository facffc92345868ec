/** Keeps pods off nodes whose kubelet has not declared that it can what they need. Source: KEP-5328. */
import { featuresToRun, undeclared } from '#api/core/declared-features.ts';
import type { Hint, Rejection, SchedulerPlugin } from '../framework.ts';

const name = 'NodeDeclaredFeatures';
const rejection: Rejection = { plugin: name, reasons: ["node(s) didn't match Pod's required features"], isResolvable: false };

const canRun: Hint = ({ pod }, { node }) => node !== undefined && undeclared(featuresToRun(pod.spec), node).length === 0;

export const nodeDeclaredFeatures: SchedulerPlugin = {
  name,
  filter({ pod }) {
    const features = featuresToRun(pod.spec);
    if (features.length === 0) return undefined;
    return { node: ({ node }) => (undeclared(features, node).length === 0 ? undefined : rejection) };
  },
  wakesOn: {
    NodeAdd: canRun,
    NodeUpdate: (pod, event) => canRun(pod, event) && (event.oldNode === undefined || undeclared(featuresToRun(pod.pod.spec), event.oldNode).length > 0),
  },
};
