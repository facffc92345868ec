/** Rules that claims, slices and classes of devices share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, required, tooLong, tooMany } from '#apimachinery/field-error.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { byteLength, cIdentifier, dns1123Subdomain, labelValue, qualifiedName } from '#apimachinery/names.ts';
import { validateCsiDriverName } from '../core/validate-volume-plugins.ts';
import type { DeviceConfiguration, DeviceSelector, DeviceToleration } from './resource-claim.ts';

type Check<T> = (item: T, path: string) => Iterable<FieldError>;

const limits = { poolName: 253, identifier: 32, selectors: 32, expression: 10 * 1024, parameters: 10 * 1024, bindingConditions: 4 };

/** At most `max` items; where there are more, nothing is said of each, so that they cost nothing. */
export function* validateItems<T>(items: readonly T[] | undefined, max: number, check: Check<T>, path: string): Iterable<FieldError> {
  const given = items ?? [];
  if (given.length > max) return yield tooMany(path, given.length, max);
  for (const [index, item] of given.entries()) yield* check(item, `${path}[${index}]`);
}

/** The same for items of which each is there once, by its key. */
export function* validateSet<T>(items: readonly T[] | undefined, max: number, check: Check<T>, keyOf: (item: T) => string, path: string): Iterable<FieldError> {
  const given = items ?? [];
  yield* validateItems(given, max, check, path);
  if (given.length > max) return;
  const seen = new Set<string>();
  for (const [index, item] of given.entries()) {
    const key = keyOf(item);
    if (seen.has(key)) yield duplicate(`${path}[${index}]`, key);
    seen.add(key);
  }
}

/** At most `max` entries. What is wrong with a key is told of the map, what is wrong with a value of the entry. */
export function* validateEntries<T>(map: Readonly<Record<string, T>> | undefined, max: number, checkKey: Check<string>, check: Check<T>, path: string): Iterable<FieldError> {
  const entries = Object.entries(map ?? {});
  if (entries.length > max) return yield tooMany(path, entries.length, max);
  for (const [key, value] of entries) {
    yield* checkKey(key, path);
    yield* check(value, `${path}[${key}]`);
  }
}

export function* itself(check: (value: string) => readonly string[], value: string, path: string): Iterable<FieldError> {
  for (const message of check(value)) yield invalidValue(path, value, message);
}

/** Domains, with slashes between them. */
export function* validatePoolName(name: string, path: string): Iterable<FieldError> {
  if (name === '') return yield required(path);
  if (byteLength(name) > limits.poolName) yield tooLong(path, limits.poolName);
  for (const part of name.split('/')) yield* itself(dns1123Subdomain, part, path);
}

/** Of attributes and capacities: an identifier, with or without the domain of a driver. */
export function* validateQualifiedName(name: string, path: string): Iterable<FieldError> {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return yield invalidValue(path, name, 'must not contain more than one slash');
  if (second === undefined) return yield* validateIdentifier(first, path);
  if (first === '') yield invalidValue(path, '', 'the domain must not be empty');
  else yield* validateCsiDriverName(first, path);
  if (second === '') yield invalidValue(path, '', 'the name must not be empty');
  else yield* validateIdentifier(second, path);
}

export function* validateFullyQualifiedName(name: string, path: string): Iterable<FieldError> {
  yield* validateQualifiedName(name, path);
  if (!name.includes('/')) yield invalidValue(path, name, 'a fully qualified name must be a domain and a name separated by a slash');
}

function* validateIdentifier(name: string, path: string): Iterable<FieldError> {
  if (byteLength(name) > limits.identifier) yield tooLong(path, limits.identifier);
  yield* itself(cIdentifier, name, path);
}

/** Whether the expressions are any is for the server to say, which can compile them. */
export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: string): Iterable<FieldError> {
  return validateItems(selectors, limits.selectors, validateSelector, path);
}

function* validateSelector({ cel }: DeviceSelector, path: string): Iterable<FieldError> {
  if (cel === undefined) yield required(`${path}.cel`);
  else if (byteLength(cel.expression) > limits.expression) yield tooLong(`${path}.cel.expression`, limits.expression);
}

export function* validateConfiguration({ opaque }: DeviceConfiguration, path: string): Iterable<FieldError> {
  if (opaque === undefined) return yield required(`${path}.opaque`);
  yield* validateCsiDriverName(opaque.driver, `${path}.opaque.driver`);
  yield* validateFreeForm(opaque.parameters, `${path}.opaque.parameters`, limits.parameters);
}

/** An object that only a driver understands. */
export function* validateFreeForm(value: JsonObject | null | undefined, path: string, limitBytes: number): Iterable<FieldError> {
  if (value === undefined || value === null) yield required(path);
  else if (byteLength(JSON.stringify(value)) > limitBytes) yield tooLong(path, limitBytes);
}

export function* validateToleration({ key = '', operator, value = '' }: DeviceToleration, path: string): Iterable<FieldError> {
  if (key !== '') yield* itself(qualifiedName, key, `${path}.key`);
  if (operator === 'Exists' && value !== '') yield invalidValue(`${path}.value`, value, 'must be empty for operator `Exists`');
  if (operator === 'Equal') yield* itself(labelValue, value, `${path}.value`);
}

export function* validateTolerations(tolerations: readonly DeviceToleration[] | undefined, path: string): Iterable<FieldError> {
  for (const [index, toleration] of (tolerations ?? []).entries()) yield* validateToleration(toleration, `${path}[${index}]`);
}

interface Binding {
  readonly bindingConditions?: readonly string[] | undefined;
  readonly bindingFailureConditions?: readonly string[] | undefined;
}

/** What has to come true before a pod is bound, and what says that it never will: both or none. */
export function* validateBinding({ bindingConditions = [], bindingFailureConditions = [] }: Binding, path: string): Iterable<FieldError> {
  const at = { conditions: `${path}.bindingConditions`, failures: `${path}.bindingFailureConditions` };
  const check = itself.bind(undefined, qualifiedName);
  yield* validateItems(bindingConditions, limits.bindingConditions, check, at.conditions);
  yield* validateItems(bindingFailureConditions, limits.bindingConditions, check, at.failures);
  yield* repeated(bindingConditions, at.conditions);
  yield* repeated(bindingFailureConditions, at.failures);
  for (const [index, condition] of bindingFailureConditions.entries()) {
    if (bindingConditions.includes(condition)) yield invalidValue(`${at.failures}[${index}]`, condition, 'bindingFailureConditions must not overlap with bindingConditions');
  }
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0) yield invalidValue(at.conditions, null, 'bindingConditions are required to use bindingFailureConditions');
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0) yield invalidValue(at.failures, null, 'bindingFailureConditions are required to use bindingConditions');
}

function* repeated(values: readonly string[], path: string): Iterable<FieldError> {
  for (const [index, value] of values.entries()) if (values.indexOf(value) < index) yield duplicate(`${path}[${index}]`, value);
}
