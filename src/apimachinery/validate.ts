/**
 * What can be checked from the declaration alone: required values, allowed values, number ranges, duplicate keys of
 * map lists. Rules across fields are the kinds' own (`validate` of `defineResource`).
 *
 * Source: Kubernetes API conventions; wording as the API server's validation has it.
 */
import type { FieldError } from './field-error.ts';
import { duplicate, invalidValue, notSupported, required } from './field-error.ts';
import { isJsonObject } from './json.ts';
import type { KubeObject } from './object-meta.ts';
import type { ResourceKind, Rule } from './resource.ts';
import type { AnyStruct, Field, FieldType } from './schema.ts';

/** Top-level fields that clients do not write, or that have their own checks. */
const skippedAtTop = new Set(['status', 'metadata', 'kind', 'apiVersion']);

/** Everything wrong with `object` by the declaration of its kind. `status` is not looked at: it is the servers' own. */
export function validateDeclared(struct: AnyStruct, object: object): FieldError[] {
  const errors: FieldError[] = [];
  for (const { key, field } of checkedFields(struct)) {
    if (!skippedAtTop.has(key)) checkField(field, (object as Record<string, unknown>)[key], key, errors);
  }
  return errors;
}

/**
 * Everything wrong with the content of `object`: by its declaration, then by its kind's rules. Where both speak of the same
 * fault at the same place, the rule's wording counts. Rules rely on what the declaration demands; where it is not given, a
 * rule may stumble, and has nothing to add to what is said already.
 */
export function validateContent(kind: ResourceKind, object: KubeObject): FieldError[] {
  const errors = validateDeclared(kind, object);
  const isAsDeclared = errors.length === 0;
  /** Where the declaration has spoken and no rule has yet said it better. */
  const declared = new Map(errors.map((error, index) => [`${error.path} ${error.type}`, index]));
  for (const rule of kind.validate as readonly Rule<KubeObject>[]) {
    try {
      for (const error of rule(object)) {
        const key = `${error.path} ${error.type}`;
        const index = declared.get(key);
        if (index === undefined) errors.push(error);
        else {
          if (error.detail !== '') errors[index] = error;
          declared.delete(key);
        }
      }
    } catch (error) {
      if (isAsDeclared || !(error instanceof TypeError)) throw error;
    }
  }
  return errors;
}

interface CheckedField {
  readonly key: string;
  readonly field: Field;
}
const checked = new WeakMap<AnyStruct, readonly CheckedField[]>();

/** The fields that a value can be wrong for, but for the metadata: of most nothing is declared but their type. */
function checkedFields(struct: AnyStruct): readonly CheckedField[] {
  const known = checked.get(struct);
  if (known !== undefined) return known;
  const all = [...struct.fields].map(([key, field]) => ({ key, field })).filter(({ key }) => key !== 'metadata');
  // As long as it is not known: a struct may contain itself.
  checked.set(struct, all);
  const fields = all.filter(({ field: { options, type } }) => options.required === true || options.values !== undefined || options.min !== undefined || options.max !== undefined || options.keys !== undefined || isChecked(type));
  checked.set(struct, fields);
  return fields;
}

function isChecked(type: FieldType): boolean {
  switch (type.is) {
    case 'scalar':
      return false;
    case 'struct':
      return checkedFields(type.struct()).length > 0;
    case 'list': case 'map':
      return isChecked(type.element);
  }
}

function checkField(field: Field, value: unknown, path: string, errors: FieldError[]): void {
  const { options, type } = field;
  if (value === undefined || value === null || value === '') {
    if (options.required === true && options.mayBeEmpty !== true && isRequirable(type)) errors.push(required(path));
    return;
  }
  if (options.values !== undefined && typeof value === 'string' && !options.values.includes(value)) {
    if (options.worded !== true) errors.push(notSupported(path, value, options.values));
    return;
  }
  if (typeof value === 'number') {
    if (options.min !== undefined && value < options.min) {
      errors.push(invalidValue(path, value, `must be greater than or equal to ${options.min}`));
    }
    if (options.max !== undefined && value > options.max) {
      errors.push(invalidValue(path, value, `must be less than or equal to ${options.max}`));
    }
    return;
  }
  if (type.is === 'list' && options.required === true && options.mayBeEmpty !== true && (value as readonly unknown[]).length === 0) {
    errors.push(required(path));
    return;
  }
  checkValue(type, value, path, errors);
  if (options.listType === 'map' && options.keys !== undefined && options.mayRepeat !== true) checkKeys(options.keys, value, path, errors);
}

/** Numbers and booleans are never missing: zero is a value. */
function isRequirable(type: FieldType): boolean {
  return type.is !== 'scalar' || !['int32', 'int64', 'bool', 'double', 'json', 'raw'].includes(type.scalar);
}

function checkValue(type: FieldType, value: unknown, path: string, errors: FieldError[]): void {
  switch (type.is) {
    case 'scalar':
      return;
    case 'struct':
      if (!isJsonObject(value)) return;
      for (const { key, field } of checkedFields(type.struct())) {
        const part = value[key];
        if (part !== undefined || field.options.required === true) checkField(field, part, `${path}.${key}`, errors);
      }
      return;
    case 'list': {
      if (!isChecked(type.element)) return;
      const items = value as readonly unknown[];
      for (let index = 0; index < items.length; index++) checkValue(type.element, items[index], `${path}[${index}]`, errors);
      return;
    }
    case 'map':
      if (type.element.is === 'scalar' || !isJsonObject(value)) return;
      for (const key in value) checkValue(type.element, value[key], `${path}[${key}]`, errors);
  }
}

/** Only lists with a single key: where several fields identify an item, upstream's rules differ by kind. */
function checkKeys(keys: readonly string[], value: unknown, path: string, errors: FieldError[]): void {
  const [key] = keys;
  if (keys.length !== 1 || key === undefined || !Array.isArray(value)) return;
  const seen = new Set<unknown>();
  for (const [index, item] of value.entries()) {
    const name = isJsonObject(item) ? item[key] : undefined;
    if (name === undefined || name === '') continue;
    if (seen.has(name)) errors.push(duplicate(`${path}[${index}].${key}`, name));
    seen.add(name);
  }
}
