import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, tooLong } from '#apimachinery/field-error.ts';
import type { KubeObject, ManagedFieldsEntry } from '#apimachinery/object-meta.ts';
import { trackUpdate } from '#apimachinery/managed-fields.ts';
import type { Converting } from '#apimachinery/object-versions.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { invalid } from '#apimachinery/status-error.ts';
import type { ApiCall } from '../request/api-call.ts';
import { carryOut } from './other-versions.ts';

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

/** Who writes, and in which version. */
export interface Writing {
  readonly manager: string;
  readonly subresource: string;
  readonly nowIso: string;
  readonly served: ResourceKind;
}

/**
 * Notes which fields this write changes, in `draft.metadata.managedFields`, as fields of the version of the request. A
 * promise only where a webhook has to be asked what they are called in other versions.
 */
export function trackOwnership(kind: ResourceKind, draft: Draft<KubeObject>, live: KubeObject | undefined, writing: Writing): Promise<void> | undefined {
  const entries = carryOut(writing.served, tracked(kind, draft, live, writing));
  if (entries instanceof Promise) return entries.then((found) => note(draft, found));
  note(draft, entries);
  return undefined;
}

function* tracked(kind: ResourceKind, draft: Draft<KubeObject>, live: KubeObject | undefined, { manager, subresource, nowIso, served }: Writing): Converting<readonly ManagedFieldsEntry[]> {
  const { apiVersion } = served;
  const isStored = served === kind;
  const updated = isStored ? draft : (yield { object: draft, apiVersion })?.object;
  const before = isStored || live === undefined ? live : (yield { object: live, apiVersion })?.object;
  return yield* trackUpdate({ struct: served, apiVersion, live: before, updated: updated ?? draft, manager, ...(subresource !== '' && { subresource }), nowIso });
}

function note(draft: Draft<KubeObject>, entries: readonly ManagedFieldsEntry[]): void {
  if (entries.length > 0) draft.metadata.managedFields = entries as Draft<ManagedFieldsEntry>[];
  else delete draft.metadata.managedFields;
}
