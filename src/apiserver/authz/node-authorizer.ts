import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { parseFieldSelector, requiredField } from '#apimachinery/selector.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';
import type { NodeGraph } from './node-graph.ts';
import { nodeNameOf } from './node-identity.ts';
import { ruleAllows } from './rbac.ts';

const leaseNamespace = 'kube-node-lease';

/**
 * What kubelets may do: what the role `system:node` says, but of secrets, config maps, claims, volumes and tokens only
 * those that pods on their node refer to, and of nodes, pods, leases and the like only their own.
 * Source: Kubernetes documentation, "Using Node Authorization"; KEP-4601 for reads with selectors.
 */
export function nodeAuthorizer({ graph, nodeRules }: { readonly graph: NodeGraph; readonly nodeRules: readonly PolicyRule[] }): Authorizer {
  return {
    name: 'Node',
    authorize(attributes): Decision {
      const node = nodeNameOf(attributes.user);
      if (node === undefined) return { verdict: 'no-opinion', reason: '' };
      const special = attributes.isResource ? specials[`${attributes.group}/${attributes.resource}`] : undefined;
      const refusal = special === undefined ? byRules(nodeRules, attributes) : special(node, attributes, graph);
      return refusal === undefined ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: refusal };
    },
  };
}

/** Why not; undefined: allowed. */
type Check = (node: string, attributes: Attributes, graph: NodeGraph) => string | undefined;

function byRules(rules: readonly PolicyRule[], attributes: Attributes): string | undefined {
  return rules.some((rule) => ruleAllows(rule, attributes)) ? undefined : '';
}

const reads = ['get', 'list', 'watch'];

/** Reads of one object by name that a pod on the node refers to. */
function referenced(resource: 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'resourceclaims', verbs: readonly string[]): Check {
  return (node, { verb, subresource, namespace, name }, graph) => {
    if (!verbs.includes(verb)) return `can only ${verbs.join('/')} individual resources of this type`;
    if (subresource !== '') return 'cannot read subresource';
    if (namespace === '') return 'can only read namespaced object of this type';
    if (name === '') return 'No Object name found';
    return graph.refersTo(node, resource, namespace, name) ? undefined : noRelationship(node);
  };
}

function noRelationship(node: string): string {
  return `no relationship found between node '${node}' and this object`;
}

const claims: Check = (node, attributes, graph) => {
  if (attributes.subresource !== 'status') return referenced('persistentvolumeclaims', ['get'])(node, attributes, graph);
  if (!['get', 'patch', 'update'].includes(attributes.verb)) return 'can only get, update or patch the status';
  return graph.refersTo(node, 'persistentvolumeclaims', attributes.namespace, attributes.name) ? undefined : noRelationship(node);
};

const volumes: Check = (node, { verb, subresource, name }, graph) => {
  if (verb !== 'get' || subresource !== '') return 'can only get individual resources of this type';
  return graph.usesVolume(node, name) ? undefined : noRelationship(node);
};

const attachments: Check = (node, { verb, subresource, name }, graph) => {
  if (verb !== 'get' || subresource !== '') return 'can only get individual resources of this type';
  return graph.hasAttachment(node, name) ? undefined : noRelationship(node);
};

const accounts: Check = (node, { verb, subresource, namespace, name }, graph) => {
  const isToken = subresource === 'token' && verb === 'create';
  if (!isToken && !(subresource === '' && verb === 'get')) return 'can only create tokens for individual service accounts';
  return graph.refersTo(node, 'serviceaccounts', namespace, name) ? undefined : noRelationship(node);
};

const leases: Check = (node, { verb, subresource, namespace, name }) => {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (subresource !== '') return 'cannot access subresource of a node lease';
  if (namespace !== leaseNamespace) return `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`;
  // The name of a lease that is being made is not known yet; admission looks at it.
  return verb === 'create' || name === node ? undefined : 'can only access node lease with the same name as the requesting node';
};

const csiNodes: Check = (node, { verb, subresource, name }) => {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return 'can only get, create, update, patch, or delete a CSINode';
  if (subresource !== '') return 'cannot access subresource of a CSINode';
  return verb === 'create' || name === node ? undefined : 'can only access CSINode with the same name as the requesting node';
};

const slices: Check = (node, attributes) => {
  const { verb, subresource } = attributes;
  if (subresource !== '') return 'cannot read or write ResourceSlice subresources';
  // Admission looks at whose slice it is.
  if (['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return undefined;
  return selected(attributes, 'spec.nodeName') === node ? undefined : "can only list/watch/deletecollection resourceslices with nodeName field selector";
};

const nodes: Check = (node, attributes) => {
  const { verb, subresource, name } = attributes;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : `cannot ${verb} the status`;
  if (subresource !== '') return `cannot access the subresource ${subresource}`;
  // Writes: admission looks at whose object it is and at what is changed.
  if (['create', 'update', 'patch'].includes(verb)) return undefined;
  if (!reads.includes(verb)) return `cannot ${verb} nodes`;
  const one = name === '' ? selected(attributes, 'metadata.name') : name;
  return one === node ? undefined : `node '${node}' cannot read all nodes, only its own Node object`;
};

const pods: Check = (node, attributes, graph) => {
  const { verb, subresource, namespace, name } = attributes;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : `cannot ${verb} the status`;
  if (subresource === 'eviction') return verb === 'create' ? undefined : `cannot ${verb} evictions`;
  if (subresource !== '') return `cannot access the subresource ${subresource}`;
  if (verb === 'create' || verb === 'delete') return undefined;
  if (!reads.includes(verb)) return `cannot ${verb} pods`;
  if (name !== '' && graph.hasPod(node, namespace, name)) return undefined;
  if (verb !== 'get' && selected(attributes, 'spec.nodeName') === node) return undefined;
  return verb === 'get' ? noRelationship(node) : 'can only list/watch pods with spec.nodeName field selector';
};

const specials: Readonly<Record<string, Check>> = {
  '/secrets': referenced('secrets', reads),
  '/configmaps': referenced('configmaps', reads),
  '/persistentvolumeclaims': claims,
  '/persistentvolumes': volumes,
  '/serviceaccounts': accounts,
  '/nodes': nodes,
  '/pods': pods,
  'storage.k8s.io/volumeattachments': attachments,
  'storage.k8s.io/csinodes': csiNodes,
  'coordination.k8s.io/leases': leases,
  'resource.k8s.io/resourceclaims': referenced('resourceclaims', ['get']),
  'resource.k8s.io/resourceslices': slices,
};

/** The value that the field selector asks this field to have; undefined when it does not or cannot be read. */
function selected({ fieldSelector = '' }: Attributes, field: string): string | undefined {
  if (fieldSelector === '') return undefined;
  try {
    return requiredField(parseFieldSelector(fieldSelector), field);
  } catch {
    return undefined;
  }
}
