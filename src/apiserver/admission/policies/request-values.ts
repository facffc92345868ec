import { Namespace } from '#api/core/namespace.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { AuthorizerValue } from '../../expressions/authorizer-library.ts';
import type { AdmissionRequest, ObjectReader } from '../admission.ts';
import { isNamespaceKind } from '../matching/rule-match.ts';
import { objectAs, requestAttributes } from '../webhooks/admission-review.ts';
import type { ExpressionValues } from './expressions.ts';

export interface ValueSources {
  readonly objects: ObjectReader;
  readonly authorizers: readonly Authorizer[];
}

/** A request as expressions see it, in the version of `kind`. */
export function requestValues(request: AdmissionRequest, kind: ResourceKind, { objects, authorizers }: ValueSources): ExpressionValues {
  const { namespace, subresource, name } = request;
  const isOfNamespace = isNamespaceKind(request.kind);
  const found = namespace === '' || isOfNamespace ? undefined : objects.get(Namespace, namespace);
  return {
    object: request.sent?.object ?? objectAs(kind, request.object),
    oldObject: objectAs(kind, request.old),
    request: requestAttributes({ uid: '', version: 'v1', kind, request }),
    namespaceObject: found === undefined ? null : namespaceView(found),
    authorizer: new AuthorizerValue(authorizers, request.user, { group: kind.group, version: kind.version, resource: kind.plural, subresource, namespace: isOfNamespace ? '' : namespace, name: name === '' ? (request.object?.metadata.name ?? '') : name }),
  };
}

/** What expressions may know of a namespace. */
function namespaceView({ metadata, spec, status }: Namespace): object {
  const { name, generateName, labels, annotations, uid, resourceVersion, creationTimestamp, deletionTimestamp, generation, finalizers } = metadata;
  const known = { name, namespace: '', generateName, labels, annotations, uid, resourceVersion, creationTimestamp, deletionTimestamp, generation, finalizers };
  return { kind: 'Namespace', apiVersion: 'v1', metadata: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)), spec, status };
}
