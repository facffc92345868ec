/** What a manager has stated before and states no longer goes away, unless somebody else owns it. Used by `apply.ts`. */
import { fieldsOf, removeFields, withStructs } from './apply-merge.ts';
import { decodeDraft } from './decode.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, fieldSetFrom, intersection, isEmptySet, union } from './field-set.ts';
import type { JsonObject } from './json.ts';
import type { ManagedFieldsEntry } from './object-meta.ts';
import type { Converting, Versioned } from './object-versions.ts';
import { versionOf } from './object-versions.ts';
import type { AnyStruct, Struct } from './schema.ts';

export interface Abandoning {
  /** The version of `merged`. */
  readonly struct: AnyStruct;
  readonly apiVersion: string;
  /** The live object with the configuration, not decoded. */
  readonly merged: JsonObject;
  /** What the manager stated last time. */
  readonly last: ManagedFieldsEntry | undefined;
  /** Who owns what now, the manager with what he states this time included. */
  readonly owners: readonly ManagedFieldsEntry[];
}

/** `merged` without what is abandoned. */
export function* withoutAbandoned({ struct, apiVersion, merged, last, owners }: Abandoning): Converting<JsonObject> {
  const stated = fieldSetFrom(last?.fieldsV1);
  if (last === undefined || isEmptySet(stated)) return merged;
  const lastVersion = versionOf(last);
  const owned = ownedByVersion(owners);
  if (lastVersion === apiVersion && owned.size === 1) return removeFields(struct, merged, difference(withStructs(struct, stated), withStructs(struct, owned.get(apiVersion) ?? emptySet)));

  const whole = yield { object: decodeDraft(struct as Struct<object>, merged), apiVersion: lastVersion };
  // Nobody can say any more which fields those were.
  if (whole === undefined) return merged;
  let all: Versioned = whole;
  // Goes at first: all that was stated, with structs that have nothing else stated in them. What others own comes back, version by
  // version, that of the statement first: conversions may need it.
  let left = without(whole, withStructs(whole.struct, stated));
  for (const version of [lastVersion, ...owned.keys()]) {
    const fields = owned.get(version);
    if (fields === undefined) continue;
    owned.delete(version);
    const allHere = yield { object: all.object, apiVersion: version };
    const leftHere = yield { object: left.object, apiVersion: version };
    if (allHere === undefined || leftHere === undefined) continue;
    const gone = difference(setOf(allHere), union(setOf(leftHere), withStructs(allHere.struct, fields)));
    all = allHere;
    left = without(allHere, gone);
  }
  const kept = yield { object: left.object, apiVersion: lastVersion };
  // What goes is what was stated, not what a conversion loses besides.
  if (kept === undefined) return merged;
  const gone = intersection(difference(setOf(whole), setOf(kept)), withStructs(whole.struct, stated));
  const back = yield { object: without(whole, gone).object, apiVersion };
  return back === undefined ? merged : (back.object as JsonObject);
}

function ownedByVersion(owners: readonly ManagedFieldsEntry[]): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet>();
  for (const owner of owners) owned.set(versionOf(owner), union(owned.get(versionOf(owner)) ?? emptySet, fieldSetFrom(owner.fieldsV1)));
  return owned;
}

function without({ struct, object }: Versioned, fields: FieldSet): Versioned {
  return { struct, object: isEmptySet(fields) ? object : removeFields(struct, object as JsonObject, fields) };
}

function setOf({ struct, object }: Versioned): FieldSet {
  return withStructs(struct, fieldsOf(struct, object as JsonObject, new Set()));
}
