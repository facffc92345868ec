/**
 * Kubelets write their own Node, lease and CSINode and the status of pods bound to them, and nothing that would let a
 * broken-into node reach further.
 * Source: Kubernetes documentation, "NodeRestriction".
 */
import { Lease } from '#api/coordination/lease.ts';
import type { Node as NodeObject } from '#api/core/node.ts';
import { Node } from '#api/core/node.ts';
import type { PersistentVolumeClaim as ClaimObject } from '#api/core/persistent-volume-claim.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { CSINode } from '#api/storage/csi-node.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { forbidden, notFound } from '#apimachinery/status-error.ts';
import { nodeNameOf } from '../../authz/node-identity.ts';
import { podReferences } from '../../authz/pod-references.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const leaseNamespace = 'kube-node-lease';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  validate(request, context) {
    const node = nodeNameOf(request.user);
    if (node === undefined) return;
    const check = checks.get(request.kind);
    const why = check?.({ ...request, node }, context);
    if (why !== undefined) throw forbidden(request.kind, request.name, why);
  },
};

/** Why not; undefined: agreed. */
type Check = (request: AdmissionRequest & { readonly node: string }, context: AdmissionContext) => string | undefined;

const checks = new Map<ResourceKind, Check>([
  [Pod, checkPod],
  [Node, checkNode],
  [PersistentVolumeClaim, checkClaim],
  [Lease, ownOnly('lease', leaseNamespace)],
  [CSINode, ownOnly('CSINode')],
]);

function checkPod({ operation, subresource, node, object, old, namespace, name }: Parameters<Check>[0], { objects }: AdmissionContext): string | undefined {
  const pod = object as unknown as PodObject | undefined;
  const stored = old as PodObject | undefined;
  switch (subresource) {
    case '':
      if (operation === 'CREATE' && pod !== undefined) return checkMirrorPod(node, pod, objects.get(Node, node));
      if (operation === 'DELETE') return stored?.spec.nodeName === node ? undefined : `node ${quote(node)} can only delete pods with spec.nodeName set to itself`;
      return `unexpected operation ${quote(operation)}, node ${quote(node)} can only create and delete mirror pods`;
    case 'status':
      if (stored?.spec.nodeName !== node) return `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`;
      return saysTheSame(stored.metadata.labels, pod?.metadata.labels) ? undefined : `node ${quote(node)} cannot update labels through pod status`;
    case 'eviction': {
      const evicted = objects.get(Pod, name, namespace);
      if (evicted === undefined) throw notFound(Pod, name);
      return evicted.spec.nodeName === node ? undefined : `node ${quote(node)} can only evict pods with spec.nodeName set to itself`;
    }
    default:
      return `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`;
  }
}

/** A kubelet may only show pods that it runs anyway, and those have no claim on anything in the cluster. */
function checkMirrorPod(node: string, pod: PodObject, nodeObject: NodeObject | undefined): string | undefined {
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) return `pod does not have ${quote(mirrorAnnotation)} annotation, node ${quote(node)} can only create mirror pods`;
  if (pod.spec.nodeName !== node) return `node ${quote(node)} can only create pods with spec.nodeName set to itself`;
  const { ownerReferences = [] } = pod.metadata;
  if (ownerReferences.length > 1) return `node ${quote(node)} can only create pods with a single owner reference set to itself`;
  const [owner] = ownerReferences;
  if (owner !== undefined) {
    const isSelf = owner.apiVersion === 'v1' && owner.kind === 'Node' && owner.name === node && owner.controller === true && owner.blockOwnerDeletion !== true;
    if (!isSelf) return `node ${quote(node)} can only create pods with an owner reference set to itself`;
    if (nodeObject !== undefined && owner.uid !== nodeObject.metadata.uid) return `node ${quote(node)} UID mismatch: expected ${owner.uid} got ${nodeObject.metadata.uid}`;
  }
  for (const reference of podReferences(pod)) {
    const [resource = ''] = reference.split('/');
    return `node ${quote(node)} can not create pods that reference ${resource === 'serviceaccounts' ? 'a service account' : resource}`;
  }
  return undefined;
}

function checkNode({ operation, node, name, object, old }: Parameters<Check>[0]): string | undefined {
  const given = object as unknown as NodeObject | undefined;
  const stored = old as NodeObject | undefined;
  const target = name === '' ? (given?.metadata.name ?? '') : name;
  if (target !== node) return `node ${quote(node)} is not allowed to modify node ${quote(target)}`;
  if (given === undefined) return undefined;
  if (operation === 'CREATE') {
    const labels = forbiddenLabels(undefined, given);
    if (labels.length > 0) return `node ${quote(node)} is not allowed to set the following labels: ${labels.join(', ')}`;
    return (given.metadata.ownerReferences ?? []).length > 0 ? `node ${quote(node)} is not allowed to set owner references` : undefined;
  }
  if (stored === undefined) return undefined;
  if (!saysTheSame(stored.spec.taints, given.spec.taints)) return `node ${quote(node)} is not allowed to modify taints`;
  if (!saysTheSame(stored.metadata.ownerReferences, given.metadata.ownerReferences)) return `node ${quote(node)} is not allowed to modify owner references`;
  const labels = forbiddenLabels(stored, given);
  return labels.length > 0 ? `is not allowed to modify labels: ${labels.join(', ')}` : undefined;
}

/** Labels below these names mean something to the cluster; the kubelet may set those that describe the machine. */
const ownLabels = new Set([
  'kubernetes.io/hostname', 'kubernetes.io/arch', 'kubernetes.io/os', 'beta.kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type', 'failure-domain.beta.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone',
]);
const ownDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

function forbiddenLabels(old: NodeObject | undefined, given: NodeObject): string[] {
  const before = old?.metadata.labels ?? {};
  const after = given.metadata.labels ?? {};
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((label) => before[label] !== after[label]);
  return changed.filter((label) => !mayBeSetByNode(label)).sort();
}

function mayBeSetByNode(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  const below = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (below('node-restriction.kubernetes.io')) return false;
  if (!below('kubernetes.io') && !below('k8s.io')) return true;
  return ownLabels.has(label) || ownDomains.some(below);
}

function checkClaim({ operation, subresource, node, object, old }: Parameters<Check>[0]): string | undefined {
  if (operation !== 'UPDATE' || subresource !== 'status') return `unexpected operation, node ${quote(node)} can only update the status of persistentvolumeclaims`;
  const { spec } = old as ClaimObject;
  return saysTheSame(spec, (object as unknown as ClaimObject).spec) ? undefined : `node ${quote(node)} is not allowed to update fields other than status.capacity and status.conditions`;
}

/** Objects of which every node has one with its own name. */
function ownOnly(what: string, inNamespace?: string): Check {
  return ({ node, name, namespace, object }) => {
    if (inNamespace !== undefined && namespace !== inNamespace) return `node ${quote(node)} can only access leases in the ${quote(inNamespace)} system namespace`;
    const target = name === '' ? ((object as KubeObject | undefined)?.metadata.name ?? '') : name;
    return target === node ? undefined : `can only access ${what === 'lease' ? 'node lease' : what} with the same name as the requesting node`;
  };
}

function quote(text: string): string {
  return JSON.stringify(text);
}
