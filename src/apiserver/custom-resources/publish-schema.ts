/**
 * Schemas of custom kinds as OpenAPI documents show them. Version 3 takes them nearly as they are. Version 2 knows neither
 * alternatives nor nullable values, and kubectl would refuse unknown fields if known ones were named beside them; so what
 * it cannot say is left out.
 *
 * Source: behaviour of apiextensions-apiserver (controller/openapi).
 */
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';

interface Published {
  readonly schema: JSONSchemaProps | undefined;
  /** Dotted paths. */
  readonly selectableFields: readonly string[];
}

/** What is published of a version; the metadata is a reference to ObjectMeta. */
export function publishSchema(published: Published, version: 2 | 3, refToMeta: () => JsonObject): JsonObject {
  const { schema } = published;
  const selectable = publishSelectableFields(published);
  const open: JsonObject = { type: 'object', ...selectable };
  if (schema === undefined) return open;
  if (version === 2 && schema['x-kubernetes-preserve-unknown-fields'] === true) return open;
  const unfolded = unfold(cleaned(schema as JsonObject));
  const shown = version === 2 ? toVersion2(unfolded) : unfolded;
  const whole = withEmbedded(shown, version, refToMeta);
  return { ...whole, properties: { ...(whole['properties'] as JsonObject | undefined), apiVersion: text, kind: text, metadata: refToMeta() }, ...selectable };
}

export function publishSelectableFields({ selectableFields }: Published): JsonObject {
  return selectableFields.length === 0 ? {} : { 'x-kubernetes-selectable-fields': selectableFields.map((fieldPath) => ({ fieldPath })) };
}

const text: JsonObject = { type: 'string' };

/** What says nothing does not appear: flags that are not set, empty lists and texts. */
function cleaned(schema: JsonObject): JsonObject {
  return changeBelow(Object.fromEntries(Object.entries(schema).filter(([key, value]) => !saysNothing(key, value))), cleaned);
}

function saysNothing(key: string, value: JsonValue | undefined): boolean {
  // A default may be anything, and a schema's `enum` may be empty.
  if (key === 'default' || key === 'example' || key === 'enum' || key === 'additionalProperties') return value === undefined;
  if (key === 'properties') return !isJsonObject(value) || Object.keys(value).length === 0;
  return value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0);
}

const integerOrString: JsonObject = { anyOf: [{ type: 'integer' }, { type: 'string' }] };

/** Int-or-string is said once more in words that everybody knows. */
function unfold(schema: JsonObject): JsonObject {
  const below = changeBelow(schema, unfold);
  if (below['x-kubernetes-int-or-string'] !== true || isSaid(below['anyOf'])) return below;
  const [first] = listOf(below['allOf']);
  if (isJsonObject(first) && isSaid(first['anyOf'])) return below;
  if (below['anyOf'] === undefined) return { ...below, ...integerOrString };
  return { ...below, allOf: [integerOrString, ...listOf(below['allOf'])] };
}

function isSaid(anyOf: JsonValue | undefined): boolean {
  const types = listOf(anyOf).map((each) => (isJsonObject(each) && Object.keys(each).length === 1 ? each['type'] : undefined));
  return types.length === 2 && types[0] === 'integer' && types[1] === 'string';
}

function toVersion2(schema: JsonObject): JsonObject {
  const { oneOf: _oneOf, anyOf: _anyOf, not: _not, allOf: _allOf, default: _default, nullable, ...rest } = schema;
  const isOpen = rest['x-kubernetes-preserve-unknown-fields'] === true;
  const { items, properties, type, ...others } = rest;
  const shown: Record<string, JsonValue> = { ...others };
  if (nullable !== true && !isOpen) Object.assign(shown, items !== undefined && { items }, properties !== undefined && { properties });
  const isListOfNothing = type === 'array' && shown['items'] === undefined;
  if (type !== undefined && nullable !== true && !isListOfNothing && !(isOpen && type === 'object')) shown['type'] = type;
  const required = requiredInVersion2(shown);
  if (required.length === 0) delete shown['required'];
  else shown['required'] = required;
  return changeBelow(shown, toVersion2);
}

/** A value that may be null may also be absent, for all that version 2 can say. */
function requiredInVersion2({ required, properties, additionalProperties }: JsonObject): readonly string[] {
  if (isJsonObject(additionalProperties) && additionalProperties['nullable'] === true) return [];
  const isNullable = (key: string): boolean => {
    const property = isJsonObject(properties) ? properties[key] : undefined;
    return isJsonObject(property) && property['nullable'] === true;
  };
  return (listOf(required) as readonly string[]).filter((key) => !isNullable(key));
}

function withEmbedded(schema: JsonObject, version: 2 | 3, refToMeta: () => JsonObject): JsonObject {
  const below = changeBelow(schema, (each) => withEmbedded(each, version, refToMeta));
  if (below['x-kubernetes-embedded-resource'] !== true) return below;
  if (version === 2 && below['x-kubernetes-preserve-unknown-fields'] === true) return below;
  return {
    ...below,
    properties: { ...(below['properties'] as JsonObject | undefined), apiVersion: text, kind: text, metadata: refToMeta() },
    required: [...new Set([...listOf(below['required']), 'kind', 'apiVersion'])],
  };
}

/** The schema with `change` made to those of values directly below it. */
function changeBelow(schema: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const changed: Record<string, JsonValue> = { ...schema };
  const { properties, items, additionalProperties } = schema;
  if (isJsonObject(properties)) changed['properties'] = Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, change(each as JsonObject)]));
  if (isJsonObject(items)) changed['items'] = change(items);
  if (isJsonObject(additionalProperties)) changed['additionalProperties'] = change(additionalProperties);
  return changed;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
