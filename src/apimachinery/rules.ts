/** Rules that many kinds name. Source: wording as Kubernetes' validation has it. */
import { saysTheSame } from './equal.ts';
import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';
import { percent } from './names.ts';
import type { UpdateRule } from './resource.ts';

/** The fields at these dotted paths never change. */
export function immutableFields(...paths: readonly string[]): UpdateRule<object> {
  return function* (object, old) {
    for (const path of paths) yield* immutableValue(path, at(object, path), at(old, path));
  };
}

export function* immutableValue(path: string, value: unknown, old: unknown): Iterable<FieldError> {
  if (!saysTheSame(value, old)) yield invalidValue(path, value ?? null, 'field is immutable');
}

function at(object: object, path: string): unknown {
  let value: unknown = object;
  for (const key of path.split('.')) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  return value;
}

export function* nonNegativeNumber(path: string, value: number | undefined): Iterable<FieldError> {
  if (value !== undefined && value < 0) yield invalidValue(path, value, 'must be greater than or equal to 0');
}

/** A count, or a share of another count (`25%`). */
export function* validateIntOrPercent(path: string, value: number | string | undefined): Iterable<FieldError> {
  if (typeof value === 'number') yield* nonNegativeNumber(path, value);
  else if (value !== undefined) for (const message of percent(value)) yield invalidValue(path, value, message);
}

export function* atMostAll(path: string, value: number | string | undefined): Iterable<FieldError> {
  if (typeof value === 'string' && percentOf(value) > 100) yield invalidValue(path, value, 'must not be greater than 100%');
}

/** 25 of `25%`; 0 of a text that is no percentage. */
export function percentOf(text: string): number {
  return /^[0-9]+%$/.test(text) ? Number(text.slice(0, -1)) : 0;
}

/** How many of `total` the value stands for; a share is rounded up or down. */
export function scaledValue(value: number | string, total: number, rounding: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const share = (percentOf(value) * total) / 100;
  return rounding === 'up' ? Math.ceil(share) : Math.floor(share);
}
