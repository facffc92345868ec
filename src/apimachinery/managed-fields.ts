/**
 * Who set which field of an object: `metadata.managedFields`, kept at every write.
 *
 * Source: Kubernetes documentation "Server-Side Apply" (field management); KEP-555.
 */
import { decodeDraft } from './decode.ts';
import type { Comparison } from './field-compare.ts';
import { compareObjects } from './field-compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, fieldSetFrom, isEmptySet, union } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { Strategy } from './resource.ts';
import type { AnyStruct, Struct } from './schema.ts';
import { sharedSet } from './shared-sets.ts';

/** More managers that update than this are merged into one, oldest first, so that the list cannot grow for ever. */
export const maxUpdateManagers = 10;
const mergedManager = 'ancient-changes';

export interface TrackInput {
  readonly struct: AnyStruct;
  /** What is stored; undefined at a create. */
  readonly live: object | undefined;
  /** What is going to be stored, after the strategy and defaults. */
  readonly updated: object;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  /** The time of the write, RFC 3339 in whole seconds. */
  readonly nowIso: string;
}

/**
 * The managed fields after a create, update or patch. The manager gets what it changed, others lose it. An object that
 * was stored without managed fields goes on without. `updated`'s own managed fields win over those of `live`, so that
 * clients can edit them; `[{}]` resets them.
 */
export function trackUpdate(input: TrackInput): readonly ManagedFieldsEntry[] {
  const { struct, live, updated } = input;
  const current = currentEntries(input);
  if (live !== undefined && current.length === 0) return current;
  const comparison = compareObjects(rootShape(struct), live ?? emptyObject(struct), updated, ignoredFields(struct, input.subresource ?? ''));
  return recordUpdate(current, comparison, input);
}

/** What nobody can own at this path: the main resource does not write the status, `status` nothing else. */
export function ignoredFields(struct: AnyStruct, subresource: string): ReadonlySet<string> {
  let both = ignored.get(struct);
  if (both === undefined) {
    const strategy = 'strategy' in struct ? (struct.strategy as Strategy<never>) : undefined;
    const status = new Set(strategy?.statusFields ?? (struct.fields.has('status') ? ['status'] : []));
    // Of custom resources not even metadata is written with the status.
    const isCustom = 'isCustom' in struct && struct.isCustom === true;
    const others = new Set([...struct.fields.keys()].filter((key) => (isCustom || key !== 'metadata') && !status.has(key)));
    both = { main: status, status: others };
    ignored.set(struct, both);
  }
  return subresource === 'status' ? both.status : subresource === '' ? both.main : nothing;
}
const nothing: ReadonlySet<string> = new Set();
const ignored = new WeakMap<AnyStruct, { readonly main: ReadonlySet<string>; readonly status: ReadonlySet<string> }>();

/** The object of this kind in which nothing is set. */
export function emptyObject(struct: AnyStruct): object {
  let made = emptyObjects.get(struct);
  if (made === undefined) {
    made = decodeDraft<object>(struct as Struct<object>, {});
    emptyObjects.set(struct, made);
  }
  return made;
}
const emptyObjects = new WeakMap<AnyStruct, object>();

function currentEntries({ live, updated, subresource }: TrackInput): readonly ManagedFieldsEntry[] {
  const stored = managedFieldsOf(live);
  // Through a subresource nobody edits managed fields.
  if (subresource !== undefined && subresource !== '') return stored;
  const given = managedFieldsOf(updated);
  if (given.length === 1 && given[0] !== undefined && Object.values(given[0]).every((value) => value === undefined)) return [];
  return given.length === 0 || !given.every(isReadable) ? stored : given;
}

export function managedFieldsOf(object: object | undefined): readonly ManagedFieldsEntry[] {
  const managed: { readonly metadata?: { readonly managedFields?: readonly ManagedFieldsEntry[] } } | undefined = object;
  return managed?.metadata?.managedFields ?? [];
}
function isReadable(entry: ManagedFieldsEntry): boolean {
  return (entry.operation === 'Apply' || entry.operation === 'Update') && (entry.apiVersion ?? '') !== '' && entry.fieldsType === 'FieldsV1';
}

export interface Writer {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly nowIso: string;
}

/** The entries after `writer` made the changes in `comparison`. */
export function recordUpdate(current: readonly ManagedFieldsEntry[], { changed, removed }: Comparison, writer: Writer): readonly ManagedFieldsEntry[] {
  const hasChanges = !isEmptySet(changed);
  if (!hasChanges && isEmptySet(removed)) return current;
  const mine = makeEntry(writer, 'Update', changed);
  const rest: ManagedFieldsEntry[] = [];
  let previous: FieldSet = emptySet;
  for (const entry of current) {
    const fields = fieldSetFrom(entry.fieldsV1);
    const kept = difference(difference(fields, changed), removed);
    if (hasChanges && isSameWriter(entry, mine)) previous = kept;
    else if (kept === fields) rest.push(entry);
    else if (!isEmptySet(kept)) rest.push({ ...entry, fieldsV1: sharedSet(kept) });
  }
  if (hasChanges) rest.push({ ...mine, fieldsV1: sharedSet(union(previous, changed)) });
  return sortEntries(mergeOldest(rest));
}

/** An entry for what `writer` does. Without a subresource there is no such field. */
export function makeEntry(writer: Writer, operation: 'Apply' | 'Update', fields: FieldSet): ManagedFieldsEntry {
  return {
    manager: writer.manager === '' ? 'unknown' : writer.manager,
    operation,
    apiVersion: writer.apiVersion,
    time: writer.nowIso,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(writer.subresource !== undefined && writer.subresource !== '' && { subresource: writer.subresource }),
  };
}

/** Whether both entries are of one manager. Who applies does so in one version at a time. */
export function isSameWriter(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  if (a.manager !== b.manager || a.operation !== b.operation || (a.subresource ?? '') !== (b.subresource ?? '')) return false;
  return a.operation === 'Apply' || a.apiVersion === b.apiVersion;
}

/** Applies first, then updates; each in the order of time. */
export function sortEntries(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  return [...entries].sort((a, b) =>
    ordered(a.operation, b.operation) || ordered(a.time, b.time) || ordered(a.manager, b.manager)
    || ordered(a.apiVersion, b.apiVersion) || ordered(a.subresource, b.subresource));
}
function ordered(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Brings the number of updating managers down to the bound: the oldest of one API version become one. */
function mergeOldest(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const updates = entries.filter((entry) => entry.operation === 'Update');
  let excess = updates.length - maxUpdateManagers;
  if (excess <= 0) return entries;
  const byAge = [...updates].sort((a, b) => ordered(a.time, b.time) || ordered(a.manager, b.manager));
  const first = new Map<string, ManagedFieldsEntry>();
  const buckets = new Map<string, ManagedFieldsEntry>();
  const gone = new Set<ManagedFieldsEntry>();
  for (const entry of byAge) {
    if (excess <= 0) break;
    const version = entry.apiVersion ?? '';
    const oldest = first.get(version);
    if (oldest === undefined) {
      first.set(version, entry);
      continue;
    }
    const bucket = buckets.get(version) ?? oldest;
    gone.add(oldest).add(entry);
    const fields = union(fieldSetFrom(entry.fieldsV1), fieldSetFrom(bucket.fieldsV1));
    buckets.set(version, makeEntry({ manager: mergedManager, apiVersion: version, nowIso: entry.time ?? '' }, 'Update', fields));
    excess--;
  }
  return [...entries.filter((entry) => !gone.has(entry)), ...buckets.values()];
}
