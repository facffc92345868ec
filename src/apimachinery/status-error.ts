/**
 * The one error that crosses borders: Kubernetes' Status. Everything that a client may see is thrown as a `StatusError`
 * made by one of the constructors below; anything else that escapes a request is a bug and becomes a 500.
 *
 * Source: API reference "Status"; wording as clients and tests of Kubernetes expect it.
 */
import type { FieldError } from './field-error.ts';
import { describeFieldError } from './field-error.ts';

export type StatusReason =
  | '' | 'Unauthorized' | 'Forbidden' | 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Gone' | 'Invalid' | 'ServerTimeout'
  | 'Timeout' | 'TooManyRequests' | 'BadRequest' | 'MethodNotAllowed' | 'NotAcceptable' | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType' | 'InternalError' | 'Expired' | 'ServiceUnavailable' | 'StorageReadError';

export interface StatusCause {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly field?: string | undefined;
}

export interface StatusDetails {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly uid?: string | undefined;
  readonly causes?: readonly StatusCause[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** The Status object as it is written to clients. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string | undefined;
  readonly reason?: string | undefined;
  readonly details?: StatusDetails | undefined;
  readonly code?: number | undefined;
}

export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: StatusReason;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: StatusReason, message: string, details?: StatusDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The body of the answer. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details !== undefined && { details: this.details }),
      code: this.code,
    };
  }

  /** What a client makes of a Status it was sent. */
  static fromStatus(status: Partial<Status>): StatusError {
    return new StatusError(status.code ?? 500, (status.reason ?? '') as StatusReason, status.message ?? 'unknown', status.details);
  }
}

/** What an error message and `details` call the thing: its plural and group. */
export interface NamedResource {
  readonly plural: string;
  readonly group: string;
}
/** The same by kind, as validation errors use it. */
export interface NamedKind {
  readonly kind: string;
  readonly group: string;
}

/** `deployments.apps`; the core group has no suffix. */
export function groupResource(resource: NamedResource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
function groupKind(kind: NamedKind): string {
  return kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
}
function detailsOf(resource: NamedResource, name: string): StatusDetails {
  return { name, ...(resource.group !== '' && { group: resource.group }), kind: resource.plural };
}

export function notFound(resource: NamedResource, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${groupResource(resource)} "${name}" not found`, detailsOf(resource, name));
}
/** The path names no resource that is served. */
export function noSuchPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}
export function alreadyExists(resource: NamedResource, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${groupResource(resource)} "${name}" already exists`, detailsOf(resource, name));
}
export function conflict(resource: NamedResource, name: string, why: string): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${groupResource(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}
/** The object changed since the client read it. */
export function staleVersion(resource: NamedResource, name: string): StatusError {
  return conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again');
}
export function invalid(kind: NamedKind, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map(describeFieldError))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${groupKind(kind)} "${name}" is invalid: ${list}`, {
    ...(name !== '' && { name }),
    ...(kind.group !== '' && { group: kind.group }),
    ...(kind.kind !== '' && { kind: kind.kind }),
    causes: errors.map((error) => ({
      reason: error.type,
      message: describeFieldError(error).slice(error.path.length + 2),
      field: error.path,
    })),
  });
}
export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}
export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}
export function forbidden(resource: NamedResource, name: string, why: string): StatusError {
  const what = name === '' ? groupResource(resource) : `${groupResource(resource)} "${name}"`;
  return new StatusError(403, 'Forbidden', `${what} is forbidden: ${why}`, detailsOf(resource, name));
}
export function methodNotSupported(resource: NamedResource, verb: string): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${groupResource(resource)}"`,
    detailsOf(resource, ''),
  );
}
export function methodNotAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}
export function tooLarge(limitBytes: number): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
}
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds });
}
/** The version asked for has been compacted away; a watch or continued list must start anew. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}
export function gone(message: string): StatusError {
  return new StatusError(410, 'Gone', message);
}
export function timeout(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: ${message}`, { retryAfterSeconds });
}
export function unavailable(message: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message);
}
export function internalError(error: unknown): StatusError {
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }, { cause: error });
}

/** Whether `error` is a StatusError with this reason. */
export function hasReason(error: unknown, reason: StatusReason): error is StatusError {
  return error instanceof StatusError && error.reason === reason;
}
