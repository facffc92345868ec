/** For pods that name their node themselves. */
import type { Rejection, SchedulerPlugin } from '../framework.ts';

const name = 'NodeName';
const rejection: Rejection = { plugin: name, reasons: ["node(s) didn't match the requested node name"], isResolvable: false };

export const nodeName: SchedulerPlugin = {
  name,
  filter({ pod }) {
    const wanted = pod.spec.nodeName ?? '';
    return wanted === '' ? undefined : { node: (node) => (node.name === wanted ? undefined : rejection) };
  },
  wakesOn: { NodeAdd: ({ pod }, { node }) => pod.spec.nodeName === node?.metadata.name },
};
