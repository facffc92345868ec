/** The objects that expressions of mutating policies make: `Object{...}` and its parts, `JSONPatch{...}`. */
import type { JsonValue } from '#apimachinery/json.ts';
import { setOwn } from '#apimachinery/json.ts';
import type { ObjectField, ObjectType } from '#cel/types.ts';
import { dyn, string } from '#cel/types.ts';
import { Duration, EvaluationError, Optional, Timestamp, Uint, isMap } from '#cel/values.ts';

/** Fields of any name: what fits is found out when it is merged into the object. */
class AnyFields extends Map<string, ObjectField> {
  override get(name: string): ObjectField {
    return { key: unescapedName(name), type: dyn };
  }
}

/** `Object`, `Object.spec`, `Object.spec.template` and so on, and the operations of JSON Patch. */
class MadeTypes extends Map<string, ObjectType> {
  override get(name: string): ObjectType | undefined {
    if (name === 'JSONPatch') return patchType;
    if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
    return { is: 'object', name, fields: new AnyFields() };
  }
}

const patchType: ObjectType = {
  is: 'object', name: 'JSONPatch',
  fields: new Map<string, ObjectField>([['op', { key: 'op', type: string }], ['path', { key: 'path', type: string }], ['from', { key: 'from', type: string }], ['value', { key: 'value', type: dyn }]]),
};

export const madeTypes: ReadonlyMap<string, ObjectType> = new MadeTypes();

const escapes: Readonly<Record<string, string>> = { __dash__: '-', __dot__: '.', __slash__: '/', __underscores__: '__' };

/** Names of fields that expressions could not write, as `escapedName` of custom resources makes them. */
function unescapedName(name: string): string {
  const keyword = /^__(\w+)__$/.exec(name)?.[1];
  if (keyword !== undefined && !Object.hasOwn(escapes, name) && !keyword.includes('__')) return keyword;
  return name.replaceAll(/__(dash|dot|slash|underscores)__/g, (part) => escapes[part] ?? part);
}

/** A value of an expression as JSON. Throws `EvaluationError` for what JSON does not have. */
export function plainJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string': case 'boolean': case 'number':
      return value;
    case 'bigint':
      return Number(value);
    default:
  }
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(plainJson);
  if (value instanceof Optional) return value.hasValue ? plainJson(value.value) : null;
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof Timestamp) return new Date(Number(value.nanos / 1_000_000n)).toISOString();
  if (value instanceof Duration) return `${Number(value.nanos) / 1e9}s`;
  if (!isMap(value)) throw new EvaluationError('the value has no JSON form');
  const output: Record<string, JsonValue> = {};
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? (value as ReadonlyMap<unknown, unknown>) : Object.entries(value);
  for (const [key, item] of entries) setOwn(output, String(key), plainJson(item));
  return output;
}
