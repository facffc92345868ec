/**
 * JSON whose integers stay what they are. A number of JavaScript holds integers up to 2^53; custom objects may hold any
 * int64, as Go's decoder reads them. What lies beyond is a bigint here, and is printed digit by digit.
 */
import type { JsonValue } from './json.ts';
import { setOwn } from './json.ts';

declare global {
  interface BigInt {
    toJSON(): unknown;
  }
  interface JSON {
    /** What `JSON.stringify` prints as it is. Source: ECMAScript proposal "JSON.parse source text access". */
    rawJSON(text: string): unknown;
  }
}

// Set once, here, for all printers of objects.
// oxlint-disable-next-line no-extend-native -- JSON.stringify throws for bigints otherwise, and asks nothing else but this
BigInt.prototype.toJSON = function toJSON(this: bigint): unknown {
  return JSON.rawJSON(this.toString());
};

const leastInt64 = -(2n ** 63n);
const greatestInt64 = 2n ** 63n - 1n;
/** Of an integer that a number may not hold, or a number that no double holds. */
const suspicious = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * As `JSON.parse`, with bigints for integers of int64 that a number cannot hold. Throws a SyntaxError, and a RangeError for
 * a number that is none.
 */
export function parseExactJson(text: string): JsonValue {
  return JSON.parse(text, suspicious.test(text) ? exact as (key: string, value: unknown) => unknown : undefined) as JsonValue;
}

/** Whether a text may hold such numbers. */
export function mayNeedExactness(text: string): boolean {
  return suspicious.test(text);
}

function exact(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  if (!Number.isFinite(value)) throw new RangeError(`json: cannot unmarshal number ${source} into Go value of type float64`);
  if (!/^-?\d+$/.test(source)) return value;
  return exactInteger(BigInt(source));
}

/** The value of an integer: a bigint only where a number cannot hold it; beyond int64 the nearest number, as Go has it. */
export function exactInteger(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) || value < leastInt64 || value > greatestInt64 ? near : value;
}

/** The same document, where a reader made bigints of all integers. */
export function withExactIntegers(value: unknown): JsonValue {
  if (typeof value === 'bigint') return exactInteger(value) as JsonValue;
  if (Array.isArray(value)) return value.map(withExactIntegers);
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  const output: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) setOwn(output, key, withExactIntegers(item));
  return output;
}

/** Whether a value of a document is an integer of int64. */
export function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 63);
}
