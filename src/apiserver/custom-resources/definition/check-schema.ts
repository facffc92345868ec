/**
 * What a schema must be to be structural, and what of OpenAPI definitions may use.
 *
 * Source: Kubernetes documentation, "Specifying a structural schema"; wording as the API server's validation.
 */
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';
import { RegularExpressionError, regularExpression } from '#cel/regular-expression.ts';

type Level = 'root' | 'item' | 'field';
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const intOrString = [{ type: 'integer' }, { type: 'string' }];

/** Everything wrong with the form of a version's schema. */
export function checkSchema(schema: JSONSchemaProps, path: string, hasStatus: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (hasStatus) errors.push(...checkRootFields(schema, path));
  if (schema.nullable === true) errors.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  const keywords = [...checkKeywordsBelow(schema, path)];
  // What cannot be a structural schema at all is not told what else a structural schema needs.
  if (keywords.some((error) => unsupported.some((key) => error.path.endsWith(`.${key}`)))) errors.push(...keywords);
  else errors.push(...checkNode(schema, path, 'root'), ...checkCompleteness(schema, path));
  return errors;
}

/** Where status is written apart, its schema is looked up under `properties`: nothing may say more about it from outside. */
const besideStatus = new Set(['description', 'type', 'format', 'title', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'multipleOf', 'required', 'items', 'properties', 'externalDocs', 'example', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations', 'nullable']);
const besideStatusText = '[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]';

function* checkRootFields(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  if (schema.type !== undefined && schema.type !== 'object') yield invalidValue(`${path}.type`, schema.type, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled');
  const other = Object.keys(schema).find((key) => !besideStatus.has(key));
  if (other !== undefined) yield invalidValue(path, other, `only ${besideStatusText} fields are allowed at the root of the schema if the status subresource is enabled`);
}

function* checkNode(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  yield* checkKeywords(schema, path);
  yield* checkType(schema, path, level);
  yield* checkExtensions(schema, path);
  yield* checkListType(schema, path);
  yield* checkMetadata(schema, path, level);
  yield* checkBelow(schema, path, level);
  yield* checkQuantifiers(schema, path, level);
}

const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

function* checkKeywordsBelow(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  yield* checkKeywords(schema, path);
  if (isJsonObject(schema.items)) yield* checkKeywordsBelow(schema.items, `${path}.items`);
  for (const [key, property] of Object.entries(schema.properties ?? {})) yield* checkKeywordsBelow(property, `${path}.properties[${key}]`);
  if (isJsonObject(schema.additionalProperties)) yield* checkKeywordsBelow(schema.additionalProperties, `${path}.additionalProperties`);
}

function* checkKeywords(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  const { type } = schema;
  if (type === 'null') yield forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative');
  else if (type !== undefined && type !== '' && !types.includes(type)) yield notSupported(`${path}.type`, type, types);
  for (const key of unsupported) {
    if (schema[key] !== undefined) yield forbiddenField(`${path}.${key}`, `${key} is not supported`);
  }
  if (Array.isArray(schema.items)) yield forbiddenField(`${path}.items`, 'items must be a schema object and not an array');
  if (schema.uniqueItems === true) yield forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic');
  if (schema.additionalProperties !== undefined && Object.keys(schema.properties ?? {}).length > 0 && schema.additionalProperties !== true) {
    yield forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  const preserves = schema['x-kubernetes-preserve-unknown-fields'];
  if (preserves === false) yield invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined');
  yield* checkPattern(schema, path);
}

function* checkPattern({ pattern }: JSONSchemaProps, path: string): Iterable<FieldError> {
  if (pattern === undefined || pattern === '') return;
  try {
    regularExpression(pattern);
  } catch (error) {
    if (!(error instanceof RegularExpressionError)) throw error;
    yield invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${error.message}`);
  }
}

function* checkType(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  const type = schema.type ?? '';
  if (type === 'array' && schema.items === undefined) yield required(`${path}.items`, 'must be specified');
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    yield type === '' ? required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true') : invalidValue(`${path}.type`, type, 'must be object if x-kubernetes-embedded-resource is true');
  } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    yield required(`${path}.type`, level === 'root' ? 'must not be empty at the root' : level === 'item' ? 'must not be empty for specified array items' : 'must not be empty for specified object fields');
  }
  if (level === 'root' && type !== '' && type !== 'object') yield invalidValue(`${path}.type`, type, 'must be object at the root');
}

function* checkExtensions(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (preserves) yield invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, 'must be false if x-kubernetes-int-or-string is true');
    if (isEmbedded) yield invalidValue(`${path}.x-kubernetes-embedded-resource`, true, 'must be false if x-kubernetes-int-or-string is true');
  }
  if (isEmbedded && schema.additionalProperties !== undefined) yield forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
  if (isEmbedded && !preserves && Object.keys(schema.properties ?? {}).length === 0) {
    yield required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields');
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return;
  if (schema.type !== 'object') yield typeFault(schema, path, 'must be object if x-kubernetes-map-type is specified');
  if (mapType !== 'atomic' && mapType !== 'granular') yield notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
}

function typeFault({ type }: JSONSchemaProps, path: string, detail: string): FieldError {
  return type === undefined || type === '' ? required(`${path}.type`, detail) : invalidValue(`${path}.type`, type, detail);
}

function* checkListType(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = isJsonObject(schema.items) ? (schema.items as JSONSchemaProps) : undefined;
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    yield listType === undefined ? required(`${path}.x-kubernetes-list-type`, detail) : invalidValue(`${path}.x-kubernetes-list-type`, listType, detail);
  }
  if (listType === undefined) return;
  if (schema.type !== 'array') yield typeFault(schema, path, 'must be array if x-kubernetes-list-type is specified');
  else if (listType === 'set' && items !== undefined) yield* checkSetItems(items, path);
  if (!['atomic', 'set', 'map'].includes(listType)) yield notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']);
  if ((listType === 'set' || listType === 'map') && items?.nullable === true) yield forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  if (listType === 'map') yield* checkMapKeys(keys, items, path);
}

function* checkSetItems(items: JSONSchemaProps, path: string): Iterable<FieldError> {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') yield invalidValue(`${path}.items.x-kubernetes-list-type`, listType, detail);
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') yield invalidValue(`${path}.items.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? null, detail);
}

function* checkMapKeys(keys: readonly string[], items: JSONSchemaProps | undefined, path: string): Iterable<FieldError> {
  if (keys.length === 0) yield required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map');
  if (items === undefined) {
    yield required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map');
    return;
  }
  if (items.type !== 'object') {
    yield invalidValue(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map");
    return;
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (property === undefined) yield invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties');
    else if (property.type === 'array' || property.type === 'object') yield invalidValue(`${at}.type`, property.type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (keys.indexOf(key) < index) yield invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries');
    if (property !== undefined && items.required?.includes(key) !== true && property.default === undefined) {
      yield required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property');
    }
    if (property?.nullable === true) yield forbiddenField(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable');
  }
}

function* checkMetadata(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  if (level !== 'root' && schema['x-kubernetes-embedded-resource'] !== true) return;
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  if (kind !== undefined && kind.type !== 'string') yield invalidValue(`${path}.properties[kind].type`, kind.type ?? '', 'must be string');
  if (apiVersion !== undefined && apiVersion.type !== 'string') yield invalidValue(`${path}.properties[apiVersion].type`, apiVersion.type ?? '', 'must be string');
  if (metadata === undefined) return;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== 'object') yield invalidValue(`${at}.type`, metadata.type ?? '', 'must be object');
  if (level !== 'root') return;
  const { type: _type, description: _description, properties = {}, ...others } = metadata;
  const restricts = Object.values(others).some((value) => value !== undefined) || Object.keys(properties).some((key) => key !== 'name' && key !== 'generateName');
  if (restricts) yield forbiddenField(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified');
}

function* checkBelow(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  const { additionalProperties } = schema;
  if (isJsonObject(schema.items)) yield* checkNode(schema.items, `${path}.items`, 'item');
  for (const [key, property] of Object.entries(schema.properties ?? {})) yield* checkNode(property, `${path}.properties[${key}]`, 'field');
  if (additionalProperties !== undefined && level === 'root') yield forbiddenField(`${path}.additionalProperties`, 'must not be used at the root');
  if (isJsonObject(additionalProperties)) yield* checkNode(additionalProperties, `${path}.additionalProperties`, 'field');
}

/** Under allOf, anyOf, oneOf and not, values may be restricted but nothing declared. */
function* checkQuantifiers(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  const isPattern = sameJson(schema.anyOf, intOrString);
  if (!isPattern) for (const [index, each] of (schema.anyOf ?? []).entries()) yield* checkNested(each, `${path}.anyOf[${index}]`, level);
  for (const [index, each] of (schema.allOf ?? []).entries()) {
    if (index === 0 && sameJson(each.anyOf, intOrString)) continue;
    yield* checkNested(each, `${path}.allOf[${index}]`, level);
  }
  for (const [index, each] of (schema.oneOf ?? []).entries()) yield* checkNested(each, `${path}.oneOf[${index}]`, level);
  if (schema.not !== undefined) yield* checkNested(schema.not, `${path}.not`, level);
}

const emptyWhenNested = ['type', 'title', 'description'] as const;
const undefinedWhenNested = ['default', 'additionalProperties', 'x-kubernetes-list-type', 'x-kubernetes-map-type'] as const;
const falseWhenNested = ['nullable', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'] as const;

function* checkNested(schema: JSONSchemaProps, path: string, level: Level): Iterable<FieldError> {
  yield* checkPattern(schema, path);
  yield* checkQuantifiers(schema, path, level);
  if (isJsonObject(schema.items)) yield* checkNested(schema.items, `${path}.items`, level);
  for (const [key, property] of Object.entries(schema.properties ?? {})) yield* checkNested(property, `${path}.properties[${key}]`, 'field');
  for (const key of emptyWhenNested) if ((schema[key] ?? '') !== '') yield forbiddenField(`${path}.${key}`, 'must be empty to be structural');
  for (const key of undefinedWhenNested) if (schema[key] !== undefined) yield forbiddenField(`${path}.${key}`, 'must be undefined to be structural');
  for (const key of falseWhenNested) if (schema[key] === true) yield forbiddenField(`${path}.${key}`, 'must be false to be structural');
  for (const key of ['x-kubernetes-list-map-keys', 'x-kubernetes-validations'] as const) if ((schema[key] ?? []).length > 0) yield forbiddenField(`${path}.${key}`, 'must be empty to be structural');
  if (schema.properties?.['metadata'] !== undefined) yield forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context');
}

/** Every field that a restriction at the root names must be declared outside of it; upstream does not look at restrictions further down. */
function* checkCompleteness(schema: JSONSchemaProps, path: string): Iterable<FieldError> {
  for (const [nested, at] of quantified(schema, path)) yield* checkDeclared(nested, schema, path, at);
}

function quantified(schema: JSONSchemaProps, path: string): readonly (readonly [JSONSchemaProps, string])[] {
  const named = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((key) => (schema[key] ?? []).map((each, index) => [each, `${path}.${key}[${index}]`] as const));
  return schema.not === undefined ? named : [...named, [schema.not, `${path}.not`]];
}

function* checkDeclared(nested: JSONSchemaProps, schema: JSONSchemaProps | undefined, path: string, at: string): Iterable<FieldError> {
  if (schema === undefined) {
    yield required(path, `because it is defined in ${at}`);
    return;
  }
  for (const [below, where] of quantified(nested, at)) yield* checkDeclared(below, schema, path, where);
  if (isJsonObject(nested.items)) yield* checkDeclared(nested.items, isJsonObject(schema.items) ? (schema.items) : undefined, `${path}.items`, `${at}.items`);
  for (const [key, property] of Object.entries(nested.properties ?? {})) {
    yield* checkDeclared(property, schema.properties?.[key] ?? (schema['x-kubernetes-preserve-unknown-fields'] === true ? property : undefined), `${path}.properties[${key}]`, `${at}.properties[${key}]`);
  }
}
