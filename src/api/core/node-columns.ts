/** How `kubectl get nodes` shows a node. Source: behaviour of Kubernetes' node printer. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column } from '#apimachinery/resource.ts';
import type { NodeSpec, NodeStatus } from './node.ts';

type Node = Parts<NodeSpec, NodeStatus>;

export const nodeColumns = [
  nameColumn,
  column<Node>('Status', showStatus),
  column<Node>('Roles', showRoles),
  ageColumn,
  column<Node>('Version', ({ status }) => status.nodeInfo.kubeletVersion),
  column<Node>('Internal-IP', (node) => addressOf(node, 'InternalIP'), { wide: true }),
  column<Node>('External-IP', (node) => addressOf(node, 'ExternalIP'), { wide: true }),
  column<Node>('OS-Image', ({ status }) => orUnknown(status.nodeInfo.osImage), { wide: true }),
  column<Node>('Kernel-Version', showKernel, { wide: true }),
  column<Node>('Container-Runtime', ({ status }) => orUnknown(status.nodeInfo.containerRuntimeVersion), { wide: true }),
];

function showStatus({ spec, status }: Node): string {
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

const rolePrefix = 'node-role.kubernetes.io/';

function showRoles({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return roles.size === 0 ? '<none>' : [...roles].toSorted().join(',');
}

function addressOf({ status }: Node, type: string): string {
  return status.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

/** Since v1.36 with the machine's architecture: `6.12.0 (amd64)`. */
function showKernel({ status: { nodeInfo: { architecture, kernelVersion } } }: Node): string {
  return architecture === '' ? orUnknown(kernelVersion) : `${orUnknown(kernelVersion)} (${architecture})`;
}

function orUnknown(text: string): string {
  return text === '' ? '<unknown>' : text;
}
