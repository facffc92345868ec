/**
 * Values of expressions: JSON as it lies in objects, and what JSON does not have.
 *
 * Integers of expressions are bigints, doubles are numbers. Lists are arrays; maps are JSON objects or, where an
 * expression made them, `Map`s. What lies within JSON is brought into this form when it is reached (`fromJson`).
 */
import { isPlainObject } from './plain-object.ts';
import type { CelType } from './types.ts';

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}
/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class Optional {
  readonly value: unknown;
  readonly hasValue: boolean;
  constructor(hasValue: boolean, value?: unknown) {
    this.hasValue = hasValue;
    this.value = value;
  }
}
export const none = new Optional(false);
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
/** A value of a library's type. */
export interface OpaqueValue {
  readonly celType: string;
  equals(other: OpaqueValue): boolean;
}

/** What evaluation can fail with. `message` is as the original's evaluator words it. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

export function noSuchOverload(): EvaluationError {
  return new EvaluationError('no such overload');
}

export function isOpaque(value: unknown): value is OpaqueValue {
  return typeof value === 'object' && value !== null && 'celType' in value && typeof value.celType === 'string' && !isPlainObject(value);
}
export function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>> {
  return value instanceof Map || isPlainObject(value);
}
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export const minInt = -(2n ** 63n);
export const maxInt = 2n ** 63n - 1n;

/** A part of an object, as an expression sees it. What is in that form already stays as it is. */
export function fromJson(type: CelType, value: unknown): unknown {
  switch (type.is) {
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
    case 'dyn': case 'param':
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
    case 'timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : value;
    case 'duration':
      return typeof value === 'string' ? parseDuration(value) : value;
    case 'bytes':
      return typeof value === 'string' ? Uint8Array.fromBase64(value) : value;
    case 'optional':
      return value instanceof Optional && value.hasValue ? new Optional(true, fromJson(type.of, value.value)) : value;
    default:
      return value;
  }
}

/** RFC 3339, or a day alone. @throws EvaluationError */
export function parseTimestamp(text: string): Timestamp {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/.exec(text);
  const [, day = '', time = '00:00:00', fraction = '', zone = 'Z'] = match ?? [];
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  if (match === null || Number.isNaN(ms)) throw new EvaluationError(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`);
  return new Timestamp(BigInt(ms) * 1_000_000n + BigInt(fraction.slice(1, 10).padEnd(9, '0')));
}

const units: Readonly<Record<string, bigint>> = { ns: 1n, us: 1_000n, µs: 1_000n, μs: 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n };

/** As Go writes durations: 1h2m3.5s. @throws EvaluationError */
export function parseDuration(text: string): Duration {
  const fail = (): never => {
    throw new EvaluationError(`time: invalid duration ${JSON.stringify(text)}`);
  };
  const match = /^([+-]?)(.+)$/.exec(text);
  const [, sign = '', rest = ''] = match ?? fail();
  if (rest === '0') return new Duration(0n);
  let total = 0n;
  let at = 0;
  for (const part of rest.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/gy)) {
    const [whole, units1 = '', fraction = '', unit = ''] = part;
    if (units1 === '' && fraction === '') fail();
    const size = units[unit] ?? 1n;
    total += BigInt(units1 === '' ? '0' : units1) * size + (fraction === '' ? 0n : (BigInt(fraction) * size) / 10n ** BigInt(fraction.length));
    at += whole.length;
  }
  if (at !== rest.length || at === 0 || total > maxInt) fail();
  return new Duration(sign === '-' ? -total : total);
}

/** `1h2m3s`, as Go prints it in seconds for CEL's string(): `3723s`. */
export function durationText({ nanos }: Duration): string {
  const sign = nanos < 0n ? '-' : '';
  const positive = nanos < 0n ? -nanos : nanos;
  const fraction = (positive % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${positive / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}s`;
}

export function timestampText({ nanos }: Timestamp): string {
  const ms = nanos / 1_000_000n - (nanos % 1_000_000n < 0n ? 1n : 0n);
  const rest = nanos - (ms / 1000n) * 1_000_000_000n;
  const seconds = new Date(Number(ms)).toISOString().slice(0, 19);
  const fraction = (((rest % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}

export function mapEntries(map: unknown): Iterable<readonly [unknown, unknown]> {
  return map instanceof Map ? (map as ReadonlyMap<unknown, unknown>).entries() : Object.entries(map as Record<string, unknown>).filter(([, value]) => value !== undefined);
}
export function mapKeys(map: unknown): readonly unknown[] {
  return map instanceof Map ? [...(map as ReadonlyMap<unknown, unknown>).keys()] : Object.keys(map as object);
}
export function mapSize(map: unknown): number {
  return map instanceof Map ? map.size : Object.keys(map as object).length;
}
/** undefined when the map has no such key. */
export function mapGet(map: unknown, key: unknown): unknown {
  if (map instanceof Map) {
    const found = (map as ReadonlyMap<unknown, unknown>).get(key);
    if (found !== undefined || typeof key !== 'number') return found;
    return Number.isInteger(key) ? (map as ReadonlyMap<unknown, unknown>).get(BigInt(key)) : undefined;
  }
  return typeof key === 'string' && Object.hasOwn(map as object, key) ? (map as Record<string, unknown>)[key] : undefined;
}

function numeric(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof Uint ? value.value : undefined;
}

/** CEL's equality: numbers by value, whatever their type; different types are unequal. */
export function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  const a = numeric(left);
  if (a !== undefined) {
    const b = numeric(right);
    // eslint-disable-next-line eqeqeq -- a bigint and a number are compared by what they stand for
    return b !== undefined && a == b;
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (isList(left)) return isList(right) && left.length === right.length && left.every((item, index) => equal(item, right[index]));
  if (isMap(left)) {
    if (!isMap(right) || isList(right) || mapSize(left) !== mapSize(right)) return false;
    for (const [key, value] of mapEntries(left)) {
      const other = mapGet(right, key);
      if (other === undefined || !equal(value, other)) return false;
    }
    return true;
  }
  if (left instanceof Timestamp || left instanceof Duration) return left.constructor === right.constructor && left.nanos === (right as Timestamp).nanos;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && left.length === right.length && left.every((byte, index) => byte === right[index]);
  if (left instanceof Optional) return right instanceof Optional && left.hasValue === right.hasValue && (!left.hasValue || equal(left.value, right.value));
  if (left instanceof TypeValue) return right instanceof TypeValue && left.name === right.name;
  return isOpaque(left) && isOpaque(right) && left.celType === right.celType && left.equals(right);
}

/** The name of a value's type, as `type()` gives it. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'boolean': return 'bool';
    case 'bigint': return 'int';
    case 'number': return 'double';
    case 'string': return 'string';
    default:
  }
  if (value === null) return 'null_type';
  if (isList(value)) return 'list';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  return isOpaque(value) ? value.celType : 'map';
}

/** Whether a value is of a declared type; what lists and maps hold is not looked at. */
export function isOf(type: CelType, value: unknown): boolean {
  switch (type.is) {
    case 'dyn': case 'param': return true;
    case 'bool': return typeof value === 'boolean';
    case 'int': return typeof value === 'bigint';
    case 'uint': return value instanceof Uint;
    case 'double': return typeof value === 'number';
    case 'string': return typeof value === 'string';
    case 'bytes': return value instanceof Uint8Array;
    case 'null': return value === null;
    case 'timestamp': return value instanceof Timestamp;
    case 'duration': return value instanceof Duration;
    case 'type': return value instanceof TypeValue;
    case 'list': return isList(value);
    case 'map': case 'object': return isMap(value);
    case 'optional': return value instanceof Optional;
    case 'opaque': return isOpaque(value) && value.celType === type.name;
  }
}

/** How many elements a value has, for costs; 1 where it has none. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (isList(value) || value instanceof Uint8Array) return value.length;
  return isMap(value) ? mapSize(value) : 1;
}
