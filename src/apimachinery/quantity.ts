/**
 * Amounts of resources: `100m`, `1.5Gi`, `1e3`. Exact to a billionth; what is finer is rounded away from zero, so that
 * a tiny request never becomes none.
 *
 * Source: API reference "Quantity" (serialization format, canonical form).
 */

/** How a quantity is written: 12M, 12Mi or 12e6. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

export interface Quantity {
  /** The amount in billionths. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** The text is no quantity. The message is Kubernetes'. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

export const zeroQuantity: Quantity = { nanos: 0n, format: 'DecimalSI' };

const billion = 1_000_000_000n;
const maxInt64 = 2n ** 63n - 1n;
/** Beyond it an exponent only costs memory: no resource is counted in 10^100. */
const maxExponent = 100;
const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** The same few amounts stand in all objects, and each is looked at by many rules. */
const known = new Map<string, Quantity>();
const maxKnown = 1_000;
const maxKnownLength = 24;

/** Reads a quantity. @throws QuantityError */
export function parseQuantity(text: string): Quantity {
  let quantity = known.get(text);
  if (quantity === undefined) {
    quantity = readQuantity(text);
    if (known.size >= maxKnown) known.clear();
    if (text.length <= maxKnownLength) known.set(text, quantity);
  }
  return quantity;
}

function readQuantity(text: string): Quantity {
  if (text === '0') return zeroQuantity;
  const match = shape.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3];
  if (match === null || (whole === '' && fraction === undefined)) throw new QuantityError(formatWrong);
  const unit = interpretSuffix(match[4] ?? '');
  let digits = BigInt(whole + (fraction ?? '') || '0');
  if (unit.format === 'BinarySI') digits <<= BigInt(unit.exponent);
  const decimals = fraction?.length ?? 0;
  let nanos = scaleUp(digits, (unit.format === 'BinarySI' ? 0 : unit.exponent) - decimals + 9);
  let format = unit.format;
  if (format === 'BinarySI') {
    if (nanos > maxInt64 * billion) nanos = maxInt64 * billion;
    if (nanos > 0n && nanos < billion) format = 'DecimalSI';
  }
  return { nanos: match[1] === '-' ? -nanos : nanos, format };
}

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function interpretSuffix(suffix: string): { readonly exponent: number; readonly format: QuantityFormat } {
  const decimal = decimalExponents[suffix];
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = binaryExponents[suffix];
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' };
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(suffix)?.[1];
  if (exponent === undefined || Math.abs(Number(exponent)) > maxExponent) throw new QuantityError("unable to parse quantity's suffix");
  return { exponent: Number(exponent), format: 'DecimalExponent' };
}

/** `digits` × 10^`exponent`, rounded up (digits are not negative). */
function scaleUp(digits: bigint, exponent: number): bigint {
  return exponent >= 0 ? digits * 10n ** BigInt(exponent) : divideUp(digits, 10n ** BigInt(-exponent));
}

/** Rounds away from zero. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (quotient * divisor === dividend) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}

function toQuantity(quantity: Quantity | string): Quantity {
  return typeof quantity === 'string' ? parseQuantity(quantity) : quantity;
}

/** Negative, zero or positive, as sorting wants it. @throws QuantityError on a text that is none. */
export function compareQuantity(left: Quantity | string, right: Quantity | string): number {
  const a = toQuantity(left).nanos;
  const b = toQuantity(right).nanos;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The sum, written as `left` is unless that is zero. @throws QuantityError */
export function addQuantity(left: Quantity | string, right: Quantity | string): Quantity {
  const a = toQuantity(left);
  const b = toQuantity(right);
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** The difference, written as `left` is unless that is zero. @throws QuantityError */
export function subQuantity(left: Quantity | string, right: Quantity | string): Quantity {
  const a = toQuantity(left);
  const b = toQuantity(right);
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** A quantity of `units` wholes. Finite; fractions are kept to a billionth. */
export function quantityOf(units: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  if (Number.isSafeInteger(units)) return { nanos: BigInt(units) * billion, format };
  return { nanos: BigInt(Math.round(units * 1e9)), format };
}

/** A quantity of thousandths: 250 is `250m`. */
export function quantityOfMillis(millis: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nanos: BigInt(Math.ceil(millis)) * 1_000_000n, format };
}

/** As a float, inexact beyond 2^53. @throws QuantityError */
export function quantityToNumber(quantity: Quantity | string): number {
  const { nanos } = toQuantity(quantity);
  const whole = nanos / billion;
  return Number(whole) + Number(nanos - whole * billion) / 1e9;
}

/** In thousandths, rounded away from zero: `1.5` is 1500, `0.1m` is 1. @throws QuantityError */
export function milliValue(text: string): number {
  const fast = readPlain(text, text.length);
  if (fast >= 0) return fast * 1000;
  if (text.charCodeAt(text.length - 1) === letterM) {
    const millis = readPlain(text, text.length - 1);
    if (millis >= 0) return millis;
  }
  return Number(divideUp(parseQuantity(text).nanos, 1_000_000n));
}

/** In wholes, rounded away from zero: `1500m` is 2, `1Ki` is 1024. @throws QuantityError */
export function value(text: string): number {
  const fast = readPlain(text, text.length);
  if (fast >= 0) return fast;
  if (text.charCodeAt(text.length - 1) === letterI) {
    const exponent = binaryExponents[text.slice(-2)];
    const units = readPlain(text, text.length - 2);
    // Beyond 2^53 a float is not exact.
    if (exponent !== undefined && units >= 0 && units < 2 ** (53 - exponent)) return units * 2 ** exponent;
  }
  return Number(divideUp(parseQuantity(text).nanos, billion));
}

const letterM = 'm'.charCodeAt(0);
const letterI = 'i'.charCodeAt(0);
const digitZero = '0'.charCodeAt(0);

/** The number that up to twelve digits before `end`, and nothing else, spell; -1 for any other text. Most are that plain. */
function readPlain(text: string, end: number): number {
  if (end <= 0 || end > 12) return -1;
  let number = 0;
  for (let index = 0; index < end; index++) {
    const digit = text.charCodeAt(index) - digitZero;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** The canonical text: no fraction, the largest suffix that loses nothing. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  if (format === 'BinarySI' && nanos % billion === 0n) {
    const units = nanos / billion;
    if (units >= 1024n || units <= -1024n) return formatBinary(units);
  }
  // Small or fractional binary amounts are written in decimal: 0.5Ki is 512, 1.5 bytes are 1500m.
  return formatDecimal(nanos, format === 'DecimalExponent');
}

function formatBinary(units: bigint): string {
  let rest = units;
  let power = 0;
  while (power < 6 && rest % 1024n === 0n) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${binarySuffixes[power]}`;
}

function formatDecimal(nanos: bigint, withExponent: boolean): string {
  let rest = nanos;
  let power = 0;
  const maxPower = withExponent ? Infinity : decimalSuffixes.length - 1;
  while (rest % 1000n === 0n && power < maxPower) {
    rest /= 1000n;
    power++;
  }
  if (!withExponent) return `${rest}${decimalSuffixes[power]}`;
  const exponent = power * 3 - 9;
  return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
}

/** `Ei` is left out: it may exceed what a quantity holds. */
const shortForm = /^[1-9][0-9]{0,2}(?:[numkMGTPE]|[KMGTP]i)?$/;

/** What the API server makes of a quantity: `1000m` is `1`, `0.5Gi` is `512Mi`. @throws QuantityError */
export function canonicalQuantity(text: string): string {
  // Up to three digits with a suffix are canonical as they are, and most of what there is.
  if (text.length <= 5 && shortForm.test(text)) return text;
  return formatQuantity(parseQuantity(text));
}

/** Whether the text is a quantity. */
export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}
