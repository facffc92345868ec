/** Rules on paths of files that fields name. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';

export function* validateMode(mode: number | undefined, path: string): Iterable<FieldError> {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) yield invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
}

/** A path below a volume's root, to be written there: names that begin with two dots are the writer's own. */
export function* localPath(path: string, at: string): Iterable<FieldError> {
  yield* staysInside(path, at);
  if (path.startsWith('..') && !path.startsWith('../')) yield invalidValue(at, path, "must not start with '..'");
}

/** A relative path without steps upwards. */
export function* staysInside(path: string, at: string): Iterable<FieldError> {
  if (path.startsWith('/')) yield invalidValue(at, path, 'must be a relative path');
  yield* noBacksteps(path, at);
}

export function* noBacksteps(path: string, at: string): Iterable<FieldError> {
  if (path.includes('..') && path.split('/').includes('..')) yield invalidValue(at, path, "must not contain '..'");
}
