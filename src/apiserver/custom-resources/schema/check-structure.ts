/** What schemas ask of values beyond OpenAPI: identities of list items, metadata of embedded objects. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, required } from '#apimachinery/field-error.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { dns1035Label, validateObjectMeta } from '#apimachinery/names.ts';
import type { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { SchemaNode } from './schema-node.ts';

/** Items of sets and of map lists that stand there twice. */
export function* checkListTypes(node: SchemaNode, value: unknown, path: string): Iterable<FieldError> {
  if (!node.holds.listTypes) return;
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    if (node.listType === 'set') yield* repeated(items, path, (item) => item);
    if (node.listType === 'map') yield* repeatedKeys(node, items, path);
    if (node.items !== undefined) for (const [index, item] of items.entries()) yield* checkListTypes(node.items, item, `${path}[${index}]`);
  } else if (isJsonObject(value)) {
    for (const [key, item, field, at] of fieldsOf(node, value, path)) if (key !== '') yield* checkListTypes(field, item, at);
  }
}

function* repeatedKeys(node: SchemaNode, items: readonly unknown[], path: string): Iterable<FieldError> {
  for (const [index, item] of items.entries()) {
    if (item !== null && !isJsonObject(item)) {
      yield invalidValue(`${path}[${index}]`, item, 'must be an object for an array of list-type map');
      return;
    }
  }
  yield* repeated(items, path, (item) => Object.fromEntries(node.listKeys.filter((key) => isJsonObject(item) && item[key] !== undefined).map((key) => [key, (item as JsonObject)[key]])));
}

function* repeated(items: readonly unknown[], path: string, identityOf: (item: unknown) => unknown): Iterable<FieldError> {
  if (items.length < 2) return;
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const identity = identityOf(item);
    const key = JSON.stringify(identity);
    const times = seen.get(key) ?? 0;
    if (times === 1) yield duplicate(`${path}[${index}]`, identity);
    seen.set(key, times + 1);
  }
}

/** kind, apiVersion and metadata of the objects within an object. `isRoot`: those of the whole have been looked at. */
export function* checkEmbedded(node: SchemaNode, value: unknown, path: string, isRoot = true): Iterable<FieldError> {
  if (!node.holds.embedded) return;
  if (Array.isArray(value)) {
    if (node.items !== undefined) for (const [index, item] of (value as readonly unknown[]).entries()) yield* checkEmbedded(node.items, item, `${path}[${index}]`, false);
    return;
  }
  if (!isJsonObject(value)) return;
  if (node.isEmbedded && !isRoot) yield* checkTypeMeta(value, path);
  for (const [key, item, field, at] of fieldsOf(node, value, path)) if (key !== '') yield* checkEmbedded(field, item, at, false);
}

function* checkTypeMeta(value: JsonObject, path: string): Iterable<FieldError> {
  const { apiVersion, kind, metadata } = value;
  if (apiVersion === undefined) yield required(`${path}.apiVersion`);
  else if (typeof apiVersion !== 'string') yield invalidValue(`${path}.apiVersion`, apiVersion, 'must be a string');
  else if (apiVersion === '') yield invalidValue(`${path}.apiVersion`, apiVersion, 'must not be empty');
  else if (apiVersion.split('/').length > 2) yield invalidValue(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  if (kind === undefined) yield required(`${path}.kind`);
  else if (typeof kind !== 'string') yield invalidValue(`${path}.kind`, kind, 'must be a string');
  else if (kind === '') yield invalidValue(`${path}.kind`, kind, 'must not be empty');
  else for (const message of dns1035Label(kind.toLowerCase())) yield invalidValue(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${message}`);
  if (metadata === undefined) return;
  if (!isJsonObject(metadata)) {
    yield invalidValue(`${path}.metadata`, metadata, 'must be an object');
    return;
  }
  const meta = metadata as unknown as TemplateMeta;
  // A template needs no name; one that has a namespace is of a namespaced kind.
  const named = { ...meta, name: (meta.name ?? '') === '' ? 'fakename' : meta.name };
  yield* validateObjectMeta(named, { path: `${path}.metadata`, nameRule: 'path-segment', namespaced: (meta.namespace ?? '') !== '' });
}

function* fieldsOf(node: SchemaNode, value: JsonObject, path: string): Iterable<readonly [string, unknown, SchemaNode, string]> {
  for (const key of Object.keys(value)) {
    const named = node.properties.get(key);
    if (named !== undefined) yield [key, value[key], named, path === '' ? key : `${path}.${key}`];
    else if (typeof node.additional === 'object') yield [key, value[key], node.additional, `${path}[${key}]`];
  }
}
