import { isInteger } from '#apimachinery/exact-json.ts';

/** The name of the type that Go's decoder makes of a value, as error messages have it. */
export function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'object': return 'map[string]interface {}';
    case 'boolean': return 'bool';
    case 'number': case 'bigint': return isInteger(value) ? 'int64' : 'float64';
    default: return typeof value;
  }
}
