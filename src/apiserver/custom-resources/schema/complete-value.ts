/**
 * The one walk over a custom object that comes in or out of the store: fields that the schema does not know are
 * dropped, nulls that may not be are taken away, defaults are filled in.
 *
 * Source: Kubernetes documentation, "CustomResourceDefinitions: field pruning", "Defaulting and nullable".
 */
import type { DecodeWalk } from '#apimachinery/decode.ts';
import { decodeWithin, pathText } from '#apimachinery/decode.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject, setOwn } from '#apimachinery/json.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { SchemaNode } from './schema-node.ts';

/** Conversion between versions fills nothing in: what has been said of an object has been said in the version it came in. */
export interface CompleteWalk extends DecodeWalk {
  readonly fillsIn?: false;
}

const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** A whole object: kind, apiVersion and metadata, then what the schema of the kind says. The result is fresh and writable. */
export function completeObject(node: SchemaNode, input: JsonObject, walk: CompleteWalk): Record<string, unknown> {
  const { path } = walk;
  const output: Record<string, unknown> = { kind: input['kind'] ?? '', apiVersion: input['apiVersion'] ?? '' };
  const metadata = input['metadata'] ?? {};
  path.push('metadata');
  output['metadata'] = decodeWithin(TemplateMeta, metadata, walk);
  path.length = 0;
  completeFields(node, input, output as Record<string, JsonValue>, walk, metaFields);
  walk.unknown?.sort();
  return output;
}

/** A value below the root. Scalars and what may hold anything are given back as they are. */
export function completeValue(node: SchemaNode | undefined, value: JsonValue, walk: CompleteWalk): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (node === undefined) return pruneAll(value, walk);
  if (Array.isArray(value)) return completeItems(node, value as readonly JsonValue[], walk);
  const output: Record<string, JsonValue> = {};
  completeFields(node, value as JsonObject, output, walk, node.isEmbedded ? metaFields : noFields);
  if (node.isEmbedded) completeTypeMeta(value as JsonObject, output, walk);
  return output;
}
const noFields: ReadonlySet<string> = new Set();

function completeFields(node: SchemaNode, input: JsonObject, output: Record<string, JsonValue>, walk: CompleteWalk, skipped: ReadonlySet<string>): void {
  const { path } = walk;
  const depth = path.length;
  for (const key of Object.keys(input)) {
    if (skipped.has(key)) continue;
    const value = input[key];
    if (value === undefined) continue;
    const named = node.properties.get(key);
    const field = named ?? (node.additional === 'any' ? undefined : node.additional);
    if (field === undefined) {
      if (node.preservesUnknown) setOwn(output, key, value);
      // Below `additionalProperties: true` every object is an unknown one.
      else if (node.additional === 'any') setOwn(output, key, within(walk, depth, key, () => pruneAll(value, walk)));
      else walk.unknown?.push(pathText(path, key));
      continue;
    }
    if (value === null && !field.nullable) {
      if (field.default !== undefined && walk.fillsIn !== false) setOwn(output, key, freshDefault(field, walk));
      continue;
    }
    if (typeof value !== 'object' || value === null) setOwn(output, key, value);
    else {
      path.push(key);
      setOwn(output, key, completeValue(field, value, walk));
      path.length = depth;
    }
  }
  if (walk.fillsIn === false) return;
  for (const key of node.defaulted) {
    if (output[key] !== undefined) continue;
    const field = node.properties.get(key);
    if (field !== undefined) setOwn(output, key, freshDefault(field, walk));
  }
}

function within(walk: DecodeWalk, depth: number, key: string | number, inner: () => JsonValue): JsonValue {
  walk.path.push(key);
  const value = inner();
  walk.path.length = depth;
  return value;
}

/** A default has defaults of its own below it. */
function freshDefault(field: SchemaNode, walk: DecodeWalk): JsonValue {
  const value = field.default ?? null;
  return typeof value === 'object' && value !== null ? completeValue(field, structuredClone(value), { ...walk, unknown: undefined }) : value;
}

function completeItems(node: SchemaNode, items: readonly JsonValue[], walk: CompleteWalk): JsonValue {
  const { path } = walk;
  const depth = path.length;
  const field = node.items;
  return items.map((item, index) => {
    if (item === null && field !== undefined && !field.nullable && field.default !== undefined) return freshDefault(field, walk);
    if (typeof item !== 'object' || item === null) return item;
    if (field === undefined && node.preservesUnknown) return item;
    path.push(index);
    const done = completeValue(field, item, walk);
    path.length = depth;
    return done;
  });
}

/** Where nothing is declared and nothing kept, objects lose all their fields; scalars and lists stay. */
function pruneAll(value: JsonValue, walk: DecodeWalk): JsonValue {
  const { path } = walk;
  const depth = path.length;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item, index) => within(walk, depth, index, () => pruneAll(item, walk)));
  if (!isJsonObject(value)) return value;
  for (const key of Object.keys(value)) walk.unknown?.push(pathText(path, key));
  return {};
}

/** An embedded object has kind, apiVersion and metadata like any other; what is wrong with them, validation says. */
function completeTypeMeta(input: JsonObject, output: Record<string, JsonValue>, walk: DecodeWalk): void {
  const { apiVersion, kind, metadata } = input;
  if (apiVersion !== undefined) output['apiVersion'] = apiVersion;
  if (kind !== undefined) output['kind'] = kind;
  if (metadata === undefined) return;
  if (!isJsonObject(metadata)) {
    output['metadata'] = metadata;
    return;
  }
  const depth = walk.path.length;
  walk.path.push('metadata');
  output['metadata'] = decodeWithin(TemplateMeta, metadata, walk) as unknown as JsonValue;
  walk.path.length = depth;
}
