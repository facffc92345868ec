/** Schemas of custom kinds as OpenAPI documents show them. */
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';

interface Published {
  readonly schema: JSONSchemaProps;
  readonly selectableFields: readonly string[];
}

const apiVersion: JsonObject = {
  type: 'string',
  description: 'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
};
const kind: JsonObject = {
  type: 'string',
  description: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
};

/** What is published of a version; the metadata is a reference to ObjectMeta. */
export function publishSchema({ schema, selectableFields }: Published, version: 2 | 3, refToMeta: () => JsonObject): JsonObject {
  const selectable = selectableFields.length === 0 ? {} : { 'x-kubernetes-selectable-fields': selectableFields.map((fieldPath) => ({ fieldPath })) };
  // Clients would refuse unknown fields if known ones were named beside them.
  if (version === 2 && schema['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'object', ...selectable };
  const published = version === 2 ? toVersion2(schema as JsonObject, refToMeta) : withEmbedded(schema as JsonObject, refToMeta);
  return { ...published, type: 'object', properties: { ...(published['properties'] as JsonObject | undefined), apiVersion, kind, metadata: refToMeta() }, ...selectable };
}

function withEmbedded(schema: JsonObject, refToMeta: () => JsonObject): JsonObject {
  const below = mapSchemas(schema, (each) => withEmbedded(each, refToMeta));
  return below['x-kubernetes-embedded-resource'] === true ? embedded(below, refToMeta) : below;
}

function embedded(schema: JsonObject, refToMeta: () => JsonObject): JsonObject {
  const needed = (schema['required'] as readonly string[] | undefined) ?? [];
  return {
    ...schema,
    properties: { ...(schema['properties'] as JsonObject | undefined), apiVersion, kind, metadata: refToMeta() },
    required: [...new Set([...needed, 'kind', 'apiVersion'])],
  };
}

/** Version 2 knows neither alternatives nor nullable values; what it cannot say is left out. */
function toVersion2(schema: JsonObject, refToMeta: () => JsonObject): JsonObject {
  const { oneOf: _oneOf, anyOf: _anyOf, not: _not, allOf: _allOf, nullable, default: _default, ...rest } = mapSchemas(schema, (each) => toVersion2(each, refToMeta));
  if (nullable === true) {
    const { type: _type, items: _items, properties: _properties, additionalProperties: _additional, required: _required, ...untyped } = rest;
    return untyped;
  }
  if (rest['x-kubernetes-preserve-unknown-fields'] === true) {
    const { items: _items, properties: _properties, ...open } = rest;
    return open;
  }
  if (rest['x-kubernetes-int-or-string'] === true) {
    const { type: _type, ...either } = rest;
    return either;
  }
  return rest['x-kubernetes-embedded-resource'] === true ? embedded(rest, refToMeta) : rest;
}

/** The schema with `change` made to those directly below it. */
function mapSchemas(schema: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const changed: Record<string, JsonValue> = { ...schema };
  const { properties, items, additionalProperties } = schema;
  if (isJsonObject(properties)) changed['properties'] = Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, change(each as JsonObject)]));
  if (isJsonObject(items)) changed['items'] = change(items);
  if (isJsonObject(additionalProperties)) changed['additionalProperties'] = change(additionalProperties);
  return changed;
}
