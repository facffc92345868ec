/** Places pods where their node selector and node affinity say. */
import { matchesNodeTerm, matchesNodeWishes, namedNodes } from '#api/core/node-selector.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import { normalizeByMax } from '../framework.ts';

const name = 'NodeAffinity';
const rejection: Rejection = { plugin: name, reasons: ["node(s) didn't match Pod's node affinity/selector"], isResolvable: false };

export const nodeAffinity: SchedulerPlugin = {
  name,
  weight: 2,
  filter({ pod: { spec } }) {
    const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (required === undefined && spec.nodeSelector === undefined) return undefined;
    const only = namedNodes(required);
    return { ...(only !== undefined && { only }), node: ({ node }) => (matchesNodeWishes(spec, node) ? undefined : rejection) };
  },
  score({ pod: { spec } }) {
    const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return {
      score({ node }) {
        let points = 0;
        for (const { preference, weight } of preferred) if (matchesNodeTerm(preference, node)) points += weight;
        return points;
      },
      normalize: normalizeByMax,
    };
  },
  wakesOn: {
    NodeAdd: ({ pod }, { node }) => node !== undefined && matchesNodeWishes(pod.spec, node),
    NodeUpdate: ({ pod }, { node, oldNode }) =>
      node !== undefined && matchesNodeWishes(pod.spec, node) && (oldNode === undefined || !matchesNodeWishes(pod.spec, oldNode)),
  },
};
