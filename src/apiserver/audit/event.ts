/** Audit events. Source: API reference, audit.k8s.io/v1 Event. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import { toServed } from '../registry/served.ts';
import type { ApiCall, ApiResult, UserInfo } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';
import type { AuditLevel, AuditStage } from './policy.ts';

interface AuditUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ObjectReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: AuditLevel;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly authenticationMetadata?: { readonly impersonationConstraint: string };
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: ResponseStatus;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ResponseStatus {
  readonly metadata: object;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: unknown;
  readonly code: number;
}

export function auditUser({ name, uid, groups, extra }: UserInfo): AuditUser {
  return { username: name, ...(uid !== undefined && uid !== '' && { uid }), groups, ...(extra !== undefined && { extra }) };
}

/** `requested`: the object that was sent, where that is recorded: it may know a name that the path does not. */
export function objectReference(info: RequestInfo, requested: JsonValue | undefined): ObjectReference | undefined {
  if (!info.isResource) return undefined;
  const metadata = isJsonObject(requested) && isJsonObject(requested['metadata']) ? requested['metadata'] : {};
  const text = (field: string): string => (typeof metadata[field] === 'string' ? metadata[field] : '');
  const [name, uid, resourceVersion] = [info.name === '' ? text('name') : info.name, text('uid'), text('resourceVersion')];
  return {
    resource: info.resource,
    ...(info.namespace !== '' && { namespace: info.namespace }),
    ...(name !== '' && { name }),
    ...(uid !== '' && { uid }),
    ...(info.group !== '' && { apiGroup: info.group }),
    apiVersion: info.version,
    ...(resourceVersion !== '' && { resourceVersion }),
    ...(info.subresource !== '' && { subresource: info.subresource }),
  };
}

/** What was answered, in short. */
export function responseStatusOf(result: ApiResult): ResponseStatus {
  if (result.is === 'json' && 'status' in result.body && 'kind' in result.body && result.body.kind === 'Status') {
    const { kind: _kind, apiVersion: _version, ...status } = result.body as Record<string, unknown>;
    return { metadata: {}, ...status, code: result.code };
  }
  const code = result.is === 'object' || result.is === 'json' || result.is === 'raw' ? result.code : result.is === 'upgrade' ? (result.code ?? 101) : 200;
  return { metadata: {}, code };
}

export function failureStatusOf(error: unknown): ResponseStatus {
  const { code, reason, message, details } = error instanceof StatusError ? error : { code: 500, reason: 'InternalError', message: `APIServer panic'd: ${error instanceof Error ? error.message : String(error)}`, details: undefined };
  return { metadata: {}, status: 'Failure', message, reason, ...(details !== undefined && Object.keys(details).length > 0 && { details }), code };
}

/** The document that was answered; undefined where it is none. */
export function responseObjectOf(result: ApiResult): unknown {
  switch (result.is) {
    case 'object':
      return { ...toServed(result.kind, result.object), kind: result.kind.kind, apiVersion: result.kind.apiVersion };
    case 'list':
      return { kind: result.kind.listKind, apiVersion: result.kind.apiVersion, metadata: { resourceVersion: result.resourceVersion }, items: result.items.map(({ object }) => toServed(result.kind, object)) };
    case 'json':
      return result.body;
    default:
      return undefined;
  }
}

/** The document without the managed fields of its object or, of a list, its objects. */
export function withoutManagedFields(document: unknown): unknown {
  if (!isJsonObject(document)) return document;
  const { metadata, items } = document as { readonly metadata?: unknown; readonly items?: unknown };
  return {
    ...document,
    ...(isJsonObject(metadata) && 'managedFields' in metadata && { metadata: { ...metadata, managedFields: undefined } }),
    ...(Array.isArray(items) && { items: items.map(withoutManagedFields) }),
  };
}

/** Path and query, as the client sent it or, of a component in this process, as it would have. */
export function requestUriOf({ origin, info, query }: Pick<ApiCall, 'origin' | 'info' | 'query'>): string {
  if (origin !== undefined) return origin.requestUri;
  const text = new URLSearchParams(Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))).toString();
  return text === '' ? info.path : `${info.path}?${text}`;
}

/** With microseconds, as metadata's MicroTime has it. */
export function microTime(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, -1)}000Z`;
}
