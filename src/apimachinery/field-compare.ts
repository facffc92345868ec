/** Which fields differ between two objects of one kind, for field ownership. */
import type { FieldSet, FieldSetDraft } from './field-set.ts';
import { emptySet, insertPath } from './field-set.ts';
import type { KeyedShape, Shape, StructShape } from './field-shape.ts';
import { itemKey, shapeFor, valueKey } from './field-shape.ts';
import { sameJson } from './json.ts';

export interface Comparison {
  /** Set now and not before, or differently. */
  readonly changed: FieldSet;
  /** Set before and not now. */
  readonly removed: FieldSet;
}

type Values = Readonly<Record<string, unknown>>;
const unchanged: Comparison = { changed: emptySet, removed: emptySet };
const noFields: ReadonlySet<string> = new Set();

/**
 * What changes from `before` to `after`. Identical (===) parts cost nothing. Top-level fields in `ignored` are left out.
 */
export function compareObjects(shape: StructShape, before: object, after: object, ignored: ReadonlySet<string> = noFields): Comparison {
  const walk: Walk = { path: [], changed: undefined, removed: undefined };
  const left = before as Values;
  const right = after as Values;
  for (const field of shape.fields) {
    if (ignored.has(field.key)) continue;
    walk.path.push(field.pathKey);
    compare(walk, field.shape, left[field.key], right[field.key]);
    walk.path.pop();
  }
  if (shape.rest !== undefined) compareRest(walk, shape, shape.rest, withoutTypeMeta(left), withoutTypeMeta(right));
  if (walk.changed === undefined && walk.removed === undefined) return unchanged;
  return { changed: walk.changed ?? emptySet, removed: walk.removed ?? emptySet };
}

function withoutTypeMeta({ apiVersion: _version, kind: _kind, ...others }: Values): Values {
  return others;
}

interface Walk {
  readonly path: string[];
  changed: FieldSetDraft | undefined;
  removed: FieldSetDraft | undefined;
}

function noteChanged(walk: Walk): void {
  insertPath((walk.changed ??= {}), walk.path);
}
function noteRemoved(walk: Walk): void {
  insertPath((walk.removed ??= {}), walk.path);
}

function compare(walk: Walk, declared: Shape, before: unknown, after: unknown): void {
  if (before === after) return;
  const shape = shapeFor(declared, after ?? before);
  if (shape.is === 'leaf') {
    if (before === undefined) noteChanged(walk);
    else if (after === undefined) noteRemoved(walk);
    else if (!sameJson(before, after)) noteChanged(walk);
    return;
  }
  // What is new or gone is so in all its parts and itself.
  if (before === undefined) noteChanged(walk);
  else if (after === undefined) noteRemoved(walk);
  switch (shape.is) {
    case 'struct': {
      const left = asMap(before);
      const right = asMap(after);
      for (const field of shape.fields) {
        const old = left[field.key];
        const now = right[field.key];
        if (old === now) continue;
        walk.path.push(field.pathKey);
        compare(walk, field.shape, old, now);
        walk.path.pop();
      }
      if (shape.rest !== undefined) compareRest(walk, shape, shape.rest, left, right);
      return;
    }
    case 'map':
      compareMaps(walk, shape.element, asMap(before), asMap(after));
      return;
    case 'keyed':
      compareItems(walk, shape, asList(before), asList(after));
      return;
    case 'set':
      compareSets(walk, asList(before), asList(after));
      return;
  }
}

/** The fields that are not listed. */
function compareRest(walk: Walk, shape: StructShape, rest: Shape, before: Values, after: Values): void {
  const others = (values: Values): Values => Object.fromEntries(Object.entries(values).filter(([key]) => !shape.byKey.has(key)));
  compareMaps(walk, rest, others(before), others(after));
}

function compareMaps(walk: Walk, element: Shape, before: Values, after: Values): void {
  for (const key in before) {
    const now = Object.hasOwn(after, key) ? after[key] : undefined;
    if (before[key] === now) continue;
    walk.path.push(`f:${key}`);
    compare(walk, element, before[key], now);
    walk.path.pop();
  }
  for (const key in after) {
    if (after[key] === undefined || (Object.hasOwn(before, key) && before[key] !== undefined)) continue;
    walk.path.push(`f:${key}`);
    compare(walk, element, undefined, after[key]);
    walk.path.pop();
  }
}

function compareItems(walk: Walk, shape: KeyedShape, before: readonly unknown[], after: readonly unknown[]): void {
  if (before.length === after.length && before.every((item, index) => hasSameKeys(shape, item, after[index]))) {
    for (let index = 0; index < before.length; index++) {
      if (sameJson(before[index], after[index])) continue;
      walk.path.push(itemKey(shape, after[index]) ?? `i:${index}`);
      compare(walk, shape.element, before[index], after[index]);
      walk.path.pop();
    }
    return;
  }
  const left = byItemKey(shape, before);
  const right = byItemKey(shape, after);
  for (const [key, items] of left) comparePairs(walk, shape, key, items, right.get(key));
  for (const [key, items] of right) if (!left.has(key)) comparePairs(walk, shape, key, undefined, items);
}

function comparePairs(walk: Walk, shape: KeyedShape, key: string, before: readonly unknown[] | undefined, after: readonly unknown[] | undefined): void {
  walk.path.push(key);
  if ((before?.length ?? 1) === 1 && (after?.length ?? 1) === 1) compare(walk, shape.element, before?.[0], after?.[0]);
  // Items with one key more than once are looked at together: it cannot be said which is which.
  else if (before === undefined) noteChanged(walk);
  else if (after === undefined) noteRemoved(walk);
  else if (!sameJson(before, after)) noteChanged(walk);
  walk.path.pop();
}

function hasSameKeys(shape: KeyedShape, left: unknown, right: unknown): boolean {
  const a = asMap(left);
  const b = asMap(right);
  for (const { name } of shape.keys) if (a[name] !== b[name]) return false;
  return true;
}

function byItemKey(shape: KeyedShape, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const [index, item] of items.entries()) {
    const key = itemKey(shape, item) ?? `i:${index}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, [item]);
    else same.push(item);
  }
  return found;
}

function compareSets(walk: Walk, before: readonly unknown[], after: readonly unknown[]): void {
  const left = new Set(before);
  const right = new Set(after);
  for (const item of right) {
    if (left.has(item)) continue;
    walk.path.push(valueKey(item));
    noteChanged(walk);
    walk.path.pop();
  }
  for (const item of left) {
    if (right.has(item)) continue;
    walk.path.push(valueKey(item));
    noteRemoved(walk);
    walk.path.pop();
  }
}

const noValues: Values = Object.freeze({});
const noItems: readonly unknown[] = Object.freeze([]);

function asMap(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : noValues;
}
function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : noItems;
}
