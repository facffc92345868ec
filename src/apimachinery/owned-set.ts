/** What somebody owns who sets a whole value: the value itself and all its parts. */
import type { FieldSet } from './field-set.ts';
import { emptySet, self } from './field-set.ts';
import type { KeyedShape, Shape, StructShape } from './field-shape.ts';
import { itemKey, shapeFor, valueKey } from './field-shape.ts';
import type { NodeDraft } from './shared-sets.ts';
import { addTo, sharedNode } from './shared-sets.ts';

export type Values = Readonly<Record<string, unknown>>;

/** The set that stands where `value` does; it is a shared one. */
export function ownedSet(declared: Shape, value: unknown): FieldSet {
  const shape = shapeFor(declared, value);
  if (shape.is === 'leaf') return emptySet;
  const node: NodeDraft = { keys: [self], below: [emptySet] };
  addParts(node, shape, value);
  return node.keys.length === 1 ? emptySet : sharedNode(node);
}

function addParts(node: NodeDraft, shape: Exclude<Shape, { readonly is: 'leaf' | 'deduced' }>, value: unknown): void {
  switch (shape.is) {
    case 'struct': {
      const values = asMap(value);
      for (const field of shape.fields) {
        const part = values[field.key];
        if (part !== undefined) addTo(node, field.pathKey, ownedSet(field.shape, part));
      }
      if (shape.rest !== undefined) addEntries(node, shape.rest, unlisted(shape, values));
      return;
    }
    case 'map':
      return addEntries(node, shape.element, asMap(value));
    case 'keyed':
      // Items with one key more than once are looked at together: it cannot be said which is which.
      for (const [key, items] of byItemKey(shape, asList(value))) addTo(node, key, items.length === 1 ? ownedSet(shape.element, items[0]) : emptySet);
      return;
    case 'set':
      for (const item of new Set(asList(value))) addTo(node, valueKey(item), emptySet);
      return;
  }
}

function addEntries(node: NodeDraft, element: Shape, values: Values): void {
  for (const key in values) if (values[key] !== undefined) addTo(node, `f:${key}`, ownedSet(element, values[key]));
}

/** The fields of a struct that are not listed. */
export function unlisted(shape: StructShape, values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !shape.byKey.has(key)));
}

export function byItemKey(shape: KeyedShape, items: readonly unknown[]): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const [index, item] of items.entries()) {
    const key = itemKey(shape, item) ?? `i:${index}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, [item]);
    else same.push(item);
  }
  return found;
}

const noValues: Values = Object.freeze({});
const noItems: readonly unknown[] = Object.freeze([]);

export function asMap(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : noValues;
}
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : noItems;
}
