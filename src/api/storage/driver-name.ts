import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Subdomain } from '#apimachinery/names.ts';

const longestName = 63;

/** The name of a driver for storage or for devices: a domain, of which the case does not matter. */
export function* validateDriverName(name: string, path: string): Iterable<FieldError> {
  if (name === '') yield required(path);
  if (byteLength(name) > longestName) yield tooLong(path, longestName);
  for (const message of dns1123Subdomain(name.toLowerCase())) yield invalidValue(path, name, message);
}
