/**
 * Field ownership among versions: an owner's fields are called as in the version that it wrote, so what happens to them is
 * looked at in that version. A plan asks for an object in another version by a step of its own: whoever carries the plan
 * out may need time for that (a conversion webhook).
 *
 * Source: KEP-555; behaviour of the API server's field management.
 */
import type { Comparison } from './field-compare.ts';
import { compareObjects } from './field-compare.ts';
import { rootShape } from './field-shape.ts';
import { emptyObject, ignoredFields } from './ignored-fields.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { AnyStruct } from './schema.ts';

/** An object, decoded, and what declares it. */
export interface Versioned {
  readonly struct: AnyStruct;
  readonly object: object;
}

/** This object is wanted in this version. Which version it is of, it says itself. */
export interface Wanted {
  readonly object: object;
  readonly apiVersion: string;
}

/** A plan; a step is answered with the object in the version wanted, or undefined where there is no such version. */
export type Converting<T> = Generator<Wanted, T, Versioned | undefined>;

/** Carries out a plan about a kind that has one version only. */
export function inOneVersion<T>(steps: Converting<T>): T {
  for (let step = steps.next(); ; step = steps.next(undefined)) if (step.done === true) return step.value;
}

/** A write as one version sees it. */
export interface Change extends Versioned {
  readonly apiVersion: string;
  /** Undefined at a create. */
  readonly before: object | undefined;
  readonly subresource: string;
  /** What changes in this version. */
  readonly comparison: Comparison;
}

/** What changes, by the versions that the entries are of; undefined for a version that is no more. */
export type Comparisons = ReadonlyMap<string, Comparison | undefined>;

/** The write as the owners of all entries see it. */
export function* compareVersions(entries: readonly ManagedFieldsEntry[], { apiVersion, before, object, subresource, comparison }: Change): Converting<Comparisons> {
  const found = new Map<string, Comparison | undefined>([[apiVersion, comparison]]);
  for (const version of new Set(entries.map(versionOf))) {
    if (found.has(version)) continue;
    const after = yield { object, apiVersion: version };
    const was = after === undefined || before === undefined ? undefined : yield { object: before, apiVersion: version };
    found.set(version, after === undefined ? undefined : compareObjects(rootShape(after.struct), was?.object ?? emptyObject(after.struct), after.object, ignoredFields(after.struct, subresource)));
  }
  return found;
}

/** '' where an entry does not say. */
export function versionOf({ apiVersion = '' }: ManagedFieldsEntry): string {
  return apiVersion;
}
