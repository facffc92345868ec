/** OpenAPI documents of version 2: parts of them, and several as one. Pure. Source: behaviour of kube-aggregator. */
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';

/** What a reference starts with, and the part of the document that it leads to. */
const sections = [['#/definitions/', 'definitions'], ['#/parameters/', 'parameters'], ['#/responses/', 'responses']] as const;
type Section = (typeof sections)[number][1];
const kindsKey = 'x-kubernetes-group-version-kind';

/** The paths that start with `prefix`, and what they refer to. */
export function partUnder(document: JsonObject, prefix: string): JsonObject {
  const paths = Object.fromEntries(Object.entries(partOf(document, 'paths')).filter(([path]) => path.startsWith(prefix)));
  return withReferenced(document, paths);
}

/**
 * Both documents in one. A path of both is the first one's. What has the same name in both and is not the same gets
 * another name, `<name>_v2` and so on; what is the same but for the kinds it stands for is one, and stands for all of them.
 */
export function mergeOpenApi(first: JsonObject, second: JsonObject): JsonObject {
  const paths = partOf(first, 'paths');
  const added = Object.fromEntries(Object.entries(partOf(second, 'paths')).filter(([path]) => !Object.hasOwn(paths, path)));
  const part = withReferenced(second, added);
  const merged: Partial<Record<Section, Record<string, JsonValue>>> = {};
  const renamed = new Map<string, string>();
  for (const [prefix, section] of sections) {
    const target: Record<string, JsonValue> = { ...partOf(first, section) };
    for (const [name, own] of Object.entries(partOf(part, section))) {
      const free = nameFor(target, name, own);
      if (free !== name) renamed.set(`${prefix}${escaped(name)}`, `${prefix}${escaped(free)}`);
      target[free] = Object.hasOwn(target, free) ? withKindsOf(target[free] ?? null, own) : own;
    }
    if (Object.keys(target).length > 0 || section === 'definitions') merged[section] = target;
  }
  if (renamed.size === 0) return { ...first, ...merged, paths: { ...paths, ...added } };
  // Only what has been added refers to what has been renamed.
  for (const [, section] of sections) {
    const target = merged[section] ?? {};
    for (const [name, value] of Object.entries(target)) if (!Object.hasOwn(partOf(first, section), name)) target[name] = rewritten(value, renamed);
  }
  return { ...first, ...merged, paths: { ...paths, ...rewritten(added, renamed) as JsonObject } };
}

function nameFor(target: Readonly<Record<string, JsonValue>>, name: string, own: JsonValue): string {
  let free = name;
  for (let number = 2; Object.hasOwn(target, free) && !isSameButKinds(target[free] ?? null, own); number++) free = `${name}_v${number}`;
  return free;
}

function isSameButKinds(left: JsonValue, right: JsonValue): boolean {
  return sameJson(withoutKinds(left), withoutKinds(right));
}

function withoutKinds(value: JsonValue): JsonValue {
  if (!isJsonObject(value) || !(kindsKey in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== kindsKey));
}

function withKindsOf(before: JsonValue, own: JsonValue): JsonValue {
  if (!isJsonObject(before) || !isJsonObject(own)) return before;
  const known = listOf(before[kindsKey]);
  const more = listOf(own[kindsKey]).filter((each) => !known.some((other) => sameJson(each, other)));
  return more.length === 0 ? before : { ...before, [kindsKey]: [...known, ...more] };
}

function withReferenced(document: JsonObject, paths: JsonObject): JsonObject {
  const found: Record<Section, Record<string, JsonValue>> = { definitions: {}, parameters: {}, responses: {} };
  const open: JsonValue[] = [paths];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const reference of referencesIn(value)) {
      const [prefix, section] = sections.find(([start]) => reference.startsWith(start)) ?? [];
      if (prefix === undefined || section === undefined) continue;
      const name = unescaped(reference.slice(prefix.length));
      const target = partOf(document, section)[name];
      if (target === undefined || Object.hasOwn(found[section], name)) continue;
      found[section][name] = target;
      open.push(target);
    }
  }
  const { definitions, parameters, responses } = found;
  const { parameters: _parameters, responses: _responses, ...rest } = document;
  return { ...rest, paths, definitions, ...(Object.keys(parameters).length > 0 && { parameters }), ...(Object.keys(responses).length > 0 && { responses }) };
}

function* referencesIn(value: JsonValue): Generator<string> {
  if (Array.isArray(value)) {
    for (const each of value as readonly JsonValue[]) yield* referencesIn(each);
  } else if (isJsonObject(value)) {
    for (const [key, each] of Object.entries(value)) {
      if (key === '$ref' && typeof each === 'string') yield each;
      else yield* referencesIn(each);
    }
  }
}

/** The same with other references. */
function rewritten(value: JsonValue, names: ReadonlyMap<string, string>): JsonValue {
  return mapReferences(value, (reference) => names.get(reference) ?? reference);
}

export function mapReferences(value: JsonValue, change: (reference: string) => string): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((each) => mapReferences(each, change));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === '$ref' && typeof each === 'string' ? change(each) : mapReferences(each, change)]));
}

export function partOf(document: JsonObject, name: string): JsonObject {
  const part = document[name];
  return isJsonObject(part) ? part : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value as readonly JsonValue[] : [];
}

/** Source: RFC 6901. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
function unescaped(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}
