/**
 * What is wrong with one field of an object. Validation yields these; a list of them becomes a 422 Status.
 *
 * Source: wording as Kubernetes' validation errors have it; tools match on it.
 */
export type FieldErrorType =
  | 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueNotSupported' | 'FieldValueForbidden' | 'FieldValueDuplicate'
  | 'FieldValueNotFound' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'FieldValueTypeInvalid' | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].name`, `metadata.labels[a.b/c]` is written `metadata.labels`. */
  readonly path: string;
  /** The offending value; absent where there is none to show. */
  readonly value?: unknown;
  readonly detail: string;
}

export function required(path: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', path, detail };
}
export function invalidValue(path: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', path, value, detail };
}
export function notSupported(path: string, value: unknown, supported: readonly string[]): FieldError {
  return { type: 'FieldValueNotSupported', path, value, detail: `supported values: ${supported.map((each) => JSON.stringify(each)).join(', ')}` };
}
export function forbiddenField(path: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', path, detail };
}
export function duplicate(path: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', path, value, detail: '' };
}
export function notFoundValue(path: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', path, value, detail: '' };
}
export function tooLong(path: string, maxLength: number): FieldError {
  return { type: 'FieldValueTooLong', path, detail: `may not be more than ${maxLength} bytes` };
}
export function tooMany(path: string, actual: number, max: number): FieldError {
  return { type: 'FieldValueTooMany', path, value: actual, detail: `must have at most ${max} items` };
}

const words: Readonly<Record<FieldErrorType, string>> = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueNotFound: 'Not found',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

/** `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function describeFieldError(error: FieldError): string {
  const showsValue = error.value !== undefined && error.type !== 'FieldValueForbidden';
  const value = showsValue ? `: ${showValue(error.value)}` : '';
  const detail = error.detail === '' ? '' : `: ${error.detail}`;
  return `${error.path}: ${words[error.type]}${value}${detail}`;
}

function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  // Go's encoder keeps objects fit for HTML; strings are quoted as they are.
  return typeof value === 'object' ? text.replaceAll(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`) : text;
}
