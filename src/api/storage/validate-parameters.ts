/** Rules that classes of storage share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, qualifiedName } from '#apimachinery/names.ts';

const most = { count: 512, bytes: 256 * 1024 };

/** What a driver is told beside what it is asked for. */
export function* validateParameters(parameters: Readonly<Record<string, string>> = {}, mayBeEmpty: boolean): Iterable<FieldError> {
  const entries = Object.entries(parameters);
  if (entries.length > most.count) return yield tooLong('parameters', most.count);
  if (entries.some(([key]) => key === '')) yield invalidValue('parameters', '', 'field can not be empty.');
  if (textSize(parameters) > most.bytes) yield tooLong('parameters', most.bytes);
  if (!mayBeEmpty && entries.length === 0) yield required('parameters', 'must contain at least one key/value pair');
}

/** Bytes of all keys and values. */
export function textSize(texts: Readonly<Record<string, string>> = {}): number {
  return Object.entries(texts).reduce((sum, [key, text]) => sum + byteLength(key) + byteLength(text), 0);
}

/** The name of whoever makes the volumes. */
export function* validateProvisioner(name: string, path: string): Iterable<FieldError> {
  if (name !== '') for (const message of qualifiedName(name.toLowerCase())) yield invalidValue(path, name.toLowerCase(), message);
}
