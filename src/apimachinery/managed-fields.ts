/**
 * Who set which field of an object: `metadata.managedFields`, kept at every write.
 *
 * Source: Kubernetes documentation "Server-Side Apply" (field management); KEP-555.
 */
import { compareObjects } from './field-compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, fieldSetFrom, isEmptySet, union } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import { emptyObject, ignoredFields } from './ignored-fields.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { Comparisons, Converting } from './object-versions.ts';
import { compareVersions, versionOf } from './object-versions.ts';
import type { AnyStruct } from './schema.ts';
import { sharedSet } from './shared-sets.ts';

/** More managers that update than this are merged into one, oldest first, so that the list cannot grow for ever. */
export const maxUpdateManagers = 10;
const mergedManager = 'ancient-changes';

export interface TrackInput {
  /** The version that the manager writes in, of which `live` and `updated` are. */
  readonly struct: AnyStruct;
  readonly apiVersion: string;
  /** What is stored; undefined at a create. */
  readonly live: object | undefined;
  /** What is going to be stored, after the strategy and defaults. */
  readonly updated: object;
  readonly manager: string;
  readonly subresource?: string;
  /** The time of the write, RFC 3339 in whole seconds. */
  readonly nowIso: string;
}

/**
 * The managed fields after a create, update or patch. The manager gets what it changed, others lose it. An object that
 * was stored without managed fields goes on without. `updated`'s own managed fields win over those of `live`, so that
 * clients can edit them; `[{}]` resets them.
 */
export function* trackUpdate(input: TrackInput): Converting<readonly ManagedFieldsEntry[]> {
  const { struct, apiVersion, live, updated, subresource = '' } = input;
  const current = currentEntries(input);
  if (live !== undefined && current.length === 0) return current;
  const comparison = compareObjects(rootShape(struct), live ?? emptyObject(struct), updated, ignoredFields(struct, subresource));
  if (isEmptySet(comparison.changed) && isEmptySet(comparison.removed)) return current;
  return recordUpdate(current, yield* compareVersions(current, { struct, apiVersion, before: live, object: updated, subresource, comparison }), input);
}

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

/** The entries after `writer` made the changes in `comparisons`. An owner of fields of a version that is no more is forgotten. */
export function recordUpdate(current: readonly ManagedFieldsEntry[], comparisons: Comparisons, writer: Writer): readonly ManagedFieldsEntry[] {
  const changed = comparisons.get(writer.apiVersion)?.changed ?? emptySet;
  const hasChanges = !isEmptySet(changed);
  const mine = makeEntry(writer, 'Update', changed);
  const rest: ManagedFieldsEntry[] = [];
  let previous: FieldSet = emptySet;
  for (const entry of current) {
    const kept = withoutChanged(entry, comparisons);
    if (hasChanges && isSameWriter(entry, mine)) previous = fieldSetFrom(kept?.fieldsV1);
    else if (kept !== undefined) rest.push(kept);
  }
  if (hasChanges) rest.push({ ...mine, fieldsV1: sharedSet(union(previous, changed)) });
  return sortEntries(mergeOldest(rest));
}

/** What is left to an owner when somebody else has made these changes; undefined: nothing. */
export function withoutChanged(entry: ManagedFieldsEntry, comparisons: Comparisons): ManagedFieldsEntry | undefined {
  const comparison = comparisons.get(versionOf(entry));
  if (comparison === undefined) return undefined;
  const fields = fieldSetFrom(entry.fieldsV1);
  const kept = difference(difference(fields, comparison.changed), comparison.removed);
  if (kept === fields) return entry;
  return isEmptySet(kept) ? undefined : { ...entry, fieldsV1: sharedSet(kept) };
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
