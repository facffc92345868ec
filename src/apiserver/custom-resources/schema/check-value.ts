/**
 * Validation of custom objects by their schema.
 *
 * Source: wording as the API server's (kube-openapi's validators, turned into field errors).
 */
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required, tooLong, tooMany } from '#apimachinery/field-error.ts';
import { isInteger } from '#apimachinery/exact-json.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';
import { regularExpression } from '#cel/regular-expression.ts';
import { hasFormat, isKnownFormat } from './formats.ts';
import { matchCount } from './match-count.ts';

/** Checks one value; made once per schema. */
export interface ValueCheck {
  /**
   * Adds what is wrong with `value`. `old`, where given, is what stood at the same place before: faults of a part that
   * has not changed are not told again (validation ratcheting, KEP-4008).
   */
  run(value: unknown, path: string, errors: FieldError[], old?: unknown): void;
}

/** Made ready at its first use, one level at a time: of large schemas most fields are never written. */
export function valueCheck(schema: JSONSchemaProps): ValueCheck {
  let steps: readonly Step[] | undefined;
  let only: Step | undefined;
  const hasParts = schema.allOf !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined;
  return {
    run(value, path, errors, old) {
      const before = errors.length;
      if (value === null && schema.nullable === true) return;
      if (steps === undefined) [only] = steps = stepsOf(schema);
      if (steps.length === 1 && only !== undefined) only(value, path, errors, old);
      else for (const step of steps) step(value, path, errors, old);
      if (hasParts && errors.length > before + 1) dropRepeated(errors, before);
      if (old !== undefined && errors.length > before && sameJson(value, old)) errors.length = before;
    },
  };
}

/** A fault found by a check that was run without a path, where the value stands at `path`. */
export function foundAt(path: string, error: FieldError): FieldError {
  if (error.path === '<nil>') return error;
  return { ...error, path: error.path === '' || error.path.startsWith('[') ? `${path}${error.path}` : `${path}.${error.path}` };
}

type Step = (value: unknown, path: string, errors: FieldError[], old: unknown) => void;

function stepsOf(schema: JSONSchemaProps): readonly Step[] {
  return [...typeSteps(schema), ...quantifierSteps(schema), ...stringSteps(schema), ...numberSteps(schema), ...listSteps(schema), ...enumSteps(schema), ...objectSteps(schema)];
}

function typeSteps(schema: JSONSchemaProps): Step[] {
  const { type, format } = schema;
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  if (isIntOrString) return [(value, path, errors) => {
    if (typeof value !== 'string' && !isInteger(value)) errors.push(wrongType(path, value, 'integer,string'));
  }];
  const hasType = type !== undefined && type !== '';
  const steps: Step[] = [];
  if (hasType) steps.push((value, path, errors) => {
    if (!isOfType(value, type)) errors.push(...(type === 'integer' && typeof value === 'number' ? noInteger(path, format) : [wrongType(path, value, type)]));
  });
  if (type === 'integer' && format === 'int32') steps.push((value, path, errors) => {
    if (isInteger(value) && (value < -(2 ** 31) || value >= 2 ** 31)) errors.push(notChecked(path, format));
  });
  else if (type === 'number' && format === 'float') steps.push((value, path, errors) => {
    if ((typeof value === 'number' || typeof value === 'bigint') && !Number.isFinite(Math.fround(Number(value)))) errors.push(composite(`Checked value must be of type number with format float in ${path}`));
  });
  else if (schema.nullable !== true && schema['x-kubernetes-preserve-unknown-fields'] !== true && schema.properties !== undefined) steps.push((value, path, errors) => {
    if (value === null) errors.push(wrongType(path, value, 'object'));
  });
  if (format !== undefined && format !== '' && isKnownFormat(type ?? '', format) && (type ?? 'string') !== 'integer' && type !== 'number') {
    steps.push((value, path, errors) => {
      if (typeof value === 'string' && !hasFormat(format, value)) errors.push({ type: 'FieldValueTypeInvalid', path, value, detail: `${path} in body must be of type ${format}: ${JSON.stringify(value)}` });
    });
  }
  return steps;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object': return isJsonObject(value);
    case 'array': return Array.isArray(value);
    case 'integer': return isInteger(value);
    case 'number': return typeof value === 'number' || typeof value === 'bigint';
    default: return typeof value === type;
  }
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'bigint') return isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function wrongType(path: string, value: unknown, type: string): FieldError {
  const name = typeName(value);
  return { type: 'FieldValueTypeInvalid', path, value: name, detail: `${path} in body must be of type ${type}: ${JSON.stringify(name)}` };
}

/** Of a number that is no integer the original tells twice, and the name of its type follows the format. */
function noInteger(path: string, format: string | undefined): readonly FieldError[] {
  const [wanted, found] = format === 'int32' || format === 'int64' ? [format, 'float64'] : ['integer', 'number'];
  return [{ type: 'FieldValueTypeInvalid', path, value: found, detail: `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}` }, notChecked(path, format)];
}

function notChecked(path: string, format: string | undefined): FieldError {
  const name = format === 'int32' || format === 'int64' ? `integer with format ${format}` : 'integer (default format)';
  return composite(`Checked value must be of type ${name} in ${path}`);
}

/** Faults of which no field is told, only the path in the text. */
function composite(text: string): FieldError {
  return { type: 'FieldValueInvalid', path: '<nil>', value: '', detail: text };
}

function quantifierSteps(schema: JSONSchemaProps): Step[] {
  const steps: Step[] = [];
  const anyOf = alternativesOf(schema.anyOf);
  const oneOf = alternativesOf(schema.oneOf);
  const allOf = schema.allOf?.map(valueCheck) ?? [];
  if (anyOf.length > 0) steps.push((value, path, errors) => {
    const { valid, nearest } = tryAll(anyOf, value, path, true);
    if (valid === 0) errors.push(composite(`${JSON.stringify(path)} must validate at least one schema (anyOf)`), ...nearest);
  });
  if (oneOf.length > 0) steps.push((value, path, errors) => {
    const { valid, nearest } = tryAll(oneOf, value, path, false);
    if (valid === 0) errors.push(composite(`${JSON.stringify(path)} must validate one and only one schema (oneOf). Found none valid`), ...nearest);
    else if (valid > 1) errors.push(composite(`${JSON.stringify(path)} must validate one and only one schema (oneOf). Found ${valid} valid alternatives`));
  });
  if (allOf.length > 0) steps.push((value, path, errors) => {
    let valid = 0;
    for (const check of allOf) {
      const before = errors.length;
      check.run(value, path, errors);
      if (errors.length === before) valid++;
    }
    if (valid < allOf.length) errors.push(composite(`${JSON.stringify(path)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
  });
  if (schema.not !== undefined) {
    const not = valueCheck(schema.not);
    steps.push((value, path, errors) => {
      if (isValid(not, value, path)) errors.push(composite(`${JSON.stringify(path)} must not validate the schema (not)`));
    });
  }
  return steps;
}

interface Alternative {
  readonly schema: JSONSchemaProps;
  readonly check: ValueCheck;
}

function alternativesOf(schemas: readonly JSONSchemaProps[] | undefined): readonly Alternative[] {
  return schemas?.map((schema) => ({ schema, check: valueCheck(schema) })) ?? [];
}

/** `nearest`: the faults of the alternative that fits best, where none fits. */
function tryAll(alternatives: readonly Alternative[], value: unknown, path: string, firstIsEnough: boolean): { readonly valid: number; readonly nearest: readonly FieldError[] } {
  let valid = 0;
  const failed: { readonly schema: JSONSchemaProps; readonly errors: readonly FieldError[] }[] = [];
  for (const { schema, check } of alternatives) {
    const errors: FieldError[] = [];
    check.run(value, path, errors);
    if (errors.length > 0) failed.push({ schema, errors });
    else if (++valid === 1 && firstIsEnough) break;
  }
  if (valid > 0) return { valid, nearest: [] };
  const counts = failed.map(({ schema }) => matchCount(schema, value));
  return { valid, nearest: failed[counts.indexOf(Math.max(...counts))]?.errors ?? [] };
}

function isValid(check: ValueCheck, value: unknown, path: string): boolean {
  const errors: FieldError[] = [];
  check.run(value, path, errors);
  return errors.length === 0;
}

/** Parts of a schema may say the same: that is told once. */
function dropRepeated(errors: FieldError[], from: number): void {
  const told = new Set<string>();
  const kept = errors.splice(from).filter((error) => {
    const text = JSON.stringify(error);
    return !told.has(text) && told.add(text);
  });
  errors.push(...kept);
}

function stringSteps({ maxLength, minLength, pattern }: JSONSchemaProps): Step[] {
  const steps: Step[] = [];
  if (maxLength !== undefined) steps.push((value, path, errors) => {
    if (typeof value === 'string' && value.length > maxLength && characters(value) > maxLength) errors.push(tooLong(path, maxLength));
  });
  if (minLength !== undefined) steps.push((value, path, errors) => {
    if (typeof value === 'string' && characters(value) < minLength) errors.push(invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`));
  });
  if (pattern !== undefined && pattern !== '') {
    const expression = regularExpression(pattern);
    steps.push((value, path, errors) => {
      if (typeof value === 'string' && !expression.test(value)) errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
    });
  }
  return steps;
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function numberSteps({ maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf }: JSONSchemaProps): Step[] {
  const steps: Step[] = [];
  const when = (fails: (value: number | bigint) => boolean, detail: string): void => {
    steps.push((value, path, errors) => {
      if ((typeof value === 'number' || typeof value === 'bigint') && fails(value)) errors.push(invalidValue(path, value, `${path} in body should be ${detail}`));
    });
  };
  if (multipleOf !== undefined) when((value) => !Number.isInteger(Number((Number(value) / multipleOf).toPrecision(12))), `a multiple of ${multipleOf}`);
  if (maximum !== undefined) {
    if (exclusiveMaximum === true) when((value) => value >= maximum, `less than ${maximum}`);
    else when((value) => value > maximum, `less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum === true) when((value) => value <= minimum, `greater than ${minimum}`);
    else when((value) => value < minimum, `greater than or equal to ${minimum}`);
  }
  return steps;
}

function enumSteps(schema: JSONSchemaProps): Step[] {
  const { enum: values } = schema;
  if (values === undefined || values.length === 0) return [];
  const scalars: ReadonlySet<unknown> = new Set(values.filter((each) => typeof each !== 'object'));
  const others = values.filter((each) => typeof each === 'object');
  const shown = values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  return [(value, path, errors) => {
    if (scalars.has(value) || others.some((each) => sameJson(each, value))) return;
    errors.push(notSupported(path, value, shown));
  }];
}

function listSteps(schema: JSONSchemaProps): Step[] {
  const { minItems, maxItems } = schema;
  const steps: Step[] = [];
  if (isJsonObject(schema.items)) {
    const check = valueCheck(schema.items);
    const correlate = correlation(schema);
    steps.push((value, path, errors, old) => {
      if (!Array.isArray(value)) return;
      const items = value as readonly JsonValue[];
      const before = errors.length;
      for (const [index, item] of items.entries()) check.run(item, `${path}[${index}]`, errors);
      // Only what is wrong needs to be looked up in the old list.
      if (errors.length === before || old === undefined || correlate === undefined) return;
      errors.length = before;
      const oldItem = correlate(old);
      for (const [index, item] of items.entries()) check.run(item, `${path}[${index}]`, errors, oldItem(item));
    });
  }
  if (minItems !== undefined) steps.push((value, path, errors) => {
    if (Array.isArray(value) && value.length < minItems) errors.push(invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`));
  });
  if (maxItems !== undefined) steps.push((value, path, errors) => {
    if (Array.isArray(value) && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
  });
  return steps;
}

/** Finds the item of an old list that a new one goes back to: only items of map lists have an identity. */
export function correlation(schema: JSONSchemaProps): ((old: unknown) => (item: unknown) => unknown) | undefined {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys.length === 0) return undefined;
  const keyOf = (item: unknown): string => (isJsonObject(item) ? JSON.stringify(keys.map((key) => item[key] ?? null)) : '');
  return (old) => {
    const byKey = new Map(Array.isArray(old) ? (old as readonly unknown[]).map((item) => [keyOf(item), item]) : []);
    return (item) => byKey.get(keyOf(item));
  };
}

function objectSteps(schema: JSONSchemaProps): Step[] {
  const steps: Step[] = [];
  const properties = Object.entries(schema.properties ?? {}).map(([key, property]) => ({ key, check: valueCheck(property) }));
  const isNamed = new Set(properties.map(({ key }) => key));
  const additional = isJsonObject(schema.additionalProperties) ? valueCheck(schema.additionalProperties) : undefined;
  const { minProperties, maxProperties, required: needed = [] } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const isOfWrongSize = (value: JsonObject): boolean => {
    if (minProperties === undefined && maxProperties === undefined) return false;
    const { length } = Object.keys(value);
    return length < (minProperties ?? 0) || length > (maxProperties ?? Infinity);
  };
  if (minProperties !== undefined) steps.push((value, path, errors) => {
    if (isJsonObject(value) && Object.keys(value).length < minProperties) errors.push(invalidValue(path, Object.keys(value).length, `${path} in body should have at least ${minProperties} properties`));
  });
  if (maxProperties !== undefined) steps.push((value, path, errors) => {
    if (isJsonObject(value) && Object.keys(value).length > maxProperties) errors.push(tooMany(path, Object.keys(value).length, maxProperties));
  });
  if (properties.length > 0) steps.push((value, path, errors, old) => {
    if (!isJsonObject(value) || isOfWrongSize(value)) return;
    for (const { key, check } of properties) {
      const item = value[key];
      // The metadata of objects has checks of its own.
      if (item === undefined || (key === 'metadata' && (path === '' || isEmbedded))) continue;
      check.run(item, below(path, key), errors, isJsonObject(old) ? old[key] : undefined);
    }
  });
  if (additional !== undefined) steps.push((value, path, errors, old) => {
    if (!isJsonObject(value) || isOfWrongSize(value)) return;
    for (const key of Object.keys(value)) {
      if (!isNamed.has(key)) additional.run(value[key], below(path, key), errors, isJsonObject(old) ? old[key] : undefined);
    }
  });
  // Of an object that is of the wrong size nothing else is told.
  if (needed.length > 0) steps.push((value, path, errors) => {
    if (isJsonObject(value) && !isOfWrongSize(value)) for (const key of needed) if (value[key] === undefined) errors.push(required(below(path, key)));
  });
  return steps;
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
