/**
 * Whether a request is one that a webhook's or a policy's rules mean. Pure.
 *
 * Source: Kubernetes documentation, "Dynamic Admission Control: matching requests".
 */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import type { AdmissionRequest } from '../admission.ts';

export interface AdmissionRule {
  readonly operations?: readonly string[] | undefined;
  readonly apiGroups?: readonly string[] | undefined;
  readonly apiVersions?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly scope?: string | undefined;
  readonly resourceNames?: readonly string[] | undefined;
}

export interface MatchCriteria {
  readonly matchPolicy?: string | undefined;
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly objectSelector?: LabelSelector | undefined;
}

/** Which kinds are the same objects in other versions, the request's own not among them. */
export type Equivalents = (kind: ResourceKind) => readonly ResourceKind[];

/** The version of the kind in which the rules mean the request; undefined: they do not. */
export function matchedKind(request: AdmissionRequest, rules: readonly AdmissionRule[], matchPolicy: string | undefined, equivalents: Equivalents): ResourceKind | undefined {
  const served = request.served ?? request.kind;
  if (rules.some((rule) => matchesRule(rule, request, served))) return served;
  if (matchPolicy === 'Exact') return undefined;
  return equivalents(served).find((kind) => rules.some((rule) => matchesRule(rule, request, kind)));
}

/** Whether one rule means the request, were it made in the version of `kind`. */
export function matchesRule(rule: AdmissionRule, request: AdmissionRequest, kind: ResourceKind): boolean {
  return covers(rule.operations, request.operation) && covers(rule.apiGroups, kind.group) && covers(rule.apiVersions, kind.version)
    && matchesResource(rule.resources ?? [], kind.plural, request.subresource) && matchesScope(rule.scope, request)
    && ((rule.resourceNames ?? []).length === 0 || (rule.resourceNames ?? []).includes(nameOf(request)));
}

function nameOf({ name, object }: AdmissionRequest): string {
  return name === '' ? (object?.metadata.name ?? '') : name;
}

function covers(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(value));
}

function matchesResource(resources: readonly string[], plural: string, subresource: string): boolean {
  return resources.some((each) => {
    const [resource = '', sub = ''] = each.split('/');
    return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource);
  });
}

/** Namespaces count as cluster-wide, though requests for them carry a namespace. */
function matchesScope(scope: string | undefined, { kind, namespace }: AdmissionRequest): boolean {
  if (scope === undefined || scope === '*') return true;
  const isNamespaced = namespace !== '' && !isNamespaceKind(kind);
  return scope === 'Namespaced' ? isNamespaced : !isNamespaced;
}

export function isNamespaceKind(kind: ResourceKind): boolean {
  return kind.group === '' && kind.plural === 'namespaces';
}

/** `namespaceLabels`: those of the request's namespace; called only when they matter. */
export function matchesSelectors({ namespaceSelector, objectSelector }: MatchCriteria, request: AdmissionRequest, namespaceLabels: () => Readonly<Record<string, string>> | undefined): boolean {
  return matchesNamespace(namespaceSelector, request, namespaceLabels) && matchesObject(objectSelector, request);
}

function matchesNamespace(selector: LabelSelector | undefined, request: AdmissionRequest, namespaceLabels: () => Readonly<Record<string, string>> | undefined): boolean {
  if (isEmpty(selector)) return true;
  if (isNamespaceKind(request.kind) && request.subresource === '') {
    const own = request.object ?? request.old;
    return matchesLabels(labelSelectorFrom(selector), own?.metadata.labels);
  }
  if (request.namespace === '') return true;
  return matchesLabels(labelSelectorFrom(selector), namespaceLabels());
}

/** Either state of the object will do. */
function matchesObject(selector: LabelSelector | undefined, { object, old }: AdmissionRequest): boolean {
  if (isEmpty(selector)) return true;
  const query = labelSelectorFrom(selector);
  const matches = (each: { readonly metadata: Pick<KubeObject['metadata'], 'labels'> } | undefined): boolean => each !== undefined && matchesLabels(query, each.metadata.labels);
  return matches(object) || matches(old);
}

function isEmpty(selector: LabelSelector | undefined): boolean {
  return selector === undefined || (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0);
}
