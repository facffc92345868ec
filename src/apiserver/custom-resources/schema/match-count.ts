import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import { isJsonObject } from '#apimachinery/json.ts';

/**
 * How much of a schema a value fits, as kube-openapi counts it: of several alternatives that all fail, the faults of the
 * one with most matches are told.
 */
export function matchCount(schema: JSONSchemaProps, value: unknown): number {
  if (value === null) return 0;
  const { type, format, properties = {}, additionalProperties, items } = schema;
  const hasType = type !== undefined && type !== '';
  // Two for the alternatives, one for enums, one for the schema itself.
  let count = 4;
  if (hasType || format !== undefined) count += isOfType(value, type) ? 2 : 1;
  if (typeof value === 'string' && format !== undefined) count++;
  if (typeof value === 'string' || typeof value === 'number') count++;
  if (Array.isArray(value)) {
    count++;
    if (isJsonObject(items)) for (const item of value) count += matchCount(items, item);
  } else if (isJsonObject(value)) {
    count++;
    for (const key of Object.keys(value)) {
      const property = Object.hasOwn(properties, key) ? properties[key] : isJsonObject(additionalProperties) ? additionalProperties : undefined;
      if (property !== undefined) count += matchCount(property, value[key]);
    }
  }
  for (const each of schema.allOf ?? []) count += matchCount(each, value);
  for (const alternatives of [schema.anyOf, schema.oneOf]) {
    if (alternatives !== undefined && alternatives.length > 0) count += Math.max(...alternatives.map((each) => matchCount(each, value)));
  }
  return count;
}

function isOfType(value: unknown, type: string | undefined): boolean {
  switch (type) {
    case undefined: case '': return true;
    case 'array': return Array.isArray(value);
    case 'object': return isJsonObject(value);
    case 'integer': return Number.isInteger(value);
    default: return typeof value === type;
  }
}
