import type { Namespace } from '#api/core/namespace.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { badRequest, methodNotSupported } from '#apimachinery/status-error.ts';
import { decodeBody } from '../decode-body.ts';
import type { RegistryContext } from '../registry-context.ts';
import { updateObject } from '../update.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

/**
 * PUT namespaces/x/finalize: writes `spec.finalizers` and nothing else; the last one gone, a deleted namespace vanishes.
 * Source: API reference, Namespace "replace finalize".
 */
export function namespaceFinalize(registry: RegistryContext): SubresourceHandler {
  return {
    group: '',
    resource: 'namespaces',
    subresource: 'finalize',
    async handle(call, kind) {
      if (call.info.verb !== 'update') throw methodNotSupported(kind, call.info.verb);
      return updateObject(registry, kind, call, {
        subresource: 'finalize',
        isTrusted: true,
        change(current) {
          const given = decodeBody(kind, call) as unknown as Draft<Namespace>;
          if ((given.metadata.name ?? call.info.name) !== call.info.name) {
            throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${call.info.name})`);
          }
          const draft = structuredClone(current) as unknown as Draft<Namespace>;
          draft.metadata.resourceVersion = given.metadata.resourceVersion ?? '';
          draft.spec = given.spec.finalizers === undefined ? {} : { finalizers: given.spec.finalizers };
          return draft;
        },
      });
    },
  };
}
