/**
 * A document of OpenAPI version 2 in the form of version 3, for API servers that only speak the older one. Pure. What
 * version 2 cannot say (unions, null) stays unsaid. Source: OpenAPI 2.0 and 3.0.
 */
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { mapReferences, partOf } from './merge-openapi.ts';

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);
/** What of a parameter is said of its value. */
const schemaKeys = new Set(['type', 'format', 'items', 'default', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'enum', 'multipleOf']);
const anyMedia: readonly string[] = ['*/*'];

export function toVersion3(document: JsonObject): JsonObject {
  const produces = texts(document['produces']);
  const consumes = texts(document['consumes']);
  const paths = mapped(partOf(document, 'paths'), (item) => pathItem(document, item, { produces, consumes }));
  const securitySchemes = mapped(partOf(document, 'securityDefinitions'), (scheme) => (scheme['type'] === 'basic' ? { type: 'http', scheme: 'basic' } : scheme));
  const changed = mapReferences({
    openapi: '3.0.0', info: document['info'] ?? { title: '', version: '' }, paths,
    components: { schemas: partOf(document, 'definitions'), ...(Object.keys(securitySchemes).length > 0 && { securitySchemes }) },
  }, (reference) => reference.replace('#/definitions/', '#/components/schemas/'));
  return changed as JsonObject;
}

interface Media {
  readonly produces: readonly string[];
  readonly consumes: readonly string[];
}

function pathItem(document: JsonObject, item: JsonObject, media: Media): JsonObject {
  return Object.fromEntries(Object.entries(item).map(([key, value]) => {
    if (methods.has(key) && isJsonObject(value)) return [key, operation(document, value, media)];
    if (key === 'parameters') return [key, parametersOf(document, value).filter((each) => each['in'] !== 'body').map(parameter)];
    return [key, value];
  }));
}

function operation(document: JsonObject, before: JsonObject, media: Media): JsonObject {
  const { consumes, produces, parameters, responses, schemes: _schemes, ...rest } = before;
  const given = parametersOf(document, parameters);
  const body = given.find((each) => each['in'] === 'body');
  const others = given.filter((each) => each['in'] !== 'body').map(parameter);
  const answered = firstNonEmpty(texts(produces), media.produces);
  return {
    ...rest,
    ...(others.length > 0 && { parameters: others }),
    ...(body !== undefined && {
      requestBody: {
        ...(body['description'] !== undefined && { description: body['description'] }), ...(body['required'] === true && { required: true }),
        content: contentOf(firstNonEmpty(texts(consumes), media.consumes), body['schema'] ?? {}),
      },
    }),
    responses: mapped(isJsonObject(responses) ? responses : {}, (response) => responseOf(document, response, answered)),
  };
}

function responseOf(document: JsonObject, response: JsonObject, produces: readonly string[]): JsonObject {
  const { schema, examples: _examples, headers, ...rest } = resolved(document, response);
  return { description: '', ...rest, ...(isJsonObject(headers) && { headers: mapped(headers, parameter) }), ...(schema !== undefined && { content: contentOf(produces, schema) }) };
}

function contentOf(media: readonly string[], schema: JsonValue): JsonObject {
  return Object.fromEntries(media.map((each) => [each, { schema }]));
}

function parametersOf(document: JsonObject, value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject).map((each) => resolved(document, each)) : [];
}

function parameter(before: JsonObject): JsonObject {
  const entries = Object.entries(before);
  const schema = Object.fromEntries(entries.filter(([key]) => schemaKeys.has(key)));
  return { ...Object.fromEntries(entries.filter(([key]) => !schemaKeys.has(key) && key !== 'collectionFormat')), schema };
}

/** Parameters and responses that are only referred to are put where they are meant. */
function resolved(document: JsonObject, value: JsonObject): JsonObject {
  const [, section, name] = /^#\/(parameters|responses)\/(.+)$/.exec(typeof value['$ref'] === 'string' ? value['$ref'] : '') ?? [];
  const found = section === undefined || name === undefined ? undefined : partOf(document, section)[name];
  return isJsonObject(found) ? found : value;
}

function mapped(object: JsonObject, change: (value: JsonObject) => JsonValue): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, isJsonObject(value) ? change(value) : value]));
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter((each) => typeof each === 'string') : [];
}

function firstNonEmpty(own: readonly string[], general: readonly string[]): readonly string[] {
  return own.length > 0 ? own : general.length > 0 ? general : anyMedia;
}
