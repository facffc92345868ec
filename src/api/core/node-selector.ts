/** Which nodes a selector means. Source: Kubernetes documentation "Assigning Pods to Nodes". */
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from './scheduling.ts';

/** As much of a node as selectors look at. */
export interface SelectableNode {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> | undefined };
}

/** As much of a pod's spec as says where it must run. */
export interface NodeWishes {
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly affinity?: { readonly nodeAffinity?: { readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector | undefined } | undefined } | undefined;
}

/** Whether the node has what `nodeSelector` and the required node affinity ask for. */
export function matchesNodeWishes(spec: NodeWishes, node: SelectableNode): boolean {
  const labels = node.metadata.labels;
  for (const key in spec.nodeSelector) if (labels?.[key] !== spec.nodeSelector[key]) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** Terms are alternatives. */
export function matchesNodeSelector(selector: NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

/** All of the term's requirements hold; a term without any matches nothing. */
export function matchesNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: SelectableNode): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return matchExpressions.every((each) => holds(each, metadata.labels?.[each.key])) &&
    matchFields.every((each) => each.key === 'metadata.name' && holds(each, metadata.name));
}

/** The names of the nodes the selector allows, where it names them outright (as DaemonSets' pods do); else undefined. */
export function namedNodes(selector: NodeSelector | undefined): ReadonlySet<string> | undefined {
  if (selector === undefined || selector.nodeSelectorTerms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of selector.nodeSelectorTerms) {
    const field = term.matchFields?.find((each) => each.key === 'metadata.name' && each.operator === 'In');
    if (field === undefined) return undefined;
    for (const name of field.values ?? []) names.add(name);
  }
  return names;
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const bound = values[0] ?? '';
      if (value === undefined || !/^-?\d+$/.test(value) || !/^-?\d+$/.test(bound)) return false;
      return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
  }
}
