/**
 * JSON patch: a list of operations on paths, all or nothing. Objects are never changed in place; what no operation
 * touches is shared with the original.
 *
 * Source: RFC 6902, RFC 6901. As Kubernetes does: negative indexes count from the end, `test` takes a missing value for
 * null, the number of operations and what `copy` may add are bounded.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject, sameJson, setOwn } from './json.ts';
import { badRequest, StatusError } from './status-error.ts';

/** Kubernetes' bound: more is a mistake or an attack. */
const maxOperations = 10_000;
/** What all copies together may add, in characters of JSON: as much as a request may bring. */
const maxCopied = 3 * 1024 * 1024;

/**
 * The document after all operations.
 *
 * @throws StatusError 400 when the patch is no list of operations, 413 when it is too long, 422 when an operation fails
 */
export function jsonPatch(document: JsonObject, patch: unknown): JsonValue {
  if (!Array.isArray(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${patch === null ? 'null' : typeof patch} into Go value of type []handlers.jsonPatchOp`);
  if (patch.length > maxOperations) {
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  }
  let result: JsonValue = document;
  let copied = 0;
  for (const operation of patch as readonly unknown[]) {
    if (!isJsonObject(operation)) throw badRequest(`json: cannot unmarshal ${operation === null ? 'null' : typeof operation} into Go value of type jsonpatch.Operation`);
    if (operation['op'] === 'copy') {
      copied += JSON.stringify(read(result, pathOf(operation, 'from')) ?? null).length;
      if (copied > maxCopied) throw failed(`Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${maxCopied}`);
    }
    result = perform(result, operation);
  }
  return result;
}

function perform(document: JsonValue, operation: JsonObject): JsonValue {
  const path = pathOf(operation, 'path');
  switch (operation['op']) {
    case 'add':
      return edit(document, path, 0, added(valueOf(operation)));
    case 'remove':
      return edit(document, path, 0, removed);
    case 'replace':
      return edit(document, path, 0, replaced(valueOf(operation)));
    case 'move': {
      const from = pathOf(operation, 'from');
      if (from.length < path.length && from.every((key, index) => key === path[index])) throw failed('cannot move a value into itself');
      const moved = mustRead(document, from);
      return edit(edit(document, from, 0, removed), path, 0, added(moved));
    }
    case 'copy':
      return edit(document, path, 0, added(mustRead(document, pathOf(operation, 'from'))));
    case 'test':
      if (!sameJson(read(document, path) ?? null, operation['value'] ?? null)) throw failed(`testing path /${path.join('/')} failed`);
      return document;
    default:
      throw failed(`Unexpected kind: ${JSON.stringify(operation['op'])}`);
  }
}

/** What to do where a path ends: `parent` is what holds its last key, or undefined at the root. */
type Edit = (parent: JsonObject | readonly JsonValue[] | undefined, key: string) => JsonValue;

/** Copies the way to the end of the path, and edits there. */
function edit(node: JsonValue, path: readonly string[], depth: number, change: Edit): JsonValue {
  const key = path[depth];
  if (key === undefined) return change(undefined, '');
  if (!isContainer(node)) throw missing(path);
  if (depth === path.length - 1) return change(node, key);
  if (Array.isArray(node)) {
    const index = indexOf(key, node.length, node.length - 1);
    return (node as readonly JsonValue[]).with(index, edit((node as readonly JsonValue[])[index] ?? null, path, depth + 1, change));
  }
  const object = node as JsonObject;
  if (!Object.hasOwn(object, key) || object[key] === undefined) throw missing(path);
  const copy = { ...object };
  setOwn(copy, key, edit(object[key], path, depth + 1, change));
  return copy;
}

function added(value: JsonValue): Edit {
  return (parent, key) => {
    if (parent === undefined) return value;
    if (isJsonArray(parent)) return parent.toSpliced(key === '-' ? parent.length : indexOf(key, parent.length, parent.length), 0, value);
    const copy = { ...parent };
    setOwn(copy, key, value);
    return copy;
  };
}

function replaced(value: JsonValue): Edit {
  return (parent, key) => {
    if (parent === undefined) return value;
    if (isJsonArray(parent)) return parent.with(indexOf(key, parent.length, parent.length - 1), value);
    if (!Object.hasOwn(parent, key) || parent[key] === undefined) throw failed(`replace operation does not apply: doc is missing key: ${key}`);
    const copy = { ...parent };
    setOwn(copy, key, value);
    return copy;
  };
}

const removed: Edit = (parent, key) => {
  if (parent === undefined) return null;
  if (isJsonArray(parent)) return parent.toSpliced(indexOf(key, parent.length, parent.length - 1), 1);
  if (!Object.hasOwn(parent, key) || parent[key] === undefined) throw failed(`Unable to remove nonexistent key: ${key}`);
  const copy = { ...parent };
  delete copy[key];
  return copy;
};

function read(document: JsonValue, path: readonly string[]): JsonValue | undefined {
  let node: JsonValue | undefined = document;
  for (const key of path) {
    if (node === undefined || !isContainer(node)) return undefined;
    if (isJsonArray(node)) node = node[indexOf(key, node.length, node.length - 1)];
    else node = Object.hasOwn(node, key) ? node[key] : undefined;
  }
  return node;
}
function mustRead(document: JsonValue, path: readonly string[]): JsonValue {
  const value = read(document, path);
  if (value === undefined) throw missing(path);
  return value;
}

function indexOf(key: string, length: number, max: number): number {
  if (!/^-?(0|[1-9][0-9]*)$/.test(key)) throw failed(`Unable to access invalid index: ${key}`);
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  if (index < 0 || index > max) throw failed(`Unable to access invalid index: ${key}`);
  return index;
}

function pathOf(operation: JsonObject, key: 'path' | 'from'): readonly string[] {
  const text = operation[key];
  if (typeof text !== 'string') throw failed(`missing ${key}`);
  if (text === '') return [];
  if (!text.startsWith('/')) throw failed(`${key} must start with "/": ${text}`);
  return text.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
function valueOf(operation: JsonObject): JsonValue {
  return operation['value'] ?? null;
}

function isContainer(value: JsonValue): value is JsonObject | readonly JsonValue[] {
  return typeof value === 'object' && value !== null;
}
function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function missing(path: readonly string[]): StatusError {
  return failed(`doc is missing path: /${path.join('/')}`);
}
/** The message is Kubernetes'; what went wrong is in the cause, for logs. */
function failed(why: string): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}, { cause: new Error(why) });
}
