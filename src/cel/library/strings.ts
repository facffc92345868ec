/** Kubernetes' strings, regular expressions and formatting. Source: cel-go ext.Strings version 2; Kubernetes documentation, "CEL in Kubernetes". */
import type { Range } from '../cost.ts';
import { add, matching, matchingOf, multiply, one, traversal, traversalOf, unbounded } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import { Duration, durationText, EvaluationError, isList, isMap, mapEntries, Optional, sizeOf, Timestamp, timestampText, typeName, TypeValue, Uint } from '../values.ts';
import { patternOf } from './standard.ts';

const walked: Costs = { cost: ([text]) => traversalOf(sizeOf(text)), estimate: ([text = one]) => ({ cost: traversal(text), size: text }) };
const part: Costs = { cost: ([text]) => traversalOf(sizeOf(text)), estimate: ([text = one]) => ({ cost: traversal(text), size: { min: 0, max: text.max } }) };
const searched: Costs = { cost: ([text, pattern]) => matchingOf(sizeOf(text), sizeOf(pattern)), estimate: ([text = one, pattern = one]) => ({ cost: matching(text, pattern), size: { min: 0, max: text.max } }) };
const replaced: Costs = {
  cost: ([text, old, by]) => traversalOf(sizeOf(text)) * Math.max(1, traversalOf(sizeOf(old) + sizeOf(by))),
  estimate: ([text = one, old = one, by = one]) => ({ cost: multiply(traversal(text), add(one, traversal(add(old, by)))), size: { min: 0, max: Math.min(unbounded, (text.max + 1) * (by.max + 1)) } }),
};
const joined: Costs = { cost: ([list]) => sizeOf(list), estimate: ([list = one]) => ({ cost: list, size: { min: 0, max: unbounded } }) };

/** Positions count code points, as the original's do. */
function points(text: string): readonly string[] {
  return Array.from(text);
}
function position(index: bigint, length: number): number {
  if (index < 0n || index > BigInt(length)) throw new EvaluationError(`index out of range: ${index}`);
  return Number(index);
}
function isPlain(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- ASCII is what is looked for
  return /^[\x00-\x7f]*$/.test(text);
}
function indexOf(text: string, wanted: string, from: bigint): bigint {
  const letters = points(text);
  const start = position(from, letters.length);
  if (wanted === '') return from;
  const found = letters.slice(start).join('').indexOf(wanted);
  return found < 0 ? -1n : BigInt(start + points(letters.slice(start).join('').slice(0, found)).length);
}
function lastIndexOf(text: string, wanted: string, from: bigint | undefined): bigint {
  const letters = points(text);
  const start = from === undefined ? letters.length : position(from, letters.length);
  if (wanted === '') return BigInt(start);
  const wantedLetters = points(wanted);
  for (let index = Math.min(start, letters.length - wantedLetters.length); index >= 0; index--) if (wantedLetters.every((letter, at) => letters[index + at] === letter)) return BigInt(index);
  return -1n;
}
function substring(text: string, from: bigint, to: bigint | undefined): string {
  const letters = isPlain(text) ? text : points(text);
  const start = position(from, letters.length);
  const end = to === undefined ? letters.length : position(to, letters.length);
  if (start > end) throw new EvaluationError(`invalid substring range. start: ${start}, end: ${end}`);
  return typeof letters === 'string' ? letters.slice(start, end) : letters.slice(start, end).join('');
}
function replace(text: string, old: string, by: string, times: bigint): string {
  if (times === 0n) return text;
  if (times < 0n) return text.replaceAll(old, () => by);
  let left = Number(times);
  return text.replaceAll(old, (match) => (left-- > 0 ? by : match));
}
function split(text: string, separator: string, limit: bigint): readonly string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? points(text) : text.split(separator);
  if (limit < 0n || parts.length <= Number(limit)) return parts;
  const head = parts.slice(0, Number(limit) - 1);
  return [...head, parts.slice(head.length).join(separator)];
}
function charAt(text: string, index: bigint): string {
  const letters = points(text);
  return letters[position(index, letters.length)] ?? '';
}
function findAll(text: string, pattern: string, limit: number): readonly string[] {
  const expression = patternOf(pattern);
  const found: string[] = [];
  for (let from = 0; from <= text.length && found.length < limit;) {
    const match = expression.find(text, from);
    if (match === undefined) break;
    found.push(text.slice(match.start, match.end));
    from = match.end > match.start ? match.end : match.end + 1;
  }
  return found;
}
function quote(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' };
  return `"${points(text).map((letter) => escapes[letter] ?? letter).join('')}"`;
}

/** `"%d of %s".format([1, "x"])`. */
function format(pattern: string, args: readonly unknown[]): string {
  let next = 0;
  return pattern.replaceAll(/%(?:%|(?:\.(\d+))?([sdfexXob]))|%/g, (whole: string, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%';
    if (verb === undefined) throw new EvaluationError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(pattern)}`);
    if (next >= args.length) throw new EvaluationError(`index ${next} out of range`);
    return formatOne(verb, precision === undefined ? undefined : Number(precision), args[next++]);
  });
}
function formatOne(verb: string, precision: number | undefined, value: unknown): string {
  const whole = value instanceof Uint ? value.value : value;
  switch (verb) {
    case 's': return formatText(value);
    case 'd': if (typeof whole === 'bigint') return String(whole); break;
    case 'f': if (typeof whole === 'number' || typeof whole === 'bigint') return Number(whole).toFixed(precision ?? 6); break;
    case 'e': if (typeof whole === 'number' || typeof whole === 'bigint') return scientific(Number(whole), precision ?? 6); break;
    case 'b': if (typeof whole === 'bigint') return whole.toString(2); if (typeof whole === 'boolean') return whole ? '1' : '0'; break;
    case 'o': if (typeof whole === 'bigint') return whole.toString(8); break;
    default: {
      const hex = typeof whole === 'bigint' ? whole.toString(16) : typeof whole === 'string' ? Buffer.from(whole).toString('hex') : whole instanceof Uint8Array ? whole.toHex() : undefined;
      if (hex !== undefined) return verb === 'X' ? hex.toUpperCase() : hex;
    }
  }
  throw new EvaluationError(`error during formatting: ${verb === 'd' ? 'decimal' : verb === 'f' ? 'fixed-point' : verb} clause can only be used on numbers, was given ${typeName(value)}`);
}
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `3.14×10⁰⁰`, as the original's locale prints it. */
function scientific(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e');
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${Array.from(digits, (digit) => superscripts[Number(digit)]).join('')}`;
}

function formatText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (isList(value)) return `[${value.map(formatText).join(', ')}]`;
  if (value instanceof Optional) return value.hasValue ? `optional(${formatText(value.value)})` : 'optional.none()';
  if (isMap(value)) return `{${[...mapEntries(value)].map(([key, item]) => `${formatText(key)}: ${formatText(item)}`).sort().join(', ')}}`;
  throw new EvaluationError(`error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeName(value)}`);
}

const lower = (text: string): string => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upper = (text: string): string => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase());
const sumOfSizes = (sizes: readonly Range[]): Range => add(...sizes);

export const stringLibrary: readonly Overload[] = [
  overload('string.charAt(int): string', charAt, { estimate: () => ({ cost: one, size: one }) }),
  overload('string.indexOf(string): int', (text: string, wanted: string) => indexOf(text, wanted, 0n)),
  overload('string.indexOf(string, int): int', indexOf),
  overload('string.lastIndexOf(string): int', (text: string, wanted: string) => lastIndexOf(text, wanted, undefined)),
  overload('string.lastIndexOf(string, int): int', lastIndexOf),
  overload('string.lowerAscii(): string', lower, walked),
  overload('string.upperAscii(): string', upper, walked),
  overload('string.trim(): string', (text: string) => text.trim(), part),
  overload('string.reverse(): string', (text: string) => points(text).toReversed().join(''), walked),
  overload('string.substring(int): string', (text: string, from: bigint) => substring(text, from, undefined), part),
  overload('string.substring(int, int): string', substring, part),
  overload('string.replace(string, string): string', (text: string, old: string, by: string) => replace(text, old, by, -1n), replaced),
  overload('string.replace(string, string, int): string', replace, replaced),
  overload('string.split(string): list<string>', (text: string, separator: string) => split(text, separator, -1n), part),
  overload('string.split(string, int): list<string>', split, part),
  overload('list<string>.join(): string', (list: readonly string[]) => list.join(''), joined),
  overload('list<string>.join(string): string', (list: readonly string[], separator: string) => list.join(separator), joined),
  overload('string.format(list<dyn>): string', format, { cost: ([pattern]) => traversalOf(sizeOf(pattern)), estimate: (sizes) => ({ cost: traversal(sumOfSizes(sizes)), size: { min: 0, max: unbounded } }) }),
  overload('strings.quote(string): string', quote, walked),
  overload('string.find(string): string', (text: string, pattern: string) => findAll(text, pattern, 1)[0] ?? '', searched),
  overload('string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, Infinity), searched),
  overload('string.findAll(string, int): list<string>', (text: string, pattern: string, limit: bigint) => findAll(text, pattern, limit < 0n ? Infinity : Number(limit)), searched),
];
