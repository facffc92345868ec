/**
 * Sets of fields, as managed fields name them. A set is kept in the form in which it is written (FieldsV1), so it is
 * never parsed or printed: `{"f:spec": {"f:replicas": {}}}`. Keys are `f:<field>`, `k:<JSON of a list item's keys>`,
 * `v:<JSON of a set's item>`, `i:<index>`. An empty node is a member of the set; a node with things below is one only
 * if it holds `.`. Sets are never changed in place; results share what stays the same.
 *
 * Source: API reference "FieldsV1 v1 meta".
 */
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';

export interface FieldSet {
  readonly [key: string]: FieldSet;
}
/** A set that is still being made. */
export interface FieldSetDraft {
  [key: string]: FieldSetDraft;
}

export const emptySet: FieldSet = Object.freeze({});
/** The key of a node that is itself a member, beside what is below it. */
export const self = '.';

/** What an entry of managed fields names. What is no set is taken for an empty one. */
export function fieldSetFrom(fields: JsonObject | undefined): FieldSet {
  if (fields === undefined) return emptySet;
  if (!knownSets.has(fields)) {
    if (!isSet(fields)) return emptySet;
    knownSets.add(fields);
  }
  return fields as unknown as FieldSet;
}
/** Checked once: a stored entry is read at every write to its object. */
const knownSets = new WeakSet<JsonObject>();
function isSet(value: JsonValue): boolean {
  if (!isJsonObject(value)) return false;
  for (const key in value) if (!isSet(value[key] ?? null)) return false;
  return true;
}

export function isEmptySet(set: FieldSet): boolean {
  for (const key in set) if (key !== self) return false;
  return true;
}

/** Whether the node itself, not only something below it, is in the set. */
function isMember(node: FieldSet): boolean {
  if (node[self] !== undefined) return true;
  for (const _ in node) return false;
  return true;
}

/** Makes the node at `path` a member. The path's last key is `path[length - 1]`. */
export function insertPath(root: FieldSetDraft, path: readonly string[]): void {
  let node = root;
  let isNew = false;
  for (let index = 0; index < path.length; index++) {
    const key = path[index] ?? '';
    const next = node[key];
    if (next === undefined) {
      // A member that gets something below it must say that it is one.
      if (index > 0 && !isNew && isMember(node)) node[self] = {};
      isNew = true;
      node = node[key] = {};
    } else {
      isNew = false;
      node = next;
    }
  }
  if (!isNew && !isMember(node)) node[self] = {};
}

/** Whether the node at `path` is a member. */
export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const key of path) {
    node = node[key];
    if (node === undefined) return false;
  }
  return isMember(node);
}

/** Members of either. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left;
  if (left === emptySet) return right;
  let merged: FieldSetDraft | undefined;
  for (const key in right) {
    if (key === self) continue;
    const mine = left[key];
    const other = right[key] ?? emptySet;
    const both = mine === undefined ? other : unionNode(mine, other);
    if (both === mine) continue;
    merged ??= { ...left };
    merged[key] = both;
  }
  return merged ?? left;
}
function unionNode(left: FieldSet, right: FieldSet): FieldSet {
  const leftIsMember = isMember(left);
  const below = union(left, right);
  if (leftIsMember || isMember(right)) {
    if (below === left && leftIsMember) return left;
    return isEmptySet(below) ? emptySet : { [self]: emptySet, ...below };
  }
  return below;
}

/** Members of `left` that are none of `right`. A member above or below in `right` takes nothing away. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return emptySet;
  let rest: FieldSetDraft | undefined;
  for (const key in right) {
    const mine = left[key];
    if (mine === undefined || key === self) continue;
    const kept = differenceNode(mine, right[key] ?? emptySet);
    if (kept === mine) continue;
    rest ??= { ...left };
    if (kept === undefined) delete rest[key];
    else rest[key] = kept;
  }
  return rest ?? left;
}
function differenceNode(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const stays = isMember(left);
  const isLeft = stays && !isMember(right);
  const below = difference(left, right);
  if (isEmptySet(below)) return isLeft ? (stays && isEmptySet(left) ? left : emptySet) : undefined;
  if (isLeft || !stays) return below;
  const { [self]: _, ...others } = below;
  return others;
}

/** Members of both. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  const both: FieldSetDraft = {};
  for (const key in left) {
    const other = right[key];
    if (other === undefined || key === self) continue;
    const mine = left[key] ?? emptySet;
    const node = intersection(mine, other);
    const isBoth = isMember(mine) && isMember(other);
    if (isEmptySet(node) && !isBoth) continue;
    both[key] = isBoth && !isEmptySet(node) ? { [self]: {}, ...node } : node;
  }
  return both;
}

/** The paths of all members, those of one node before those below it, sorted. */
export function* members(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const keys = Object.keys(set).filter((key) => key !== self).sort();
  for (const key of keys) if (isMember(set[key] ?? emptySet)) yield [...prefix, key];
  for (const key of keys) yield* members(set[key] ?? emptySet, [...prefix, key]);
}

/** The path as conflicts print it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(keyText).join('');
}
function keyText(key: string): string {
  const content = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:':
      return `.${content}`;
    case 'k:':
      return `[${Object.entries(JSON.parse(content) as JsonObject).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    case 'v:':
      return `[=${content}]`;
    default:
      return `[${content}]`;
  }
}
