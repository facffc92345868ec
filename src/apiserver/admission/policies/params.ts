import type { ParamKind, ParamRef } from '#api/admissionregistration/matching.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { labelSelectorFrom, matchesLabels } from '#apimachinery/selector.ts';
import type { ServedKinds } from '../../request/served-kinds.ts';
import { hubOf, toServed } from '../../registry/served.ts';
import type { AdmissionRequest, ObjectReader } from '../admission.ts';

/** The configuration of the policy is at fault; its failure policy says what follows. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** What a binding hands to its policy: once per object. An empty list: the binding does not apply. Throws `PolicyError`. */
export function paramsFor(
  { paramKind, paramRef, request }: { readonly paramKind: ParamKind | undefined; readonly paramRef: ParamRef | undefined; readonly request: AdmissionRequest },
  { kinds, objects }: { readonly kinds: ServedKinds; readonly objects: ObjectReader },
): readonly (KubeObject | null)[] {
  if (paramKind === undefined || paramRef === undefined) return [null];
  const kind = kindOf(paramKind, kinds);
  const namespace = namespaceOf(kind, paramRef, request);
  const found = [...select(kind, paramRef, namespace, objects)].map((object) => toServed(kind, object));
  if (found.length > 0) return found;
  if (paramRef.parameterNotFoundAction === 'Deny') throw new PolicyError('no params found for policy binding with `Deny` parameterNotFoundAction');
  return [];
}

function kindOf({ apiVersion = '', kind: name = '' }: ParamKind, kinds: ServedKinds): ResourceKind {
  const found = kinds.all().find((each) => each.apiVersion === apiVersion && each.kind === name);
  if (found === undefined) throw new PolicyError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${name}'`);
  return found;
}

function namespaceOf(kind: ResourceKind, { namespace = '' }: ParamRef, request: AdmissionRequest): string {
  if (kind.scope === 'Cluster') {
    if (namespace !== '') throw new PolicyError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  if (namespace !== '') return namespace;
  if (request.namespace === '') throw new PolicyError("can't use namespaced paramRef to match cluster-scoped resources");
  return request.namespace;
}

function* select(kind: ResourceKind, { name, selector }: ParamRef, namespace: string, objects: ObjectReader): Iterable<KubeObject> {
  const hub = hubOf(kind);
  if (name !== undefined && name !== '') {
    const found = objects.get(hub, name, namespace);
    if (found !== undefined) yield found;
    return;
  }
  const query = labelSelectorFrom(selector);
  for (const each of objects.list(hub, namespace)) if (matchesLabels(query, each.metadata.labels)) yield each;
}
