import { applyObject, untypedPatch } from '#apimachinery/apply.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { goText } from '#apimachinery/go-text.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '#apimachinery/object-meta.ts';
import { jsonPatch } from '#apimachinery/patch-json.ts';
import { jsonMergePatch } from '#apimachinery/patch-merge.ts';
import { strategicMergePatch } from '#apimachinery/patch-strategic.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import type { StatusError } from '#apimachinery/status-error.ts';
import { badRequest, invalid, unsupportedMediaType } from '#apimachinery/status-error.ts';
import type { ApiCall, CallBody, ObjectResult } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import { bodyJson, decodeAs, decodeLoosely, validationOf, withoutYamlHead, yamlProblem } from './decode-body.ts';
import { checkedManager } from './field-ownership.ts';
import { carryOut } from './other-versions.ts';
import type { RegistryContext } from './registry-context.ts';
import { nowText } from './registry-context.ts';
import { toServed } from './served.ts';
import type { UpdatePart } from './update.ts';
import { updateObject } from './update.ts';

const patchTypes = [
  'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml',
  'application/apply-patch+cbor',
] as const;

/** PATCH of a resource or of one of its subresources; `part` says of which. Throws a StatusError when it is refused. */
export async function patchFromCall(
  context: RegistryContext, served: ResourceKind, call: ApiCall, part: UpdatePart,
): Promise<ObjectResult> {
  const body = call.body();
  if (body === undefined) throw badRequest('the request body is empty');
  if (isApply(call)) return applyFromCall(context, served, call, body, part);
  if (call.query['force'] !== undefined && isTrue(call.query['force'])) {
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ type: 'FieldValueForbidden', path: 'force', detail: 'may not be specified for non-apply patch' }]);
  }
  const patched = patcher(served, call.contentType);
  const patch = bodyJson(served, body);
  return updateObject(context, served, call, {
    ...part,
    change: (current) => {
      const document = toServed(served, current as KubeObject) as unknown as JsonObject;
      return forAnyVersion(inItsPlace(served, asDraft(served, patched(document, patch), body, call), call), current);
    },
  });
}

/** The document after a patch of the given type. Throws a 415 for types that the kind does not take. */
export function applyPatchTo(kind: ResourceKind, contentType: string, document: KubeObject, patch: JsonValue): JsonValue {
  return patcher(kind, contentType)(document as unknown as JsonObject, patch);
}

function patcher(kind: ResourceKind, contentType: string): (document: JsonObject, patch: JsonValue) => JsonValue {
  switch (contentType) {
    case 'application/json-patch+json':
      return jsonPatch;
    case 'application/merge-patch+json':
      return jsonMergePatch;
    case 'application/strategic-merge-patch+json':
      if (kind.isCustom === true) break;
      return (document, patch) => strategicMergePatch(kind, document, patch);
    default:
  }
  throw unsupportedMediaType(kind.isCustom === true ? patchTypes.filter((each) => !each.includes('strategic')) : patchTypes);
}

/** A patch whose result does not fit the kind is the patch's fault: 422, with the decoder's words. */
function asDraft(kind: ResourceKind, json: JsonValue, body: CallBody, call: ApiCall): Draft<KubeObject> {
  const isStrategic = call.contentType === 'application/strategic-merge-patch+json';
  return decodeAs(kind, { json, duplicateFields: body.duplicateFields }, call, (_kind, fault) => invalid({ group: '', kind: '' }, '', [
    isStrategic ? invalidValue('patch', goText(body.json), fault.restoring) : invalidValue('patch', JSON.stringify(json), fault.message),
  ]));
}

/** No patch moves an object elsewhere. */
function inItsPlace(kind: ResourceKind, draft: Draft<KubeObject>, { info }: ApiCall): Draft<KubeObject> {
  const name = (draft.metadata as { readonly name?: string }).name ?? '';
  const namespace = draft.metadata.namespace ?? '';
  if (kind.scope === 'Namespaced' && namespace !== '' && namespace !== info.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (name === '') throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  if (name !== info.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  return draft;
}

/**
 * A patch that names no version, or the one it found, is meant for whatever stands there: when somebody writes in between
 * it is made anew on the newer state, where a version that it does name will not fit any more.
 */
function forAnyVersion(draft: Draft<KubeObject>, current: KubeObject | undefined): Draft<KubeObject> {
  if (draft.metadata.resourceVersion === current?.metadata.resourceVersion) draft.metadata.resourceVersion = '';
  return draft;
}

/** What a manager wants, read from a request. */
export interface Configuration {
  readonly manager: string;
  readonly applied: JsonObject;
  readonly force: boolean;
  /** Throws for fields that are not declared; to be called when the fields have been looked at one by one. */
  readonly checkFields: () => void;
}

/** Whether the body is a configuration for server-side apply. */
export function isApply({ contentType }: Pick<ApiCall, 'contentType'>): boolean {
  return contentType === 'application/apply-patch+yaml' || contentType === 'application/apply-patch+cbor';
}

/** The configuration in the body, which is of the kind `served`. Throws a 400 or 422 when there is something wrong with it. */
export function configurationOf(served: ResourceKind, call: ApiCall, body: CallBody): Configuration {
  const manager = call.query['fieldManager'] ?? '';
  if (manager === '') {
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ type: 'FieldValueRequired', path: 'fieldManager', detail: 'is required for apply patch' }]);
  }
  checkedManager(manager, 'patch');
  const applied = appliedConfiguration(served, bodyJson(served, body), call);
  // Checks the configuration by itself: unknown fields and wrong types are its own, not the merged object's.
  const { unknownFields = [] } = decodeLoosely(served, { json: applied, duplicateFields: body.duplicateFields }, call, undefined, true);
  const undeclared = unknownFields.length === 0 ? undefined : untypedConfiguration(served.apiVersion, applied, unknownFields);
  // Items of lists are named by their keys where the fields are looked at one by one.
  if (undeclared !== undefined && !undeclared.message.includes('[')) throw undeclared;
  if (undeclared === undefined) refuseDuplicates(body, call);
  return {
    manager, applied, force: isTrue(call.query['force']),
    checkFields: () => {
      if (undeclared !== undefined) throw undeclared;
    },
  };
}

/** What `merged` is as an object: whatever is wrong with it was wrong before. */
export function appliedDraft(kind: ResourceKind, merged: JsonObject, call: ApiCall): Draft<KubeObject> {
  return asDraft(kind, merged, { json: null, duplicateFields: () => [] }, { ...call, query: { ...call.query, fieldValidation: 'Ignore' } });
}

/** Server-side apply. Source: Kubernetes documentation, "Server-Side Apply". */
async function applyFromCall(
  context: RegistryContext, served: ResourceKind, call: ApiCall, body: CallBody, part: UpdatePart,
): Promise<ObjectResult> {
  const { manager, applied, force, checkFields } = configurationOf(served, call, body);
  let managedFields: readonly ManagedFieldsEntry[] = [];
  return updateObject(context, served, call, {
    ...part,
    createsIfAbsent: part.subresource === '',
    change: async (current) => {
      const live = current === undefined ? undefined : (toServed(served, current) as unknown as JsonObject);
      const merged = await carryOut(served, applyObject({
        struct: served,
        live,
        applied,
        manager,
        apiVersion: served.apiVersion,
        ...(part.subresource !== '' && { subresource: part.subresource }),
        force,
        nowIso: nowText(context.clock),
      }));
      checkFields();
      managedFields = merged.managedFields;
      return forAnyVersion(appliedDraft(served, merged.object, call), current);
    },
    owners: (draft) => {
      draft.metadata.managedFields = managedFields as Draft<ManagedFieldsEntry>[];
    },
  });
}

function untypedConfiguration(apiVersion: string, applied: JsonObject, unknownFields: readonly string[]): StatusError {
  const lines = unknownFields.map((path) => `.${path}: field not declared in schema`);
  return untypedPatch(apiVersion, applied, lines.length === 1 ? lines.join('') : ['errors:', ...lines.map((each) => `  ${each}`)].join('\n'));
}

/** Keys that stand twice in an apply configuration, which is YAML even when it is JSON. */
function refuseDuplicates(body: CallBody, call: ApiCall): void {
  const validation = validationOf(call);
  const duplicates = validation === 'Ignore' ? [] : body.duplicateFields();
  if (duplicates.length === 0) return;
  const problem = yamlProblem(duplicates);
  if (validation === 'Strict') throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${problem}`);
  for (const line of withoutYamlHead(problem)) call.warn(line);
}

function appliedConfiguration(kind: ResourceKind, json: JsonValue, call: ApiCall): JsonObject {
  if (!isJsonObject(json)) throw badRequest('the apply configuration must be an object');
  const metadata = isJsonObject(json['metadata']) ? json['metadata'] : {};
  const name = metadata['name'];
  if (name !== undefined && name !== '' && name !== call.info.name) {
    throw badRequest(`the name of the object (${typeof name === 'string' ? name : JSON.stringify(name)}) does not match the name on the URL (${call.info.name})`);
  }
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) throw badRequest('metadata.managedFields must be nil');
  if (json['apiVersion'] === undefined || json['kind'] === undefined) {
    throw badRequest(`error decoding YAML: Object 'Kind' or 'apiVersion' is missing in the apply configuration`);
  }
  if (kind.isCustom === true && (json['apiVersion'] !== kind.apiVersion || json['kind'] !== kind.kind)) throw badRequest(`invalid object type: ${textOf(json['apiVersion'])}, Kind=${textOf(json['kind'])}`);
  const namespaced = kind.scope === 'Namespaced' && call.info.namespace !== '';
  return { ...json, metadata: { ...metadata, name: call.info.name, ...(namespaced && { namespace: call.info.namespace }) } };
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
