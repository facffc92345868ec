/** The functions and operators of CEL itself. Source: CEL specification, "List of Standard Definitions". */
import { add, matching, matchingOf, one, traversal, traversalOf } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import { regularExpression, RegularExpressionError } from '../regular-expression.ts';
import { Duration, durationText, equal, EvaluationError, mapGet, mapSize, maxInt, minInt, none, Optional, parseDuration, parseTimestamp, sizeOf, Timestamp, timestampText, typeName, TypeValue, Uint } from '../values.ts';

function inInt(value: bigint): bigint {
  if (value < minInt || value > maxInt) throw new EvaluationError('integer overflow');
  return value;
}
function inUint(value: bigint): Uint {
  if (value < 0n || value >= 2n ** 64n) throw new EvaluationError('unsigned integer overflow');
  return new Uint(value);
}
function divisor(value: bigint, what: string): bigint {
  if (value === 0n) throw new EvaluationError(what);
  return value;
}
function inTime(nanos: bigint): Timestamp {
  if (nanos < -62_135_596_800_000_000_000n || nanos > 253_402_300_799_999_999_999n) throw new EvaluationError('timestamp overflow');
  return new Timestamp(nanos);
}
function inDuration(nanos: bigint): Duration {
  if (nanos < minInt || nanos > maxInt) throw new EvaluationError('duration overflow');
  return new Duration(nanos);
}

function costOfJoining([a, b]: readonly unknown[]): number {
  return traversalOf(sizeOf(a) + sizeOf(b));
}
const joining: Costs = { cost: costOfJoining, estimate: ([a = one, b = one]) => ({ cost: traversal(add(a, b)), size: add(a, b) }) };

const arithmetic: readonly Overload[] = [
  overload('_+_(int, int): int', (a: bigint, b: bigint) => inInt(a + b)),
  overload('_-_(int, int): int', (a: bigint, b: bigint) => inInt(a - b)),
  overload('_*_(int, int): int', (a: bigint, b: bigint) => inInt(a * b)),
  overload('_/_(int, int): int', (a: bigint, b: bigint) => inInt(a / divisor(b, 'division by zero'))),
  overload('_%_(int, int): int', (a: bigint, b: bigint) => a % divisor(b, 'modulus by zero')),
  overload('_+_(uint, uint): uint', (a: Uint, b: Uint) => inUint(a.value + b.value)),
  overload('_-_(uint, uint): uint', (a: Uint, b: Uint) => inUint(a.value - b.value)),
  overload('_*_(uint, uint): uint', (a: Uint, b: Uint) => inUint(a.value * b.value)),
  overload('_/_(uint, uint): uint', (a: Uint, b: Uint) => inUint(a.value / divisor(b.value, 'division by zero'))),
  overload('_%_(uint, uint): uint', (a: Uint, b: Uint) => inUint(a.value % divisor(b.value, 'modulus by zero'))),
  overload('_+_(double, double): double', (a: number, b: number) => a + b),
  overload('_-_(double, double): double', (a: number, b: number) => a - b),
  overload('_*_(double, double): double', (a: number, b: number) => a * b),
  overload('_/_(double, double): double', (a: number, b: number) => a / b),
  overload('_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => inTime(a.nanos + b.nanos)),
  overload('_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) => inTime(a.nanos + b.nanos)),
  overload('_+_(duration, duration): duration', (a: Duration, b: Duration) => inDuration(a.nanos + b.nanos)),
  overload('_-_(timestamp, timestamp): duration', (a: Timestamp, b: Timestamp) => inDuration(a.nanos - b.nanos)),
  overload('_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => inTime(a.nanos - b.nanos)),
  overload('_-_(duration, duration): duration', (a: Duration, b: Duration) => inDuration(a.nanos - b.nanos)),
  overload('_+_(string, string): string', (a: string, b: string) => a + b, joining),
  overload('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b]), joining),
  overload('_+_(list<T>, list<T>): list<T>', (a: readonly unknown[], b: readonly unknown[]) => [...a, ...b], {
    estimate: ([a = one, b = one]) => ({ cost: one, size: add(a, b) }),
  }),
  overload('-_(int): int', (a: bigint) => inInt(-a)),
  overload('-_(double): double', (a: number) => -a),
  overload('!_(bool): bool', (a: boolean) => !a),
];
type Comparable = string | number | bigint | boolean;
function comparable(value: unknown): Comparable {
  if (value instanceof Uint) return value.value;
  return value instanceof Timestamp || value instanceof Duration ? value.nanos : (value as Comparable);
}
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
/** By code points, as UTF-8 sorts. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  const left = comparable(a);
  const right = comparable(b);
  return left < right ? -1 : left > right ? 1 : left >= right ? 0 : Number.NaN;
}

const comparing: Costs = {
  cost: ([a, b]) => traversalOf(Math.min(sizeOf(a), sizeOf(b))),
  estimate([a = one, b = one]) {
    const max = Math.min(a.max, b.max);
    return { cost: traversal({ min: max > 0 ? 1 : 0, max }) };
  },
};
const comparisons: readonly Overload[] = (['_<_', '_<=_', '_>_', '_>=_'] as const).flatMap((name) => {
  const holds: Readonly<Record<typeof name, (order: number) => boolean>> = { '_<_': (order) => order < 0, '_<=_': (order) => order <= 0, '_>_': (order) => order > 0, '_>=_': (order) => order >= 0 };
  const run = (a: unknown, b: unknown): boolean => holds[name](compare(a, b));
  const numbers = ['int', 'uint', 'double'];
  return [
    ...numbers.flatMap((left) => numbers.map((right) => overload(`${name}(${left}, ${right}): bool`, run))),
    ...['bool', 'timestamp', 'duration'].map((each) => overload(`${name}(${each}, ${each}): bool`, run)),
    ...['string', 'bytes'].map((each) => overload(`${name}(${each}, ${each}): bool`, run, comparing)),
  ];
});

const equality: readonly Overload[] = [
  overload('_==_(A, A): bool', equal, comparing),
  overload('_!=_(A, A): bool', (a: unknown, b: unknown) => !equal(a, b), comparing),
  overload('@in(A, list<A>): bool', (value: unknown, list: readonly unknown[]) => list.some((item) => equal(item, value)), {
    cost: ([, list]) => sizeOf(list), estimate: ([, list = one]) => ({ cost: list }),
  }),
  overload('@in(A, map<A, B>): bool', (key: unknown, map: object) => mapGet(map, key) !== undefined),
];

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
/** @throws EvaluationError when the pattern is none */
export function patternOf(pattern: string): ReturnType<typeof regularExpression> {
  try {
    return regularExpression(pattern);
  } catch (error) {
    if (error instanceof RegularExpressionError) throw new EvaluationError(`error parsing regexp: ${error.message}`);
    throw error;
  }
}

const byArgument: Costs = { cost: ([, part]) => traversalOf(sizeOf(part)), estimate: ([, part = one]) => ({ cost: traversal(part) }) };
const matches = (text: string, pattern: string): boolean => patternOf(pattern).test(text);
const matchCosts: Costs = { cost: ([text, pattern]) => matchingOf(sizeOf(text), sizeOf(pattern)), estimate: ([text = one, pattern = one]) => ({ cost: matching(text, pattern) }) };
const texts: readonly Overload[] = [
  ...['size(string): int', 'string.size(): int'].map((signature) => overload(signature, (text: string) => BigInt(characters(text)))),
  ...['size(bytes): int', 'bytes.size(): int'].map((signature) => overload(signature, (value: Uint8Array) => BigInt(value.length))),
  ...['size(list<A>): int', 'list<A>.size(): int'].map((signature) => overload(signature, (list: readonly unknown[]) => BigInt(list.length))),
  ...['size(map<A, B>): int', 'map<A, B>.size(): int'].map((signature) => overload(signature, (map: object) => BigInt(mapSize(map)))),
  overload('string.startsWith(string): bool', (text: string, part: string) => text.startsWith(part), byArgument),
  overload('string.endsWith(string): bool', (text: string, part: string) => text.endsWith(part), byArgument),
  overload('string.contains(string): bool', (text: string, part: string) => text.includes(part), {
    cost: ([text, part]) => traversalOf(sizeOf(text)) * traversalOf(sizeOf(part)),
    estimate: ([text = one, part = one]) => ({ cost: { min: traversal(text).min * traversal(part).min, max: traversal(text).max * traversal(part).max } }),
  }),
  overload('string.matches(string): bool', matches, matchCosts),
  overload('matches(string, string): bool', matches, matchCosts),
];

function toInt(value: number): bigint {
  if (!Number.isFinite(value) || value >= 2 ** 63 || value <= -(2 ** 63)) throw new EvaluationError('integer overflow');
  return BigInt(Math.trunc(value));
}
function readInt(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new EvaluationError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return inInt(BigInt(text));
}
function readDouble(text: string): number {
  const special = /^([+-]?)(?:inf|infinity)$/i.exec(text);
  if (special !== null) return special[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (text.trim() !== text || text === '' || (Number.isNaN(value) && text !== 'NaN')) throw new EvaluationError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}
function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}
const truths: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false };
const same = (value: unknown): unknown => value;
const sized: Costs = { cost: ([value]) => traversalOf(sizeOf(value)), estimate: ([value = one]) => ({ cost: traversal(value), size: { min: value.min, max: value.max } }) };
const conversions: readonly Overload[] = [
  ...['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'].map((each) => overload(`${each}(${each}): ${each}`, same)),
  overload('dyn(A): dyn', same),
  overload('type(A): type', (value: unknown) => new TypeValue(typeName(value))),
  overload('bool(string): bool', (text: string) => {
    const value = Object.hasOwn(truths, text) ? truths[text] : undefined;
    if (value === undefined) throw new EvaluationError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    return value;
  }),
  overload('int(uint): int', ({ value }: Uint) => inInt(value)),
  overload('int(double): int', toInt),
  overload('int(string): int', readInt),
  overload('int(timestamp): int', ({ nanos }: Timestamp) => nanos / 1_000_000_000n),
  overload('int(duration): int', ({ nanos }: Duration) => nanos),
  overload('uint(int): uint', inUint),
  overload('uint(double): uint', (value: number) => inUint(toInt(value))),
  overload('uint(string): uint', (text: string) => inUint(readInt(text))),
  overload('double(int): double', Number),
  overload('double(uint): double', ({ value }: Uint) => Number(value)),
  overload('double(string): double', readDouble),
  overload('string(bool): string', String),
  overload('string(int): string', String),
  overload('string(uint): string', ({ value }: Uint) => String(value)),
  overload('string(double): string', doubleText),
  overload('string(bytes): string', (value: Uint8Array) => new TextDecoder().decode(value), sized),
  overload('string(timestamp): string', timestampText),
  overload('string(duration): string', durationText),
  overload('bytes(string): bytes', (text: string) => new TextEncoder().encode(text), sized),
  overload('timestamp(string): timestamp', parseTimestamp),
  overload('timestamp(int): timestamp', (seconds: bigint) => inTime(seconds * 1_000_000_000n)),
  overload('duration(string): duration', parseDuration),
  overload('duration(int): duration', inDuration),
];

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** What a clock in a zone shows; `zone` is a name or an offset (+01:30). */
function partsIn({ nanos }: Timestamp, zone: string): Parts {
  const ms = Number(nanos / 1_000_000n);
  const offset = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (offset !== null || zone === 'UTC') {
    const [, sign = '', hours = '0', minutes = '0'] = offset ?? [];
    const date = new Date(ms + (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000);
    return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate(), weekday: date.getUTCDay(), hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() };
  }
  let parts: Intl.DateTimeFormatPart[];
  try {
    parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'short', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(ms);
  } catch {
    throw new EvaluationError(`unknown time zone ${zone}`);
  }
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return { year: Number(of('year')), month: Number(of('month')) - 1, day: Number(of('day')), weekday: weekdays.indexOf(of('weekday')), hour: Number(of('hour')), minute: Number(of('minute')), second: Number(of('second')) };
}
function dayOfYear({ year, month, day }: Parts): number {
  return Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000);
}
const readings: Readonly<Record<string, (parts: Parts, time: Timestamp) => number>> = {
  getFullYear: ({ year }) => year, getMonth: ({ month }) => month, getDate: ({ day }) => day, getDayOfMonth: ({ day }) => day - 1, getDayOfWeek: ({ weekday }) => weekday,
  getDayOfYear: dayOfYear, getHours: ({ hour }) => hour, getMinutes: ({ minute }) => minute, getSeconds: ({ second }) => second,
  getMilliseconds: (_, { nanos }) => Number(((nanos / 1_000_000n) % 1000n + 1000n) % 1000n),
};
const times: readonly Overload[] = [
  ...Object.entries(readings).flatMap(([name, read]) => [
    overload(`timestamp.${name}(): int`, (time: Timestamp) => BigInt(read(partsIn(time, 'UTC'), time))),
    overload(`timestamp.${name}(string): int`, (time: Timestamp, zone: string) => BigInt(read(partsIn(time, zone), time))),
  ]),
  overload('duration.getHours(): int', ({ nanos }: Duration) => nanos / 3_600_000_000_000n),
  overload('duration.getMinutes(): int', ({ nanos }: Duration) => nanos / 60_000_000_000n),
  overload('duration.getSeconds(): int', ({ nanos }: Duration) => nanos / 1_000_000_000n),
  overload('duration.getMilliseconds(): int', ({ nanos }: Duration) => nanos / 1_000_000n),
];

const optionals: readonly Overload[] = [
  overload('optional.of(A): optional<A>', (value: unknown) => new Optional(true, value)),
  overload('optional.ofNonZeroValue(A): optional<A>', (value: unknown) => (isZero(value) ? none : new Optional(true, value))),
  overload('optional.none(): optional<A>', () => none),
  overload('optional<A>.hasValue(): bool', ({ hasValue }: Optional) => hasValue),
  overload('optional<A>.value(): A', ({ hasValue, value }: Optional) => {
    if (!hasValue) throw new EvaluationError('optional.none() dereference');
    return value;
  }),
  overload('optional<A>.or(optional<A>): optional<A>', (first: Optional, second: Optional) => (first.hasValue ? first : second)),
  overload('optional<A>.orValue(A): A', (first: Optional, value: unknown) => (first.hasValue ? first.value : value)),
];

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === 0n || value === false) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Timestamp) return value.nanos === -62_135_596_800_000_000_000n;
  return typeof value === 'object' && sizeOf(value) === 0;
}

export const standardLibrary: readonly Overload[] = [...arithmetic, ...comparisons, ...equality, ...texts, ...conversions, ...times, ...optionals];
