/**
 * Server-side apply: a manager states the fields it wants; it gets them, owns them, and what it stops stating goes away
 * unless somebody else owns it. What another manager owns and would change is a conflict.
 *
 * Source: Kubernetes documentation "Server-Side Apply"; KEP-555.
 */
import { fieldsOf, mergeConfiguration } from './apply-merge.ts';
import { withoutAbandoned } from './apply-abandon.ts';
import { decodeDraft } from './decode.ts';
import { compareObjects } from './field-compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, fieldSetFrom, hasPath, intersection, isEmptySet, members, pathText } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import type { JsonObject } from './json.ts';
import { isJsonObject, sameJson } from './json.ts';
import { emptyObject, ignoredFields } from './ignored-fields.ts';
import { isSameWriter, makeEntry, managedFieldsOf, recordUpdate, sortEntries, withoutChanged } from './managed-fields.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { Comparisons, Converting } from './object-versions.ts';
import { compareVersions, versionOf } from './object-versions.ts';
import type { AnyStruct, Struct } from './schema.ts';
import { badRequest, StatusError } from './status-error.ts';

export interface ApplyInput {
  /** The version of the configuration, of which `live` is as well. */
  readonly struct: AnyStruct;
  readonly apiVersion: string;
  /** What is stored, decoded; undefined where the object does not exist yet. */
  readonly live: object | undefined;
  /** The configuration as the client sent it: without defaults. */
  readonly applied: object;
  readonly manager: string;
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
export function* applyObject(input: ApplyInput): Converting<Applied> {
  const { struct, manager, apiVersion, force, subresource = '' } = input;
  const applied = input.applied as JsonObject;
  checkConfiguration(applied, apiVersion);
  const before = input.live ?? emptyObject(struct);
  const entries = currentEntries(input);
  const set = configurationSet(input, applied);
  const entry = makeEntry(input, 'Apply', set);
  const last = entries.find((each) => isSameWriter(each, entry));
  const others = entries.filter((each) => each !== last);

  const merged = mergeConfiguration(struct, before as JsonObject, applied);
  const pruned = yield* withoutAbandoned({ struct, apiVersion, merged, last, owners: [entry, ...others] });
  const after = decodeDraft(struct as Struct<object>, pruned);
  const comparison = compareObjects(rootShape(struct), before, after, ignoredFields(struct, subresource));
  const isSame = isEmptySet(comparison.changed) && isEmptySet(comparison.removed);
  // Where nothing changes, nothing changes in other versions.
  const comparisons = isSame ? undefined : yield* compareVersions(others, { struct, apiVersion, before: input.live, object: after, subresource, comparison });

  const conflicts = comparisons === undefined ? [] : findConflicts(others, comparisons);
  const tolerated = conflicts.length > 0 && manager === 'kubectl' ? lastAppliedSet(struct, before as JsonObject, apiVersion) : emptySet;
  const real = force ? [] : conflicts.filter((conflict) => !hasPath(tolerated, conflict.path));
  if (real.length > 0) throw applyConflict(real);

  const kept = comparisons === undefined ? others : others.flatMap((each) => withoutChanged(each, comparisons) ?? []);
  const isNoop = isSame && last !== undefined && sameJson(last.fieldsV1, set) && last.apiVersion === apiVersion;
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
  return recordUpdate([], new Map([[apiVersion, all]]), { manager: 'before-first-apply', apiVersion, subresource, nowIso });
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

interface Conflict {
  readonly owner: ManagedFieldsEntry;
  readonly path: readonly string[];
}

function findConflicts(others: readonly ManagedFieldsEntry[], comparisons: Comparisons): Conflict[] {
  return others.flatMap((owner) => {
    const changed = comparisons.get(versionOf(owner))?.changed ?? emptySet;
    return isEmptySet(changed) ? [] : [...members(intersection(fieldSetFrom(owner.fieldsV1), changed))].map((path) => ({ owner, path }));
  });
}

function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ owner, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${ownerText(owner)}`, field: pathText(path) }));
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return new StatusError(409, 'Conflict', `Apply failed with 1 conflict: conflict with ${ownerText(first.owner)}: ${pathText(first.path)}`, { causes });
  }
  const byOwner = Map.groupBy(conflicts, ({ owner }) => ownerText(owner));
  const lines = [...byOwner].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([owner, all]) => [`conflicts with ${owner}:`, ...all.map(({ path }) => `- ${pathText(path)}`)]);
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
