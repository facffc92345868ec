import type { KubeObject, ManagedFieldsEntry } from '#apimachinery/object-meta.ts';
import { trackUpdate } from '#apimachinery/managed-fields.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import type { ApiCall } from '../request/api-call.ts';

/** Who writes: the `fieldManager` parameter, else the first word of the user agent, as upstream does. */
export function fieldManager(call: Pick<ApiCall, 'query' | 'userAgent'>): string {
  const given = call.query['fieldManager'];
  if (given !== undefined && given !== '') return given;
  const [product = ''] = call.userAgent.split('/', 1);
  return product === '' ? 'unknown' : product;
}

/** Notes which fields this write changes, in `draft.metadata.managedFields`. */
export function trackOwnership(
  kind: ResourceKind,
  draft: Draft<KubeObject>,
  live: KubeObject | undefined,
  who: { readonly manager: string; readonly subresource: string; readonly nowIso: string },
): void {
  const entries = trackUpdate({
    struct: kind,
    live,
    updated: draft,
    manager: who.manager,
    apiVersion: kind.apiVersion,
    ...(who.subresource !== '' && { subresource: who.subresource }),
    nowIso: who.nowIso,
  });
  if (entries.length > 0) draft.metadata.managedFields = entries as Draft<ManagedFieldsEntry>[];
  else delete draft.metadata.managedFields;
}
