import { Buffer } from 'node:buffer';
import { DecodeError, decodeDraft } from '#apimachinery/decode.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { badRequest, invalid } from '#apimachinery/status-error.ts';
import type { ApiCall, CallBody } from '../request/api-call.ts';
import type { DuplicateKey } from '../request/duplicate-keys.ts';
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
  const { draft, unknownFields } = decodeLoosely(kind, body, call, refusal);
  if (unknownFields !== undefined) {
    const problems = strictProblems(kind, body, unknownFields);
    if (problems.length > 0 && validationOf(call) === 'Strict') throw refusal(kind, new DecodeError(`strict decoding error: ${problems.join(', ')}`));
    for (const problem of problems) for (const line of withoutYamlHead(problem)) call.warn(line);
  }
  return draft;
}

/** What a request wants done about unknown and duplicate fields. */
export function validationOf({ query }: ApiCall): string {
  return query['fieldValidation'] ?? 'Warn';
}

/** What stands before the duplicate keys of a YAML document. */
const yamlHead = 'yaml: unmarshal errors:';

/** Duplicate keys of a YAML document in the words of its decoder. */
export function yamlProblem(duplicates: readonly DuplicateKey[]): string {
  return [yamlHead, ...duplicates.map(({ key, line }) => `  line ${line}: key ${JSON.stringify(key)} already set in map`)].join('\n');
}

/** Warnings are of one line each. */
export function withoutYamlHead(problem: string): readonly string[] {
  return problem.startsWith(yamlHead) ? problem.split('\n').slice(1).map((each) => each.trim()) : [problem];
}

/** Unknown fields of built-in kinds are found in reading, and so stand among the duplicate ones; those of custom kinds afterwards. */
function strictProblems(kind: ResourceKind, body: CallBody, unknownFields: readonly string[]): readonly string[] {
  const duplicates = body.duplicateFields();
  if (duplicates.some(({ path }) => path === undefined)) return [yamlProblem(duplicates), ...unknownFields.map(fieldProblem)];
  const inOrder = kind.isCustom === true || duplicates.length === 0 ? undefined : body.inOrder;
  return (inOrder?.(unknownFields) ?? [...duplicates, ...unknownFields]).map(fieldProblem);
}

function fieldProblem(field: DuplicateKey | string): string {
  return typeof field === 'string' ? `unknown field ${JSON.stringify(field)}` : `duplicate field ${JSON.stringify(field.path)}`;
}

interface LooselyDecoded {
  readonly draft: Draft<KubeObject>;
  /** Undefined: nobody asked for them. */
  readonly unknownFields: readonly string[] | undefined;
}

/** The same without a word about unknown and duplicate fields; `telling` lists the unknown ones whether or not the request asks for them. */
export function decodeLoosely(kind: ResourceKind, body: CallBody, call: ApiCall, refusal: Refusal = cannotBeHandled, telling = validationOf(call) !== 'Ignore'): LooselyDecoded {
  const json = bodyJson(kind, body, refusal);
  if (!isJsonObject(json)) {
    const message = `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonWord(json)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw unrecognized(kind.kind, { message, summary: summarize(Buffer.from(JSON.stringify(json))) });
  }
  checkTypeMeta(kind, json);
  const unknownFields: string[] = [];
  let draft: Draft<KubeObject>;
  try {
    draft = decodeDraft(kind, json, { defaults: true, ...(telling && { unknownFields }) });
  } catch (error) {
    if (error instanceof DecodeError) throw refusal(kind, error);
    throw error;
  }
  draft.apiVersion = kind.apiVersion;
  draft.kind = kind.kind;
  kind.defaults?.(draft);
  const stored = kind.convertedFrom === undefined ? draft : (toHub(kind, draft) as unknown as Draft<KubeObject>);
  return { draft: stored, unknownFields: telling ? unknownFields : undefined };
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
