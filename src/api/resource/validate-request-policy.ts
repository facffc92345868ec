/** Rules on how much of a device's capacity a request may take. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { addQuantity, canonicalQuantity, compareQuantity, formatQuantity, parseQuantity } from '#apimachinery/quantity.ts';
import { validateSet } from './device-rules.ts';
import type { CapacityRequestPolicy, CapacityRequestPolicyRange } from './resource-slice.ts';

const maxOptions = 10;

/** `capacity` is all there is. What a request takes that names no amount must be one of those that are allowed. */
export function* validateRequestPolicy(capacity: string, { default: fallback, validValues = [], validRange }: CapacityRequestPolicy, path: string): Iterable<FieldError> {
  if (validValues.length > 0 && validRange !== undefined) return yield forbiddenField(path, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time');
  if (validValues.length > 0) {
    if ((fallback ?? null) === null) yield required(`${path}.default`, 'required when validValues is defined');
    else yield* validateValues(validValues, { capacity, fallback: fallback ?? '0' }, `${path}.validValues`);
  } else if (validRange !== undefined) {
    if ((fallback ?? null) === null) yield required(`${path}.default`, 'required when validRange is defined');
    else yield* validateRange(validRange, { capacity, fallback: fallback ?? '0' }, `${path}.validRange`);
  }
}

interface Amounts {
  readonly capacity: string;
  readonly fallback: string;
}

function* validateValues(values: readonly string[], { capacity, fallback }: Amounts, path: string): Iterable<FieldError> {
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    if (before !== undefined && compareQuantity(before, value) > 0) yield invalidValue(`${path}[${index}]`, value, 'values must be sorted in ascending order');
  }
  yield* validateSet(values, maxOptions, function* (value, at) {
    if (compareQuantity(value, capacity) > 0) yield invalidValue(at, value, `option is larger than capacity value: ${capacity}`);
  }, (value) => String(wholes(value)), path);
  if (!values.some((value) => compareQuantity(value, fallback) === 0)) yield invalidValue(path, fallback, 'default value is not valid according to the requestPolicy');
}

function* validateRange({ min, max, step }: CapacityRequestPolicyRange, { capacity, fallback }: Amounts, path: string): Iterable<FieldError> {
  if ((min as string | null | undefined ?? null) === null) return yield required(`${path}.min`, 'required when validRange is defined');
  if (compareQuantity(min, capacity) > 0) yield invalidValue(`${path}.min`, min, `min is larger than capacity value: ${capacity}`);
  if (compareQuantity(fallback, min) < 0) yield invalidValue(`${path}.default`, fallback, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (compareQuantity(min, max) > 0) yield invalidValue(`${path}.max`, min, `min is larger than max: ${max}`);
    if (compareQuantity(max, capacity) > 0) yield invalidValue(`${path}.max`, max, `max is larger than capacity value: ${capacity}`);
    if (compareQuantity(fallback, max) > 0) yield invalidValue(`${path}.default`, fallback, `default is more than max: ${max}`);
  }
  if (step === undefined) return;
  if (compareQuantity(step, '0') <= 0) return yield invalidValue(`${path}.step`, step, 'must be greater than zero');
  const first = canonicalQuantity(formatQuantity(addQuantity(min, step)));
  if (compareQuantity(first, capacity) > 0) yield invalidValue(`${path}.step`, step, `one step ${first} is larger than capacity value: ${capacity}`);
  for (const value of [fallback, ...(max === undefined ? [] : [max])]) {
    if ((wholes(value) - wholes(min)) % wholes(step) !== 0n) yield invalidValue(`${path}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
}

/** Rounded up. */
function wholes(text: string): bigint {
  const billion = 1_000_000_000n;
  const { nanos } = parseQuantity(text);
  const whole = nanos / billion;
  return nanos > whole * billion ? whole + 1n : whole;
}
