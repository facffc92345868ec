import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, tooLong } from '#apimachinery/field-error.ts';
import type { KubeObject, ManagedFieldsEntry } from '#apimachinery/object-meta.ts';
import { trackUpdate } from '#apimachinery/managed-fields.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { ApiCall } from '../request/api-call.ts';

/** Who writes: the `fieldManager` parameter, else the first word of the user agent, as upstream does. */
export function fieldManager(call: Pick<ApiCall, 'query' | 'userAgent' | 'info'>): string {
  const given = call.query['fieldManager'];
  if (given !== undefined && given !== '') return checkedManager(given, call.info.verb);
  const [product = ''] = call.userAgent.split('/', 1);
  return product === '' ? 'unknown' : product.slice(0, maxManagerLength);
}

const maxManagerLength = 128;
const optionKinds: Readonly<Record<string, string>> = { create: 'CreateOptions', update: 'UpdateOptions', patch: 'PatchOptions' };

/** Throws a 422 for a name that could not be kept. */
export function checkedManager(name: string, verb: string): string {
  const errors: FieldError[] = [];
  if (name.length > maxManagerLength) errors.push(tooLong('fieldManager', maxManagerLength));
  if (/\p{C}/u.test(name)) errors.push(invalidValue('fieldManager', name, 'should only contain printable characters'));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: optionKinds[verb] ?? 'UpdateOptions' }, '', errors);
  return name;
}

/**
 * The version that a write is noted under: the request's, where its fields are called as in the stored one. That is so for
 * custom kinds that no webhook converts.
 */
function recordedVersion(kind: ResourceKind, { isCustom, convertedFrom, apiVersion }: ResourceKind): string {
  return isCustom === true && convertedFrom !== undefined && convertedFrom.load === undefined ? apiVersion : kind.apiVersion;
}

/** Notes which fields this write changes, in `draft.metadata.managedFields`. */
export function trackOwnership(
  kind: ResourceKind,
  draft: Draft<KubeObject>,
  live: KubeObject | undefined,
  who: { readonly manager: string; readonly subresource: string; readonly nowIso: string; readonly served: ResourceKind },
): void {
  const entries = trackUpdate({
    struct: kind,
    live,
    updated: draft,
    manager: who.manager,
    apiVersion: recordedVersion(kind, who.served),
    ...(who.subresource !== '' && { subresource: who.subresource }),
    nowIso: who.nowIso,
  });
  if (entries.length > 0) draft.metadata.managedFields = entries as Draft<ManagedFieldsEntry>[];
  else delete draft.metadata.managedFields;
}
