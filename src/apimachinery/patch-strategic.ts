/**
 * Strategic merge patch: like a merge patch, but lists whose items have a key are merged item by item. Which lists those
 * are is in the declaration (`patch`, `mergeKey`). Directives in the patch:
 * - `$patch: replace | delete | merge` in a map or list item;
 * - `$retainKeys: [...]`: keys of the map that are not named go away;
 * - `$deleteFromPrimitiveList/x: [...]`: these values of list `x` go away;
 * - `$setElementOrder/x: [...]`: how the items of list `x` are ordered.
 *
 * Source: Kubernetes' API conventions, "Patch operations"; design proposal "Strategic Merge Patch".
 */
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject, sameJson, setOwn } from './json.ts';
import { orderMerged } from './patch-order.ts';
import type { AnyStruct, Field, FieldType } from './schema.ts';
import { badRequest } from './status-error.ts';

const patchKey = '$patch';
const retainKey = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/**
 * The object after the patch; what the patch does not touch is shared with `current`. Values that are new stand as the
 * patch has them: decode the result.
 *
 * @throws StatusError 400 when the patch does not fit the format
 */
export function strategicMergePatch(struct: AnyStruct, current: JsonObject, patch: unknown): JsonObject {
  if (!isJsonObject(patch)) throw badRequest('Invalid JSON Patch');
  return mergeMap(struct, current, patch);
}

/** `struct` is undefined below maps and raw JSON, where there is no declaration. */
function mergeMap(struct: AnyStruct | undefined, current: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch[patchKey];
  if (directive === 'replace') return withoutDirectives(patch) as JsonObject;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);

  const merged = new CopyOnWrite(current);
  retainKeys(merged, patch);
  for (const key of Object.keys(patch)) {
    if (key === patchKey || key === retainKey) continue;
    const change = patch[key];
    if (key.startsWith(deletePrefix)) {
      deleteValues(merged, key.slice(deletePrefix.length), change);
      continue;
    }
    if (key.startsWith(orderPrefix)) {
      const name = key.slice(orderPrefix.length);
      // With a patch for the list itself, the order is applied there.
      if (patch[name] === undefined || patch[name] === null) reorder(merged, struct?.fields.get(name), name, change);
      continue;
    }
    if (change === null || change === undefined) merged.delete(key);
    else mergeKey(merged, key, struct?.fields.get(key), change, patch[`${orderPrefix}${key}`]);
  }
  return merged.result();
}

/** A map that is copied at the first change. */
class CopyOnWrite {
  readonly #current: JsonObject;
  #copy: Record<string, JsonValue> | undefined;

  constructor(current: JsonObject) {
    this.#current = current;
  }
  get(key: string): JsonValue | undefined {
    const map = this.result();
    return Object.hasOwn(map, key) ? map[key] : undefined;
  }
  set(key: string, value: JsonValue): void {
    if (this.get(key) === value) return;
    setOwn((this.#copy ??= { ...this.#current }), key, value);
  }
  delete(key: string): void {
    if (this.get(key) === undefined) return;
    delete (this.#copy ??= { ...this.#current })[key];
  }
  keys(): string[] {
    return Object.keys(this.result());
  }
  result(): JsonObject {
    return this.#copy ?? this.#current;
  }
}

function retainKeys(merged: CopyOnWrite, patch: JsonObject): void {
  const retained = patch[retainKey];
  if (retained === undefined) return;
  if (!isList(retained)) throw badRequest('invalid patch format of retainKeys');
  const kept = new Set(retained);
  for (const key of Object.keys(patch)) {
    if (key === retainKey || key === patchKey || patch[key] === null || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    if (!kept.has(key)) throw badRequest('invalid patch format of retainKeys');
  }
  for (const key of merged.keys()) if (!kept.has(key)) merged.delete(key);
}

function deleteValues(merged: CopyOnWrite, key: string, values: JsonValue | undefined): void {
  if (!isList(values)) throw badRequest('invalid patch format of primitive list');
  const list = merged.get(key);
  if (!isList(list)) return;
  merged.set(key, list.filter((item) => !values.includes(item)));
}

function mergeKey(merged: CopyOnWrite, key: string, field: Field | undefined, change: JsonValue, order: JsonValue | undefined): void {
  const before = merged.get(key);
  const strategy = field?.options.patch ?? '';
  if (isJsonObject(before) && isJsonObject(change)) {
    if (strategy.startsWith('replace')) merged.set(key, withoutDirectives(change));
    else merged.set(key, mergeMap(structOf(field?.type), before, change));
  } else if (isList(before) && isList(change) && strategy.startsWith('merge')) {
    merged.set(key, mergeList(field, before, change, order));
  } else if (isList(before) && isList(change)) {
    merged.set(key, sameJson(before, change) ? before : change.map(withoutDirectives));
  } else if (isJsonObject(change) && change[patchKey] !== undefined) {
    // There is nothing to delete; what replaces nothing is just set.
    if (change[patchKey] === 'delete') merged.delete(key);
    else merged.set(key, mergeMap(structOf(field?.type), {}, change));
  } else {
    merged.set(key, withoutDirectives(change));
  }
}

function mergeList(field: Field | undefined, before: readonly JsonValue[], change: readonly JsonValue[], order: JsonValue | undefined): readonly JsonValue[] {
  if (before.length === 0 && change.length === 0) return before;
  if (order !== undefined && !isList(order)) throw badRequest('invalid patch format of setElementOrder list');
  const mergeBy = field?.options.mergeKey;
  if (![...before, ...change].every(isJsonObject)) {
    if (change.some((item) => typeof item === 'object' && item !== null)) throw badRequest('lists of lists are not supported');
    return orderMerged([...new Set([...before, ...change])], before, order ?? change, (item) => item);
  }
  if (mergeBy === undefined) throw badRequest(`cannot merge lists without merge key for ${structOf(field?.type)?.name ?? 'list'}`);
  const keyOf = (item: JsonValue): JsonValue => keyIn(item, mergeBy);
  const items = change.filter((item) => (item as JsonObject)[patchKey] === undefined) as JsonObject[];
  if (order !== undefined) checkOrder(items, order, keyOf);
  const kept = applyListDirectives(before, change as readonly JsonObject[], keyOf);
  if (kept === undefined) return items.map(withoutDirectives);
  const merged: JsonValue[] = [...kept];
  for (const item of items) {
    const key = keyOf(item);
    const index = merged.findIndex((each) => keyOf(each) === key);
    if (index < 0) merged.push(withoutDirectives(item));
    else merged[index] = mergeMap(structOf(field?.type), merged[index] as JsonObject, item);
  }
  const ordered = orderMerged(merged, before, order ?? items, keyOf);
  return ordered.length === before.length && ordered.every((item, index) => item === before[index]) ? before : ordered;
}

/** The items left after `$patch: delete`; undefined when `$patch: replace` says that none are. */
function applyListDirectives(before: readonly JsonValue[], change: readonly JsonObject[], keyOf: (item: JsonValue) => JsonValue): readonly JsonValue[] | undefined {
  let kept = before;
  let replaces = false;
  for (const item of change) {
    const directive = item[patchKey];
    if (directive === undefined) continue;
    if (directive === 'replace') replaces = true;
    else if (directive === 'merge') throw badRequest('merging lists cannot yet be specified in the patch');
    else if (directive !== 'delete') throw badRequest(`unknown patch type: ${goText(directive)} in map: ${goText(item)}`);
    else {
      const key = keyOf(item);
      kept = kept.filter((each) => keyOf(each) !== key);
    }
  }
  return replaces ? undefined : kept;
}

/** The patch's items must be named in the order list, in the same order. */
function checkOrder(items: readonly JsonObject[], order: readonly JsonValue[], keyOf: (item: JsonValue) => JsonValue): void {
  if (items.length === 0 || order.length === 0) return;
  let found = 0;
  for (const named of order) {
    const item = items[found];
    if (item !== undefined && keyOf(item) === keyOf(named)) found++;
  }
  if (found < items.length) throw badRequest(`The order in patch list:\n${goText(items)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
}

function reorder(merged: CopyOnWrite, field: Field | undefined, key: string, order: JsonValue | undefined): void {
  if (!isList(order)) throw badRequest('invalid patch format of setElementOrder list');
  const list = merged.get(key);
  if (!isList(list)) return;
  const mergeBy = field?.options.mergeKey;
  merged.set(key, orderMerged(list, list, order, mergeBy === undefined ? (item) => item : (item) => keyIn(item, mergeBy)));
}

function keyIn(item: JsonValue, mergeBy: string): JsonValue {
  const key = isJsonObject(item) ? item[mergeBy] : undefined;
  if (key === undefined) throw badRequest(`map: ${goText(item)} does not contain declared merge key: ${mergeBy}`);
  return key;
}

/** A value that is new: nulls and directives have nothing to act on. */
function withoutDirectives(value: JsonValue): JsonValue {
  if (isList(value)) return value.filter((item) => !(isJsonObject(item) && item[patchKey] !== undefined)).map(withoutDirectives);
  if (!isJsonObject(value)) return value;
  const output: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const each = value[key];
    if (each === undefined || each === null || key === patchKey || key === retainKey || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    if (isJsonObject(each) && each[patchKey] === 'delete') continue;
    setOwn(output, key, withoutDirectives(each));
  }
  return output;
}

function structOf(type: FieldType | undefined): AnyStruct | undefined {
  if (type === undefined || type.is === 'scalar') return undefined;
  // Maps have keys of their own between them and the struct of their values; no declared map of structs is patched by key.
  if (type.is === 'map') return undefined;
  return type.is === 'struct' ? type.struct() : structOf(type.element);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A value as Go prints it with %v, which is how these errors show values: `map[image:x name:y]`. */
function goText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (isList(value)) return `[${value.map(goText).join(' ')}]`;
  if (isJsonObject(value)) return `map[${Object.keys(value).sort().map((key) => `${key}:${goText(value[key])}`).join(' ')}]`;
  return String(value);
}
