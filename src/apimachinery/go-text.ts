import type { JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';

/**
 * A JSON value as error messages of Kubernetes show it that print a map as Go does: `map[metadata:map[labels:[a b]]]`.
 * Source: package fmt, verb `%v`.
 */
export function goText(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map((each) => goText(each as JsonValue)).join(' ')}]`;
  if (typeof value === 'string') return value;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `map[${Object.keys(value).sort().map((key) => `${key}:${goText(value[key] ?? null)}`).join(' ')}]`;
}
