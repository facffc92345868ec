/**
 * Server-side apply: a manager states the fields it wants; it gets them, owns them, and what it stops stating goes away
 * unless somebody else owns it. What another manager owns and would change is a conflict.
 *
 * Source: Kubernetes documentation "Server-Side Apply"; KEP-555.
 */
import { fieldsOf, mergeConfiguration, removeFields, withStructs } from './apply-merge.ts';
import { decodeDraft } from './decode.ts';
import type { Comparison } from './field-compare.ts';
import { compareObjects } from './field-compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, fieldSetFrom, hasPath, intersection, isEmptySet, members, pathText, union } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import type { JsonObject } from './json.ts';
import { isJsonObject, sameJson } from './json.ts';
import { emptyObject, ignoredFields, isSameWriter, makeEntry, managedFieldsOf, recordUpdate, sortEntries } from './managed-fields.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { AnyStruct, Struct } from './schema.ts';
import { badRequest, StatusError } from './status-error.ts';

export interface ApplyInput {
  readonly struct: AnyStruct;
  /** What is stored, decoded; undefined where the object does not exist yet. */
  readonly live: object | undefined;
  /** The configuration as the client sent it: without defaults. */
  readonly applied: object;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  /** Take what others own instead of failing. */
  readonly force: boolean;
  /** The time of the write, RFC 3339 in whole seconds. */
  readonly nowIso: string;
}

export interface Applied {
  /** To be decoded and given defaults. */
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[];
}

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The live object with the configuration applied, and who owns what then.
 *
 * @throws StatusError 409 with a cause per field on conflicts, 400 when the configuration is not well formed
 */
export function applyObject(input: ApplyInput): Applied {
  const { struct, manager, apiVersion, force } = input;
  const applied = input.applied as JsonObject;
  checkConfiguration(applied, apiVersion);
  const before = input.live ?? emptyObject(struct);
  const entries = currentEntries(input);
  const set = configurationSet(input, applied);
  const entry = makeEntry(input, 'Apply', set);
  const last = entries.find((each) => isSameWriter(each, entry));
  const others = entries.filter((each) => each !== last);

  const merged = mergeConfiguration(struct, before as JsonObject, applied);
  const pruned = withoutAbandoned(struct, merged, fieldSetFrom(last?.fieldsV1), [set, ...others.map((each) => fieldSetFrom(each.fieldsV1))]);
  const after = decodeDraft(struct as Struct<object>, pruned);
  const comparison = compareObjects(rootShape(struct), before, after, ignoredFields(struct, input.subresource ?? ''));

  const conflicts = findConflicts(others, comparison.changed);
  const tolerated = conflicts.length > 0 && manager === 'kubectl' ? lastAppliedSet(struct, before as JsonObject, apiVersion) : emptySet;
  const real = force ? [] : conflicts.filter((conflict) => !hasPath(tolerated, conflict.path));
  if (real.length > 0) throw applyConflict(real);

  const kept = others.flatMap((each) => withoutTaken(each, comparison));
  const isNoop = isEmptySet(comparison.changed) && isEmptySet(comparison.removed) && last !== undefined && sameJson(last.fieldsV1, set) && last.apiVersion === apiVersion;
  const mine = isEmptySet(set) ? [] : [isNoop ? last : entry];
  return { object: syncLastApplied(pruned, applied, manager), managedFields: sortEntries([...kept, ...mine]) };
}

function checkConfiguration(applied: JsonObject, apiVersion: string): void {
  const given = applied['apiVersion'];
  if (given !== undefined && given !== apiVersion) {
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${typeof given === 'string' ? given : JSON.stringify(given)}, expected: ${apiVersion}`);
  }
  const metadata = applied['metadata'];
  if (isJsonObject(metadata) && metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
}

/** What was there before anybody applied belongs to a manager of its own, so that nobody loses it unawares. */
function currentEntries({ struct, live, apiVersion, subresource = '', nowIso }: ApplyInput): readonly ManagedFieldsEntry[] {
  const entries = managedFieldsOf(live);
  if (live === undefined || entries.length > 0) return entries;
  const all = compareObjects(rootShape(struct), emptyObject(struct), live, ignoredFields(struct, subresource));
  return recordUpdate([], all, { manager: 'before-first-apply', apiVersion, subresource, nowIso });
}

function configurationSet({ struct, subresource = '', apiVersion }: ApplyInput, applied: JsonObject): FieldSet {
  try {
    return fieldsOf(struct, applied, ignoredFields(struct, subresource));
  } catch (error) {
    throw error instanceof StatusError ? untypedPatch(apiVersion, applied, error.message) : error;
  }
}

/** A configuration that does not fit the schema of its kind. The original has the same words, but as a 500 without a reason: the fault is the client's. */
export function untypedPatch(apiVersion: string, applied: JsonObject, why: string): StatusError {
  const metadata = isJsonObject(applied['metadata']) ? applied['metadata'] : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return badRequest(`failed to create typed patch object (${text(metadata['namespace'])}/${text(metadata['name'])}; ${apiVersion}, Kind=${text(applied['kind'])}): ${why}`);
}

/** Takes away what the manager stated last time, not this time, and nobody else owns. */
function withoutAbandoned(struct: AnyStruct, merged: JsonObject, last: FieldSet, owned: readonly FieldSet[]): JsonObject {
  if (isEmptySet(last)) return merged;
  const stillOwned = owned.reduce(union, emptySet);
  const abandoned = difference(withStructs(struct, last), withStructs(struct, stillOwned));
  return isEmptySet(abandoned) ? merged : removeFields(struct, merged, abandoned);
}

interface Conflict {
  readonly owner: ManagedFieldsEntry;
  readonly path: readonly string[];
}

function findConflicts(others: readonly ManagedFieldsEntry[], changed: FieldSet): Conflict[] {
  if (isEmptySet(changed)) return [];
  return others.flatMap((owner) => [...members(intersection(fieldSetFrom(owner.fieldsV1), changed))].map((path) => ({ owner, path })));
}

function withoutTaken(entry: ManagedFieldsEntry, { changed, removed }: Comparison): ManagedFieldsEntry[] {
  const fields = fieldSetFrom(entry.fieldsV1);
  const kept = difference(difference(fields, changed), removed);
  if (kept === fields) return [entry];
  return isEmptySet(kept) ? [] : [{ ...entry, fieldsV1: kept }];
}

function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ owner, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${ownerText(owner)}`, field: pathText(path) }));
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return new StatusError(409, 'Conflict', `Apply failed with 1 conflict: conflict with ${ownerText(first.owner)}: ${pathText(first.path)}`, { causes });
  }
  const byOwner = Map.groupBy(conflicts, ({ owner }) => owner);
  const lines = [...byOwner].flatMap(([owner, all]) => [`conflicts with ${ownerText(owner)}:`, ...all.map(({ path }) => `- ${pathText(path)}`)]);
  return new StatusError(409, 'Conflict', `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`, { causes });
}

function ownerText({ manager = '', operation, apiVersion, subresource = '' }: ManagedFieldsEntry): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion ?? ''}` : name;
}

/**
 * What `kubectl apply` without --server-side set last and is still so: the same user goes on with it, whoever the entry
 * says it was.
 */
function lastAppliedSet(struct: AnyStruct, live: JsonObject, apiVersion: string): FieldSet {
  const text = annotationsOf(live)[lastAppliedAnnotation];
  if (typeof text !== 'string') return emptySet;
  try {
    const lastApplied: unknown = JSON.parse(text);
    if (!isJsonObject(lastApplied) || lastApplied['apiVersion'] !== apiVersion) return emptySet;
    const set = fieldsOf(struct, lastApplied, new Set());
    const { changed, removed } = compareObjects(rootShape(struct), decodeDraft(struct as Struct<object>, lastApplied), live);
    return difference(difference(set, changed), removed);
  } catch {
    // An annotation that cannot be read allows nothing.
    return emptySet;
  }
}

/** kubectl's own record of what it applied last stays right when it goes over to server-side apply. */
function syncLastApplied(object: JsonObject, applied: JsonObject, manager: string): JsonObject {
  const annotations = annotationsOf(object);
  if (manager !== 'kubectl' || typeof annotations[lastAppliedAnnotation] !== 'string') return object;
  const { [lastAppliedAnnotation]: _, ...others } = annotationsOf(applied);
  const metadata = isJsonObject(applied['metadata']) ? applied['metadata'] : {};
  const record = { ...applied, metadata: { ...metadata, ...(metadata['annotations'] !== undefined && { annotations: others }) } };
  return {
    ...object,
    metadata: { ...(object['metadata'] as JsonObject), annotations: { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(record)}\n` } },
  };
}
function annotationsOf(object: JsonObject): JsonObject {
  const metadata = object['metadata'];
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  return isJsonObject(annotations) ? annotations : {};
}
