/** An applied configuration and a live object: which fields the one names, and how the two become one. Used by `apply.ts`. */
import type { FieldSet, FieldSetDraft } from './field-set.ts';
import { insertPath, pathText } from './field-set.ts';
import type { FieldShape, KeyedShape, Shape, StructShape } from './field-shape.ts';
import { fieldShape, itemKey, rootShape, shapeFor, structShape, valueKey } from './field-shape.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject, setOwn } from './json.ts';
import type { AnyStruct } from './schema.ts';
import { badRequest } from './status-error.ts';

/**
 * The fields that a configuration names; whoever applies it owns them. Top-level fields in `ignored` are left out.
 *
 * @throws StatusError 400 when the configuration has unknown fields, or items of a list that cannot be told apart
 */
export function fieldsOf(struct: AnyStruct, configuration: JsonObject, ignored: ReadonlySet<string>): FieldSet {
  const set: FieldSetDraft = {};
  const whole = structShape(struct);
  const shape = rootShape(struct);
  for (const [key, value] of Object.entries(configuration)) {
    const field = shape.byKey.get(key) ?? unlisted(whole, key);
    if (field === undefined) {
      if (!whole.byKey.has(key)) throw badRequest(`.${key}: field not declared in schema`);
    } else if (!ignored.has(key)) {
      // The metadata itself belongs to nobody.
      collect(set, [field.pathKey], field.shape, value, key === 'metadata' ? unownedMeta(struct) : undefined);
      if (key !== 'metadata' && isEmpty(value)) insertPath(set, [field.pathKey]);
    }
  }
  return set;
}

/** A field that is not declared, where such may be. */
function unlisted(shape: StructShape, key: string): FieldShape | undefined {
  return shape.rest === undefined || shape.byKey.has(key) ? undefined : { key, pathKey: `f:${key}`, shape: shape.rest };
}

function unownedMeta(struct: AnyStruct): StructShape | undefined {
  const type = struct.fields.get('metadata')?.type;
  return type?.is === 'struct' ? structShape(type.struct()) : undefined;
}

/** `known` has fields that may be given but are not collected. */
function collect(set: FieldSetDraft, path: readonly string[], declared: Shape, value: JsonValue, known?: StructShape): void {
  const shape = shapeFor(declared, value);
  if (shape.is === 'leaf') {
    insertPath(set, path);
    return;
  }
  if (value === null) return;
  switch (shape.is) {
    case 'struct':
      for (const [key, item] of Object.entries(mapAt(value, path))) {
        const field = shape.byKey.get(key) ?? unlisted(shape, key);
        if (field === undefined) {
          if (known?.byKey.has(key) === true) continue;
          throw badRequest(`${pathText(path)}.${key}: field not declared in schema`);
        }
        const below = [...path, field.pathKey];
        collect(set, below, field.shape, item);
        if (isEmpty(item)) insertPath(set, below);
      }
      return;
    case 'map':
      for (const [key, item] of Object.entries(mapAt(value, path))) {
        const below = [...path, `f:${key}`];
        collect(set, below, shape.element, item);
        insertPath(set, below);
      }
      return;
    case 'keyed':
    case 'set':
      collectItems(set, path, shape, listAt(value, path));
  }
}

function collectItems(set: FieldSetDraft, path: readonly string[], shape: Extract<Shape, { is: 'keyed' | 'set' }>, items: readonly JsonValue[]): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = shape.is === 'set' ? valueKey(item) : itemKey(shape, item);
    if (key === undefined) {
      const names = shape.is === 'keyed' ? shape.keys.map(({ name }) => JSON.stringify(name)).join(', ') : '';
      throw badRequest(`${pathText(path)}: element ${index}: associative list with keys has an element that omits key field ${names} (and doesn't have default value)`);
    }
    if (seen.has(key)) throw badRequest(`${pathText(path)}: duplicate entries for key ${pathText([key])}`);
    seen.add(key);
    const below = [...path, key];
    if (shape.is === 'keyed') collect(set, below, shape.element, item);
    insertPath(set, below);
  }
}

function isEmpty(value: JsonValue): boolean {
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}
function mapAt(value: JsonValue, path: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw badRequest(`${pathText(path)}: expected map, got ${JSON.stringify(value)}`);
  return value;
}
function listAt(value: JsonValue, path: readonly string[]): readonly JsonValue[] {
  if (!Array.isArray(value)) throw badRequest(`${pathText(path)}: expected list, got ${JSON.stringify(value)}`);
  return value as readonly JsonValue[];
}

/** The live object with what the configuration says. Parts that it does not name are shared with `live`. */
export function mergeConfiguration(struct: AnyStruct, live: JsonObject, configuration: JsonObject): JsonObject {
  return merge(structShape(struct), live, configuration) as JsonObject;
}

function merge(declared: Shape, live: JsonValue | undefined, applied: JsonValue): JsonValue {
  if (live === undefined || live === null || applied === null) return applied;
  const shape = shapeFor(declared, applied);
  switch (shape.is) {
    case 'leaf':
      return applied;
    case 'struct':
    case 'map': {
      if (!isJsonObject(live) || !isJsonObject(applied)) return applied;
      const merged: Record<string, JsonValue> = { ...live };
      for (const key of Object.keys(applied)) {
        const below = shape.is === 'map' ? shape.element : fieldShape(shape, key);
        setOwn(merged, key, merge(below ?? { is: 'leaf' }, Object.hasOwn(live, key) ? live[key] : undefined, applied[key] ?? null));
      }
      return merged;
    }
    case 'keyed':
      return mergeItems(live, applied, (item) => itemKey(shape, item) ?? '', (left, right) => merge(shape.element, left, right));
    case 'set':
      return mergeItems(live, applied, valueKey, (left) => left);
  }
}

/** All items of both lists. Those applied come in their order; the others stay before the applied item they stood before. */
function mergeItems(live: JsonValue, applied: JsonValue, keyOf: (item: JsonValue) => string, both: (left: JsonValue, right: JsonValue) => JsonValue): JsonValue {
  if (!Array.isArray(live) || !Array.isArray(applied)) return applied;
  const left = live as readonly JsonValue[];
  const right = applied as readonly JsonValue[];
  const before = new Map(left.map((item) => [keyOf(item), item]));
  const wanted = new Set(right.map(keyOf));
  const shared = right.map(keyOf).filter((key) => before.has(key));
  const merged: JsonValue[] = [];
  let next = 0;
  let done = 0;
  /** Takes over what nobody applied now, up to the applied item that comes next. */
  const takeOthers = (): void => {
    for (; next < left.length; next++) {
      const key = keyOf(left[next] ?? null);
      if (!wanted.has(key)) merged.push(left[next] ?? null);
      else if (key === shared[done]) return;
    }
  };
  for (const item of right) {
    takeOthers();
    const key = keyOf(item);
    const old = before.get(key);
    merged.push(old === undefined ? item : both(old, item));
    if (old !== undefined) done++;
  }
  takeOthers();
  return merged;
}

/** The object without the members of `set`, each with all that is below it. */
export function removeFields(struct: AnyStruct, value: JsonObject, set: FieldSet): JsonObject {
  return remove(structShape(struct), value, set) as JsonObject;
}

function remove(declared: Shape, value: JsonValue, set: FieldSet): JsonValue {
  const shape = shapeFor(declared, value);
  switch (shape.is) {
    case 'leaf':
      return value;
    case 'struct':
    case 'map': {
      if (!isJsonObject(value)) return value;
      const kept: Record<string, JsonValue> = {};
      for (const key of Object.keys(value)) {
        const item = value[key];
        const node = set[`f:${key}`];
        if (item === undefined || (node !== undefined && isWhole(node))) continue;
        const below = shape.is === 'map' ? shape.element : fieldShape(shape, key);
        setOwn(kept, key, node === undefined || below === undefined ? item : remove(below, item, node));
      }
      return kept;
    }
    case 'keyed':
      return removeItems(shape, value, set);
    case 'set':
      return Array.isArray(value) ? (value as readonly JsonValue[]).filter((item) => set[valueKey(item)] === undefined) : value;
  }
}

function removeItems(shape: KeyedShape, value: JsonValue, set: FieldSet): JsonValue {
  if (!Array.isArray(value)) return value;
  const kept: JsonValue[] = [];
  for (const item of value as readonly JsonValue[]) {
    const node = set[itemKey(shape, item) ?? ''];
    if (node === undefined) kept.push(item);
    else if (!isWhole(node)) kept.push(remove(shape.element, item, node));
  }
  return kept;
}

function isWhole(node: FieldSet): boolean {
  return node['.'] !== undefined || Object.keys(node).length === 0;
}

/** The set with every struct on the way to a member a member too: who owns all of a struct's fields owns the struct. */
export function withStructs(struct: AnyStruct, set: FieldSet): FieldSet {
  const { 'f:metadata': metadata, ...others } = set;
  const extended = withStructsBelow(rootShape(struct), others);
  // An object never loses its metadata.
  if (metadata === undefined) return extended;
  return { ...extended, 'f:metadata': withStructsBelow(rootShape(struct).byKey.get('metadata')?.shape, metadata) };
}
function withStructsBelow(shape: Shape | undefined, node: FieldSet): FieldSet {
  const extended: FieldSetDraft = {};
  for (const key of Object.keys(node)) {
    const below = node[key] ?? {};
    if (key === '.') {
      extended[key] = {};
      continue;
    }
    const next = shape?.is === 'struct' ? fieldShape(shape, key.slice(2)) : shape?.is === 'map' || shape?.is === 'keyed' ? shape.element : undefined;
    const child = withStructsBelow(next, below);
    extended[key] = shape?.is === 'struct' && !isWhole(child) ? { '.': {}, ...child } : child;
  }
  return extended;
}
