import { Node } from '#api/core/node.ts';
import { podRequests, resourceAmounts } from '#api/core/pod-resources.ts';
import { Pod } from '#api/core/pod.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission.ts';

/**
 * A bound pod is not resized beyond what its node has for pods, nor on nodes whose system knows no resizing. That there is
 * room beside other pods is the kubelet's to find out.
 * Source: kubernetes#136043 (v1.36); KEP-1287; wording as the API server's.
 */
export const podResizeValidator: AdmissionPlugin = {
  name: 'PodResizeValidator',
  validate({ kind, name, object, old, operation, subresource }, { objects }) {
    if (operation !== 'UPDATE' || subresource !== 'resize' || (kind as unknown) !== Pod || object === undefined || object.metadata.generation === old?.metadata.generation) return;
    const { spec } = object as Pod;
    const nodeName = spec.nodeName ?? '';
    if (nodeName === '') return;
    const node = objects.get(Node, nodeName);
    if (node === undefined) throw forbidden(Pod, name, `node ${JSON.stringify(nodeName)} not found`);
    const lacks = lacking(podRequests(spec), node.status.allocatable);
    if (lacks.length > 0) throw forbidden(Pod, name, `Node didn't have enough allocatable resources: ${lacks.join('; ')}`);
    const system = node.metadata.labels?.['kubernetes.io/os'] ?? '';
    if (system !== 'linux') throw forbidden(Pod, name, `pod resize is only supported on linux nodes, node ${JSON.stringify(nodeName)} is ${JSON.stringify(system)}`);
  },
};

type Amounts = Parameters<typeof resourceAmounts>[0];

function lacking(requests: Amounts, allocatable: Amounts): readonly string[] {
  const [wanted, there] = [resourceAmounts(requests), resourceAmounts(allocatable)];
  const pairs = [['cpu', wanted.cpuMillis, there.cpuMillis], ['memory', wanted.memoryBytes, there.memoryBytes]] as const;
  return pairs.flatMap(([resource, requested, available]) => (requested > available ? `${resource}, requested: ${requested}, allocatable: ${available}` : []));
}
