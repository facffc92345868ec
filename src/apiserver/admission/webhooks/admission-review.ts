/**
 * The document that webhooks are asked with, and what may come back. Pure.
 *
 * Source: API reference, admission.k8s.io/v1 AdmissionReview; texts as the API server words them.
 */
import { parseExactJson } from '#apimachinery/exact-json.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Status } from '#apimachinery/status-error.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { UserInfo } from '../../request/api-call.ts';
import { ready, takesTime, toServed } from '../../registry/served.ts';
import type { AdmissionRequest } from '../admission.ts';

/** The webhook has answered, but not with what it should have. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
}

export interface ReviewQuestion {
  readonly uid: string;
  /** `v1` or `v1beta1`. */
  readonly version: string;
  /** The version of the kind in which the webhook wants to see it. */
  readonly kind: ResourceKind;
  readonly request: AdmissionRequest;
}

export function reviewFor(question: ReviewQuestion): JsonObject {
  const { version, kind, request } = question;
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: { ...requestAttributes(question), object: request.sent?.object ?? objectAs(kind, request.object), oldObject: objectAs(kind, request.old) },
  };
}

/** The request without its objects. */
export function requestAttributes({ uid, kind, request }: ReviewQuestion): JsonObject {
  const served = request.served ?? request.kind;
  const { operation, subresource, namespace, sent } = request;
  const name = request.name === '' ? (request.object?.metadata.name ?? '') : request.name;
  return {
    uid,
    kind: kindOf(sent ?? kind),
    resource: { group: kind.group, version: kind.version, resource: kind.plural },
    ...(subresource !== '' && { subResource: subresource }),
    requestKind: kindOf(sent ?? served),
    requestResource: { group: served.group, version: served.version, resource: served.plural },
    ...(subresource !== '' && { requestSubResource: subresource }),
    ...(name !== '' && { name }),
    ...(namespace !== '' && { namespace }),
    operation,
    userInfo: userInfo(request.user),
    dryRun: request.dryRun,
    options: optionsOf(operation, request.dryRun),
  };
}

function kindOf({ group, version, kind }: { readonly group: string; readonly version: string; readonly kind: string }): JsonObject {
  return { group, version, kind };
}

function userInfo({ name, uid, groups, extra }: UserInfo): JsonObject {
  return { username: name, ...(uid !== undefined && { uid }), groups: [...groups], ...(extra !== undefined && { extra }) };
}

/** To be awaited before a request's objects are shown as `kind` has them; undefined where they can be at once. */
export function objectsReady(kind: ResourceKind, { object, old }: AdmissionRequest): Promise<void> | undefined {
  return takesTime(kind) ? ready(kind, [object, old].filter((each) => each !== undefined) as readonly KubeObject[]) : undefined;
}

/** An object as `kind` shows it. */
export function objectAs(kind: ResourceKind, object: KubeObject | undefined): JsonObject | null {
  if (object === undefined) return null;
  const shown = toServed(kind, object);
  return { ...shown, apiVersion: kind.apiVersion, kind: kind.kind } as unknown as JsonObject;
}

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: undefined } as const;

function optionsOf(operation: AdmissionRequest['operation'], dryRun: boolean): JsonObject | null {
  const kind = optionKinds[operation];
  return kind === undefined ? null : { kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }) };
}

export interface Verdict {
  readonly allowed: boolean;
  readonly status: Partial<Status> | undefined;
  /** A JSON Patch; undefined when nothing is to be changed. */
  readonly patch: JsonValue | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** Reads an answer. Throws `ReviewError` for what is none. */
export function verdictOf(answer: unknown, { uid, version, isMutating }: { readonly uid: string; readonly version: string; readonly isMutating: boolean }): Verdict {
  if (!isJsonObject(answer)) throw new ReviewError('the answer is no AdmissionReview');
  const expected = `admission.k8s.io/${version}, Kind=AdmissionReview`;
  const given = `${text(answer['apiVersion'])}, Kind=${text(answer['kind'])}`;
  if (given !== expected) throw new ReviewError(`expected webhook response of ${expected}, got ${given}`);
  const { response } = answer;
  if (!isJsonObject(response)) throw new ReviewError('webhook response was absent');
  const answered = text(response['uid']);
  if (version === 'v1' && answered !== uid) throw new ReviewError(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(answered)}`);
  return {
    allowed: response['allowed'] === true,
    status: isJsonObject(response['status']) ? response['status'] : undefined,
    patch: patchOf(response, version, isMutating),
    warnings: Array.isArray(response['warnings']) ? (response['warnings'] as readonly unknown[]).filter((each) => typeof each === 'string') : [],
    auditAnnotations: isJsonObject(response['auditAnnotations']) ? (response['auditAnnotations'] as Readonly<Record<string, string>>) : {},
  };
}

function patchOf(response: JsonObject, version: string, isMutating: boolean): JsonValue | undefined {
  const encoded = text(response['patch']);
  const type = text(response['patchType']);
  if (encoded !== '' && type === '' && version === 'v1') throw new ReviewError('webhook returned response.patch but not response.patchType');
  if (encoded === '') {
    if (type !== '' && version === 'v1') throw new ReviewError('webhook returned response.patchType but not response.patch');
    return undefined;
  }
  if (!isMutating) throw new ReviewError('validating webhook may not return response.patch');
  if (type !== '' && type !== 'JSONPatch') throw new ReviewError(`webhook returned invalid response.patchType of ${type}`);
  try {
    return parseExactJson(Buffer.from(encoded, 'base64').toString());
  } catch (error) {
    throw new ReviewError(`invalid JSON patch: ${(error as Error).message}`, { cause: error });
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** What the client is told when a webhook says no. */
export function denial(webhook: string, status: Partial<Status> | undefined): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { message = '', reason = '', details, code = 0 } = status ?? {};
  const why = message !== '' ? `: ${message}` : reason !== '' ? `: ${reason}` : ' without explanation';
  return new StatusError(code < 400 ? 400 : code, reason as StatusError['reason'], `${deniedBy}${why}`, details);
}
