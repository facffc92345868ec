/** From a call to the code that carries it out: verbs on resources, subresources, reviews. */
import type { ResourceKind } from '#apimachinery/resource.ts';
import { methodNotAllowed, methodNotSupported, noSuchPath, notFound } from '#apimachinery/status-error.ts';
import { createFromCall } from '../registry/create.ts';
import { deleteCollectionFromCall, deleteFromCall } from '../registry/delete.ts';
import { patchFromCall } from '../registry/patch.ts';
import { getFromCall, listFromCall } from '../registry/read.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { replace } from '../registry/replace.ts';
import { ready, readyCached, takesTime } from '../registry/served.ts';
import { scaleFromCall } from '../registry/subresources/scale.ts';
import type { SubresourceHandler } from '../registry/subresources/subresource-handler.ts';
import { watchFromCall } from '../registry/watch.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import type { ServedKinds } from './served-kinds.ts';

export interface DispatchContext {
  readonly registry: RegistryContext;
  readonly kinds: Pick<ServedKinds, 'find'>;
  /** Subresources with a behaviour of their own. */
  readonly subresources: readonly SubresourceHandler[];
  /** Kinds that are questions, not objects: POST answers at once (TokenReview, SubjectAccessReview). */
  readonly reviews: readonly ReviewHandler[];
}

export interface ReviewHandler {
  readonly group: string;
  readonly resource: string;
  handle(call: ApiCall, kind: ResourceKind): Promise<ApiResult>;
}

/** Carries out a resource request that is authenticated and allowed. Throws a StatusError when it is refused. */
export async function dispatch(context: DispatchContext, call: ApiCall): Promise<ApiResult> {
  const result = await carryOut(context, call);
  // What is written or deleted is the stored version of the object; the client sees its own.
  if (result.is === 'object' && takesTime(result.kind)) await ready(result.kind, [result.object]);
  if (result.is === 'list' && takesTime(result.kind)) return { ...result, items: await readyCached(result.kind, result.items) };
  return result;
}

async function carryOut(context: DispatchContext, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  const kind = context.kinds.find(info.group, info.version, info.resource);
  if (kind === undefined) throw noSuchPath();
  if (kind.scope === 'Cluster' && info.namespace !== '' && info.resource !== 'namespaces') throw noSuchPath();
  if (kind.deprecationWarning !== undefined) {
    call.warn(kind.deprecationWarning);
    call.annotate?.('k8s.io/deprecated', 'true');
  }
  if (info.subresource !== '') return dispatchSubresource(context, kind, call);
  const review = context.reviews.find((each) => each.group === kind.group && each.resource === kind.plural);
  if (review !== undefined) {
    if (info.verb !== 'create') throw methodNotAllowed();
    return review.handle(call, kind);
  }
  if (!(kind.verbs as readonly string[]).includes(info.verb)) throw methodNotSupported(kind, info.verb);
  if (info.name === '' && (info.verb === 'update' || info.verb === 'patch')) throw methodNotAllowed();
  const { registry } = context;
  switch (info.verb) {
    case 'get':
      return getFromCall(registry, kind, call);
    case 'list':
      return listFromCall(registry, kind, call);
    case 'watch':
      return watchFromCall(registry, kind, call);
    case 'create':
      needNamespace(kind, call);
      if (info.name !== '') throw methodNotAllowed();
      return createFromCall(registry, kind, call);
    case 'update':
      return replace(registry, kind, call, { subresource: '' });
    case 'patch':
      return patchFromCall(registry, kind, call, { subresource: '' });
    case 'delete':
      return deleteFromCall(registry, kind, call);
    case 'deletecollection':
      needNamespace(kind, call);
      return deleteCollectionFromCall(registry, kind, call);
    default:
      throw methodNotSupported(kind, info.verb);
  }
}

/** Writes need a namespace in the path; reads over all namespaces do not. */
function needNamespace(kind: ResourceKind, call: ApiCall): void {
  if (kind.scope === 'Namespaced' && call.info.namespace === '') throw methodNotAllowed();
}

async function dispatchSubresource(context: DispatchContext, kind: ResourceKind, call: ApiCall): Promise<ApiResult> {
  const { info } = call;
  const declared = kind.subresources.find((each) => each.name === info.subresource);
  if (declared === undefined) throw notFoundPath(kind, call);
  const handler = context.subresources.find(
    (each) => each.group === kind.group && each.resource === kind.plural && each.subresource === info.subresource,
  );
  if (handler !== undefined) return handler.handle(call, kind);
  if (!(declared.verbs as readonly string[]).includes(info.verb)) throw methodNotSupported(kind, info.verb);
  const { registry } = context;
  if (declared.scale !== undefined) return scaleFromCall(registry, kind, call, declared.scale);
  switch (info.verb) {
    case 'get':
      return getFromCall(registry, kind, call);
    case 'update':
      return replace(registry, kind, call, { subresource: info.subresource });
    case 'patch':
      return patchFromCall(registry, kind, call, { subresource: info.subresource });
    default:
      throw methodNotSupported(kind, info.verb);
  }
}

function notFoundPath(kind: ResourceKind, call: ApiCall): Error {
  return call.info.verb === 'get' ? noSuchPath() : notFound(kind, call.info.name);
}
