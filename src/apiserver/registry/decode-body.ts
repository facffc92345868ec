import { Buffer } from 'node:buffer';
import { DecodeError, decodeDraft } from '#apimachinery/decode.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { badRequest, invalid } from '#apimachinery/status-error.ts';
import type { ApiCall, CallBody } from '../request/api-call.ts';
import { UnreadableBody, summarize, unrecognized } from '../request/unreadable-body.ts';
import { toHub } from './served.ts';

/** The object a client sent, with defaults, in the stored version and still writable. Throws a 400 when it does not fit. */
export function decodeBody(kind: ResourceKind, call: ApiCall): Draft<KubeObject> {
  const body = bodyOf(kind, call);
  if (body === undefined) throw badRequest('the request body is empty');
  return decodeAs(kind, body, call);
}

function bodyOf(kind: ResourceKind, call: ApiCall): CallBody | undefined {
  try {
    return call.body();
  } catch (error) {
    throw error instanceof UnreadableBody ? unrecognized(kind.kind, error) : error;
  }
}

/** What a document that does not fit its kind is answered. */
type Refusal = (kind: ResourceKind, fault: DecodeError) => Error;

/** The document of a request. Objects of custom kinds may hold any int64, those of built-in ones hold none beyond 2^53. */
export function bodyJson(kind: ResourceKind, { json, exact }: CallBody, refusal: Refusal = cannotBeHandled): JsonValue {
  if (kind.isCustom !== true || exact === undefined) return json;
  try {
    return exact();
  } catch (error) {
    if (error instanceof RangeError) throw refusal(kind, new DecodeError(error.message));
    throw error;
  }
}

/** The same for a document made here (a patched object); `duplicateFields` are those of the patch. */
export function decodeAs(kind: ResourceKind, body: CallBody, call: ApiCall, refusal: Refusal = cannotBeHandled): Draft<KubeObject> {
  const json = bodyJson(kind, body, refusal);
  if (!isJsonObject(json)) {
    const message = `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonWord(json)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw unrecognized(kind.kind, { message, summary: summarize(Buffer.from(JSON.stringify(json))) });
  }
  checkTypeMeta(kind, json);
  const validation = call.query['fieldValidation'] ?? 'Warn';
  const unknownFields: string[] = [];
  let draft: Draft<KubeObject>;
  try {
    draft = decodeDraft(kind, json, { defaults: true, ...(validation !== 'Ignore' && { unknownFields }) });
  } catch (error) {
    if (error instanceof DecodeError) throw refusal(kind, error);
    throw error;
  }
  if (validation !== 'Ignore') {
    const problems = [
      ...body.duplicateFields().map((path) => `duplicate field ${JSON.stringify(path)}`),
      ...unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`),
    ];
    if (problems.length > 0 && validation === 'Strict') throw refusal(kind, new DecodeError(`strict decoding error: ${problems.join(', ')}`));
    for (const problem of problems) call.warn(problem);
  }
  draft.apiVersion = kind.apiVersion;
  draft.kind = kind.kind;
  kind.defaults?.(draft);
  return kind.convertedFrom === undefined ? draft : (toHub(kind, draft) as unknown as Draft<KubeObject>);
}

function checkTypeMeta(kind: ResourceKind, { apiVersion, kind: kindName, metadata }: JsonObject): void {
  const givenVersion = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : kind.apiVersion;
  const givenKind = typeof kindName === 'string' && kindName !== '' ? kindName : kind.kind;
  if (givenKind === kind.kind && givenVersion === kind.apiVersion) return;
  if (kind.isCustom === true) {
    // Of custom kinds the API server reads anything, and then finds that it is something else.
    if (givenVersion !== kind.apiVersion) throw badRequest(`the API version in the data (${givenVersion}) does not match the expected API version (${kind.apiVersion})`);
    throw invalid({ group: kind.group, kind: givenKind }, isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '', [invalidValue('kind', givenKind, `must be ${kind.kind}`)]);
  }
  const version = givenVersion.slice(givenVersion.indexOf('/') + 1);
  const full = givenVersion.includes('/') ? givenVersion : `/${givenVersion}`;
  throw badRequest(`${givenKind} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: no kind ${JSON.stringify(givenKind)} is registered for version ${JSON.stringify(full)} here`);
}

function cannotBeHandled(kind: ResourceKind, { message }: DecodeError): Error {
  return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${message}`);
}

function jsonWord(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}
