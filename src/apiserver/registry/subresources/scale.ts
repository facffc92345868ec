import { applyObject } from '#apimachinery/apply.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { KubeObject, ManagedFieldsEntry } from '#apimachinery/object-meta.ts';
import { inOneVersion } from '#apimachinery/object-versions.ts';
import type { Draft, ResourceKind, ScalePaths } from '#apimachinery/resource.ts';
import type { ReplicasPath } from '#apimachinery/scale-ownership.ts';
import { fieldPath, objectEntries, scaleEntries } from '#apimachinery/scale-ownership.ts';
import { formatLabelQuery, labelSelectorFrom, selectorFromMap } from '#apimachinery/selector.ts';
import { StatusError, badRequest, internalError, invalid, methodNotSupported } from '#apimachinery/status-error.ts';
import { Scale } from '#api/autoscaling/scale.ts';
import type { ApiCall, CallBody, ObjectResult } from '../../request/api-call.ts';
import { decodeAs, decodeBody } from '../decode-body.ts';
import { inOtherVersion } from '../other-versions.ts';
import { appliedDraft, applyPatchTo, configurationOf, isApply } from '../patch.ts';
import { getFromCall } from '../read.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nowText } from '../registry-context.ts';
import { ready, takesTime, toHub, toServed } from '../served.ts';
import type { UpdatePlan } from '../update.ts';
import { updateObject } from '../update.ts';

const scaleKind = Scale as unknown as ResourceKind;

/**
 * GET, PUT and PATCH of `scale`: the replicas of any kind in one form.
 * Source: API reference, autoscaling/v1 Scale.
 */
export async function scaleFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall, paths: ScalePaths): Promise<ObjectResult> {
  if (call.info.verb === 'get') {
    const { object } = await getFromCall(context, served, call);
    if (served.isCustom === true && numberAt(object, paths.replicas) === undefined) throw internalError(new Error(`the spec replicas field ".${paths.replicas}" does not exist`));
    return { is: 'object', code: 200, kind: scaleKind, object: scaleOf(object, paths) };
  }
  if (call.info.verb !== 'update' && call.info.verb !== 'patch') throw methodNotSupported(served, call.info.verb);
  const asks = isApply(call) ? scaleByApply(context, served, call, paths) : scaleByBody(served, call, paths);
  const result = await updateObject(context, served, call, { subresource: 'scale', ...asks });
  if (takesTime(served)) await ready(served, [result.object]);
  return { is: 'object', code: 200, kind: scaleKind, object: scaleOf(toServed(served, result.object), paths) };
}

/** PUT, or a patch of the Scale. */
function scaleByBody(served: ResourceKind, call: ApiCall, paths: ScalePaths): Pick<UpdatePlan, 'change'> {
  return {
    change(current) {
      const old = toServed(served, current as KubeObject);
      const scale = call.info.verb === 'update' ? decodeBody(scaleKind, call) : patchedScale(scaleKind, scaleOf(old, paths), call);
      const { metadata, spec } = scale as unknown as Draft<Scale>;
      if (call.info.verb === 'update' && metadata.name !== undefined && metadata.name !== '' && metadata.name !== call.info.name) {
        throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${call.info.name})`);
      }
      return scaled(served, old, { paths, replicas: spec.replicas ?? 0, name: call.info.name, resourceVersion: call.info.verb === 'update' ? (metadata.resourceVersion ?? '') : '' });
    },
  };
}

/** Server-side apply of a Scale: conflicts are about the one field that it has, whoever owns it in the object. */
function scaleByApply({ clock }: RegistryContext, served: ResourceKind, call: ApiCall, paths: ScalePaths): Pick<UpdatePlan, 'change' | 'owners'> {
  const { manager, applied, force, checkFields } = configurationOf(scaleKind, call, bodyOf(call));
  const { apiVersion } = served;
  const path: ReplicasPath = (version) => {
    const inVersion = version === apiVersion ? paths : inOtherVersion(served, version)?.subresources.find(({ name }) => name === 'scale')?.scale;
    return inVersion === undefined ? undefined : fieldPath(inVersion.replicas);
  };
  let managedFields: readonly ManagedFieldsEntry[] = [];
  return {
    change(current) {
      const old = toServed(served, current as KubeObject);
      const entries = old.metadata.managedFields ?? [];
      const scale = scaleOf(old, paths);
      const live = { ...scale, metadata: { ...scale.metadata, managedFields: scaleEntries(entries, path) } };
      const merged = inOneVersion(applyObject({ struct: scaleKind, apiVersion: scaleKind.apiVersion, live, applied, manager, subresource: 'scale', force, nowIso: nowText(clock) }));
      checkFields();
      managedFields = objectEntries(entries, merged.managedFields, { apiVersion, path });
      const { spec } = appliedDraft(scaleKind, merged.object, call) as unknown as Draft<Scale>;
      return scaled(served, old, { paths, replicas: spec.replicas ?? 0, name: call.info.name, resourceVersion: '' });
    },
    owners: (draft) => {
      draft.metadata.managedFields = managedFields as Draft<ManagedFieldsEntry>[];
    },
  };
}

/** `old` with so many replicas. Throws a 422 for a number that cannot be. */
function scaled(served: ResourceKind, old: KubeObject, { paths, replicas, name, resourceVersion }: { readonly paths: ScalePaths; readonly replicas: number; readonly name: string; readonly resourceVersion: string }): Draft<KubeObject> {
  if (replicas < 0) {
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
      { type: 'FieldValueInvalid', path: 'spec.replicas', value: replicas, detail: 'must be greater than or equal to 0' },
    ]);
  }
  const draft = structuredClone(old) as unknown as Draft<KubeObject>;
  draft.metadata.resourceVersion = resourceVersion;
  setAt(draft, paths.replicas.split('.'), replicas);
  return toHub(served, draft) as unknown as Draft<KubeObject>;
}

function bodyOf(call: ApiCall): CallBody {
  const body = call.body();
  if (body === undefined) throw badRequest('the request body is empty');
  return body;
}

function patchedScale(kind: ResourceKind, current: KubeObject, call: ApiCall): Draft<KubeObject> {
  const body = bodyOf(call);
  return decodeAs(kind, { json: applyPatchTo(kind, call.contentType, current, body.json), duplicateFields: body.duplicateFields }, call);
}

function scaleOf(object: KubeObject, paths: ScalePaths): Scale & KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorText(readAt(object, paths.selector));
  const replicas = numberAt(object, paths.replicas) ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace: namespace ?? '', uid, resourceVersion, creationTimestamp },
    // Of these two, what is nothing is not said.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberAt(object, paths.statusReplicas) ?? 0, ...(selector !== '' && { selector }) },
  };
}

function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (typeof selector !== 'object' || selector === null) return '';
  const isSelector = 'matchLabels' in selector || 'matchExpressions' in selector;
  return formatLabelQuery(isSelector ? labelSelectorFrom(selector as LabelSelector) : selectorFromMap(selector as Record<string, string>));
}

function numberAt(object: unknown, path: string): number | undefined {
  const value = readAt(object, path);
  return typeof value === 'number' ? value : undefined;
}

function readAt(object: unknown, path: string): unknown {
  let value = object;
  for (const key of path.split('.')) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return value;
}

function setAt(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) throw new StatusError(500, 'InternalError', 'scale path is empty');
  if (rest.length === 0) object[key] = value;
  else setAt((object[key] ??= {}) as Record<string, unknown>, rest, value);
}
