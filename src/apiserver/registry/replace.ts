import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { badRequest, invalid, notFound } from '#apimachinery/status-error.ts';
import type { ApiCall, ObjectResult } from '../request/api-call.ts';
import { decodeBody } from './decode-body.ts';
import type { RegistryContext } from './registry-context.ts';
import { storeKey } from './registry-context.ts';
import { hubOf } from './served.ts';
import type { UpdatePart } from './update.ts';
import { updateObject } from './update.ts';

/** PUT of a resource or of a part of it. Throws a StatusError when it is refused. */
export async function replace(registry: RegistryContext, kind: ResourceKind, call: ApiCall, part: UpdatePart): Promise<ObjectResult> {
  const { name } = call.info;
  // A body that is no good is refused whether there is such an object or not.
  let read: Draft<KubeObject> | undefined = readBody();
  if (call.isLarge === true) await nextTurn();
  return updateObject(registry, kind, call, {
    ...part,
    createsIfAbsent: part.subresource === '' && kind.strategy.createOnUpdate === true,
    change() {
      const draft = read ?? readBody();
      read = undefined;
      return draft;
    },
  });

  function readBody(): Draft<KubeObject> {
    const draft = decodeBody(kind, call);
    const given = draft.metadata.name ?? '';
    if (given === '') draft.metadata.name = name;
    else if (given !== name) throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
    const namespace = draft.metadata.namespace ?? '';
    if (namespace !== '' && kind.scope === 'Namespaced' && namespace !== call.info.namespace) {
      throw badRequest(`the namespace of the object (${namespace}) does not match the namespace on the request (${call.info.namespace})`);
    }
    if (kind.strategy.needsResourceVersion === true && (draft.metadata.resourceVersion ?? '') === '') {
      // Whoever is not there needs no version to be not found, or to be created.
      const isThere = registry.cache.of(hubOf(kind)).get(storeKey(hubOf(kind), call.info.namespace, name)) !== undefined;
      if (!isThere && kind.strategy.createOnUpdate !== true) throw notFound(kind, name);
      if (isThere) throw invalid({ group: kind.group, kind: kind.plural }, name, [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')]);
    }
    return draft;
  }
}
