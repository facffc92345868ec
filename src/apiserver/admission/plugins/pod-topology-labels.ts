import type { Binding } from '#api/core/binding.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

const labels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/**
 * Pods bear the zone and the region of their node, so that they can be read from within: they get them when they are made
 * for a node, or with the binding to it.
 * Source: KEP-4742, "PodTopologyLabels".
 */
export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  mutate(request, { objects }) {
    if (request.operation !== 'CREATE') return;
    if (request.kind === (Pod as unknown) && request.subresource === 'binding') {
      const binding = request.sent?.object as unknown as Draft<Binding> | undefined;
      if (binding?.target.name === undefined || (binding.target.kind ?? 'Node') !== 'Node') return;
      const added = topologyLabels(objects.get(Node, binding.target.name), binding.metadata.labels);
      if (added !== undefined) binding.metadata.labels = { ...binding.metadata.labels, ...added };
      return;
    }
    if (!writes(request, Pod)) return;
    const { metadata, spec } = request.object;
    const node = (spec.nodeName ?? '') === '' ? undefined : objects.get(Node, spec.nodeName ?? '');
    const missing = topologyLabels(node, metadata.labels);
    if (missing !== undefined) metadata.labels = { ...metadata.labels, ...missing };
  },
};

/** What a pod on the node lacks of its labels; undefined when nothing. */
function topologyLabels(node: Node | undefined, own: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  const ofNode = node?.metadata.labels;
  if (ofNode === undefined) return undefined;
  const missing = labels.flatMap((label) => (ofNode[label] === undefined || own?.[label] !== undefined ? [] : [[label, ofNode[label]] as const]));
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}
