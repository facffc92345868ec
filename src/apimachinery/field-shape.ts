/**
 * How a declaration looks to field ownership: what is one value, and what has parts with owners of their own. Made once
 * per struct.
 */
import type { JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';
import type { AnyStruct, Field, FieldType } from './schema.ts';

export type Shape =
  /** Owned as a whole: scalars, atomic lists, maps and structs, raw JSON. */
  | { readonly is: 'leaf' }
  | StructShape
  /** Every key has an owner. */
  | { readonly is: 'map'; readonly element: Shape }
  /** Items are known by the values of `keys`. */
  | KeyedShape
  /** Items are their own keys. */
  | { readonly is: 'set' }
  /** Nothing is declared: objects are maps of the like, all else is owned as a whole. */
  | { readonly is: 'deduced' };

export interface StructShape {
  readonly is: 'struct';
  readonly name: string;
  readonly fields: readonly FieldShape[];
  readonly byKey: ReadonlyMap<string, FieldShape>;
  /** The shape of fields that are not listed. Absent: there are none. */
  readonly rest?: Shape | undefined;
}
export interface FieldShape {
  readonly key: string;
  /** `f:<key>`. */
  readonly pathKey: string;
  readonly shape: Shape;
}
export interface KeyedShape {
  readonly is: 'keyed';
  readonly element: Shape;
  readonly keys: readonly { readonly name: string; readonly fallback: JsonValue | undefined }[];
}

export const leaf: Shape = { is: 'leaf' };
export const deduced: Shape = { is: 'deduced' };
const deducedMap: Shape = { is: 'map', element: deduced };
const shapes = new WeakMap<AnyStruct, StructShape>();
const rootShapes = new WeakMap<AnyStruct, StructShape>();

/** What nobody owns: it says which object it is, or the server alone sets it. */
const unownedRoot: ReadonlySet<string> = new Set(['apiVersion', 'kind']);
const unownedMeta: ReadonlySet<string> = new Set([
  'name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion',
]);

/** The shape of a whole object: without what nobody owns. */
export function rootShape(struct: AnyStruct): StructShape {
  let shape = rootShapes.get(struct);
  if (shape === undefined) {
    const metadata = struct.fields.get('metadata');
    const whole = without(structShape(struct), unownedRoot);
    const meta = metadata?.type.is === 'struct' ? without(structShape(metadata.type.struct()), unownedMeta) : undefined;
    shape = meta === undefined ? whole : makeShape(whole.name, whole.fields.map((field) => (field.key === 'metadata' ? { ...field, shape: meta } : field)), whole.rest);
    rootShapes.set(struct, shape);
  }
  return shape;
}

function without(shape: StructShape, keys: ReadonlySet<string>): StructShape {
  return makeShape(shape.name, shape.fields.filter((field) => !keys.has(field.key)), shape.rest);
}
export function makeShape(name: string, fields: readonly FieldShape[], rest?: Shape): StructShape {
  return { is: 'struct', name, fields, byKey: new Map(fields.map((field) => [field.key, field])), ...(rest !== undefined && { rest }) };
}

/** The shape of a field of a struct, listed or not. */
export function fieldShape(shape: StructShape, key: string): Shape | undefined {
  return shape.byKey.get(key)?.shape ?? shape.rest;
}

/** What a shape is for a value: where nothing is declared, the value says. */
export function shapeFor(shape: Shape, value: unknown): Exclude<Shape, { readonly is: 'deduced' }> {
  if (shape.is !== 'deduced') return shape;
  return (isJsonObject(value) ? deducedMap : leaf) as Exclude<Shape, { readonly is: 'deduced' }>;
}

/** The shape of a struct wherever it stands. */
export function structShape(struct: AnyStruct): StructShape {
  if (struct.atRunTime !== undefined) return struct.atRunTime.shape;
  let shape = shapes.get(struct);
  if (shape === undefined) {
    const fields: FieldShape[] = [];
    const byKey = new Map<string, FieldShape>();
    // Known before its fields are: a struct may contain itself.
    shape = { is: 'struct', name: struct.name, fields, byKey };
    shapes.set(struct, shape);
    for (const [key, field] of struct.fields) {
      const made: FieldShape = { key, pathKey: `f:${key}`, shape: shapeOf(field) };
      fields.push(made);
      byKey.set(key, made);
    }
  }
  return shape;
}

function shapeOf(field: Field): Shape {
  const { type, options } = field;
  if (options.atomic === true) return leaf;
  if (options.atomic === false && type.is === 'struct') return structShape(type.struct());
  if (type.is !== 'list') return shapeOfType(type);
  if (options.listType === 'set') return { is: 'set' };
  if (options.listType !== 'map' || options.keys === undefined || type.element.is !== 'struct') return leaf;
  const item = type.element.struct();
  const keys = [...options.keys].sort().map((name) => ({ name, fallback: item.fields.get(name)?.options.default }));
  return { is: 'keyed', element: shapeOfType(type.element), keys };
}

function shapeOfType(type: FieldType): Shape {
  if (type.is === 'struct') {
    const struct = type.struct();
    return struct.atomic ? leaf : structShape(struct);
  }
  return type.is === 'map' ? { is: 'map', element: shapeOfType(type.element) } : leaf;
}

/** `k:{"name":"web"}`. Undefined when the item lacks a key that has no default. */
export function itemKey(shape: KeyedShape, item: unknown): string | undefined {
  if (!isJsonObject(item)) return undefined;
  let text = '';
  for (const { name, fallback } of shape.keys) {
    const value = item[name] ?? fallback;
    if (value === undefined) {
      // Of several keys some may be absent, as long as one is there.
      if (shape.keys.length === 1) return undefined;
      continue;
    }
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return text === '' ? undefined : `k:{${text}}`;
}

/** `v:"item"`. */
export function valueKey(item: unknown): string {
  return `v:${JSON.stringify(item)}`;
}
