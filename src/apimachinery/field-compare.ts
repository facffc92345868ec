/** Which fields differ between two objects of one kind, for field ownership. */
import type { FieldSet } from './field-set.ts';
import { emptySet } from './field-set.ts';
import type { KeyedShape, Shape, StructShape } from './field-shape.ts';
import { itemKey, shapeFor, valueKey } from './field-shape.ts';
import { sameJson } from './json.ts';
import type { Values } from './owned-set.ts';
import { asList, asMap, byItemKey, ownedSet, unlisted } from './owned-set.ts';
import type { NodeDraft } from './shared-sets.ts';
import { addTo, sharedNode } from './shared-sets.ts';

export interface Comparison {
  /** Set now and not before, or differently. */
  readonly changed: FieldSet;
  /** Set before and not now. */
  readonly removed: FieldSet;
}

const noFields: ReadonlySet<string> = new Set();

/**
 * What changes from `before` to `after`. Identical (===) parts cost nothing. Top-level fields in `ignored` are left out.
 */
export function compareObjects(shape: StructShape, before: object, after: object, ignored: ReadonlySet<string> = noFields): Comparison {
  const found: Found = { changed: undefined, removed: undefined };
  const left = before as Values;
  const right = after as Values;
  for (const field of shape.fields) if (!ignored.has(field.key)) compare(found, field.pathKey, field.shape, left[field.key], right[field.key]);
  if (shape.rest !== undefined) compareMaps(found, shape.rest, withoutTypeMeta(unlisted(shape, left)), withoutTypeMeta(unlisted(shape, right)));
  return { changed: found.changed === undefined ? emptySet : sharedNode(found.changed), removed: found.removed === undefined ? emptySet : sharedNode(found.removed) };
}

function withoutTypeMeta({ apiVersion: _version, kind: _kind, ...others }: Values): Values {
  return others;
}

/** The differences between two values that are both there: they are in the sets only for what is below them. */
interface Found {
  changed: NodeDraft | undefined;
  removed: NodeDraft | undefined;
}

function noteChanged(found: Found, key: string, set: FieldSet): void {
  addTo((found.changed ??= { keys: [], below: [] }), key, set);
}
function noteRemoved(found: Found, key: string, set: FieldSet): void {
  addTo((found.removed ??= { keys: [], below: [] }), key, set);
}

/** What differs under `key`. */
function compare(found: Found, key: string, declared: Shape, before: unknown, after: unknown): void {
  if (before === after) return;
  if (before === undefined) return noteChanged(found, key, ownedSet(declared, after));
  if (after === undefined) return noteRemoved(found, key, ownedSet(declared, before));
  const shape = shapeFor(declared, after ?? before);
  if (shape.is === 'leaf') {
    if (!sameJson(before, after)) noteChanged(found, key, emptySet);
    return;
  }
  const below: Found = { changed: undefined, removed: undefined };
  compareParts(below, shape, before, after);
  if (below.changed !== undefined) noteChanged(found, key, sharedNode(below.changed));
  if (below.removed !== undefined) noteRemoved(found, key, sharedNode(below.removed));
}

function compareParts(found: Found, shape: Exclude<Shape, { readonly is: 'leaf' | 'deduced' }>, before: unknown, after: unknown): void {
  switch (shape.is) {
    case 'struct': {
      const left = asMap(before);
      const right = asMap(after);
      for (const field of shape.fields) compare(found, field.pathKey, field.shape, left[field.key], right[field.key]);
      if (shape.rest !== undefined) compareMaps(found, shape.rest, unlisted(shape, left), unlisted(shape, right));
      return;
    }
    case 'map':
      return compareMaps(found, shape.element, asMap(before), asMap(after));
    case 'keyed':
      return compareItems(found, shape, asList(before), asList(after));
    case 'set':
      return compareSets(found, asList(before), asList(after));
  }
}

function compareMaps(found: Found, element: Shape, before: Values, after: Values): void {
  for (const key in before) compare(found, `f:${key}`, element, before[key], Object.hasOwn(after, key) ? after[key] : undefined);
  for (const key in after) {
    if (!Object.hasOwn(before, key) || before[key] === undefined) compare(found, `f:${key}`, element, undefined, after[key]);
  }
}

function compareItems(found: Found, shape: KeyedShape, before: readonly unknown[], after: readonly unknown[]): void {
  if (before.length === after.length && before.every((item, index) => hasSameKeys(shape, item, after[index]))) {
    for (let index = 0; index < before.length; index++) {
      if (!sameJson(before[index], after[index])) compare(found, itemKey(shape, after[index]) ?? `i:${index}`, shape.element, before[index], after[index]);
    }
    return;
  }
  const left = byItemKey(shape, before);
  const right = byItemKey(shape, after);
  for (const [key, items] of left) compareSameKey(found, shape, key, items, right.get(key));
  for (const [key, items] of right) if (!left.has(key)) compareSameKey(found, shape, key, undefined, items);
}

function compareSameKey(found: Found, shape: KeyedShape, key: string, before: readonly unknown[] | undefined, after: readonly unknown[] | undefined): void {
  if ((before?.length ?? 1) === 1 && (after?.length ?? 1) === 1) compare(found, key, shape.element, before?.[0], after?.[0]);
  // Items with one key more than once are looked at together: it cannot be said which is which.
  else if (before === undefined) noteChanged(found, key, emptySet);
  else if (after === undefined) noteRemoved(found, key, emptySet);
  else if (!sameJson(before, after)) noteChanged(found, key, emptySet);
}

function hasSameKeys(shape: KeyedShape, left: unknown, right: unknown): boolean {
  const a = asMap(left);
  const b = asMap(right);
  for (const { name } of shape.keys) if (a[name] !== b[name]) return false;
  return true;
}

function compareSets(found: Found, before: readonly unknown[], after: readonly unknown[]): void {
  const left = new Set(before);
  const right = new Set(after);
  for (const item of right) if (!left.has(item)) noteChanged(found, valueKey(item), emptySet);
  for (const item of left) if (!right.has(item)) noteRemoved(found, valueKey(item), emptySet);
}
