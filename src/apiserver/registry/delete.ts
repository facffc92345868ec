/**
 * Deletion: at once, after a grace period, or when the last finalizer is gone.
 *
 * Source: Kubernetes documentation, "Garbage collection", "Finalizers", "Pod termination".
 */
import { answersWithObject } from '#apimachinery/deletion-answer.ts';
import { DecodeError, decodeDraft } from '#apimachinery/decode.ts';
import { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, badRequest, conflict, invalid, notFound } from '#apimachinery/status-error.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import { admitMutating, admitValidating } from '../admission/run-admission.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import { isTrue, success } from '../request/api-call.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import { removeWithClaims } from './allocator.ts';
import { admissionTells, isDryRun } from './create.ts';
import { selectedObjects, selectedWhenReady, selectsConverted } from './read.ts';
import type { RegistryContext } from './registry-context.ts';
import { nowText, storeKey } from './registry-context.ts';
import { hubOf } from './served.ts';
import { readNewest } from './update.ts';

const maxAttempts = 10;
const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/** DELETE of one object. The answer is a Status when it is gone, the object when it lingers. */
export async function deleteFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<ApiResult> {
  const kind = hubOf(served);
  const options = deleteOptions(call);
  const outcome = await deleteObject(context, kind, { namespace: call.info.namespace, name: call.info.name }, options, call);
  if (!outcome.gone) return { is: 'object', code: 200, kind: served, object: outcome.object };
  if (answersWithObject(served)) return { is: 'object', code: 200, kind: served, object: outcome.object };
  return success({
    name: call.info.name, ...(kind.group !== '' && { group: kind.group }), kind: kind.plural, uid: outcome.object.metadata.uid,
  });
}

/** DELETE of all objects a selector finds. Answers the list of what was deleted. */
export async function deleteCollectionFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<ApiResult> {
  const kind = hubOf(served);
  const options = deleteOptions(call);
  await context.cache.catchUp();
  const found = selectsConverted(served, call) ? await selectedWhenReady(context, served, call) : [...selectedObjects(context, served, call)];
  for (const cached of found) {
    const { namespace, name } = cached.object.metadata;
    try {
      await deleteObject(context, kind, { namespace: namespace ?? '', name }, options, call);
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
    }
  }
  return { is: 'list', kind: served, items: found, resourceVersion: String(context.cache.revision) };
}

interface Outcome {
  /** Whether it is out of the store. */
  readonly gone: boolean;
  readonly object: KubeObject;
}

/** Deletes one object as `options` ask. Throws 404, 409 (preconditions) and what admission throws. */
export async function deleteObject(
  context: RegistryContext,
  kind: ResourceKind,
  target: { readonly namespace: string; readonly name: string },
  options: DeleteOptions,
  call: Pick<ApiCall, 'user' | 'query'> & Partial<Pick<ApiCall, 'warn' | 'annotate'>>,
): Promise<Outcome> {
  const key = storeKey(kind, target.namespace, target.name);
  const dryRun = isDryRun(call.query) || (options.dryRun ?? []).includes('All');
  let current = context.cache.of(kind).get(key);
  for (let attempt = 1; ; attempt++) {
    if (current === undefined) {
      await context.cache.catchUp();
      current = context.cache.of(kind).get(key);
      if (current === undefined) throw notFound(kind, target.name);
    }
    checkPreconditions(kind, current.object, options);
    const request: AdmissionRequest = {
      operation: 'DELETE', kind, subresource: '', namespace: target.namespace, name: target.name, object: undefined, old: current.object, user: call.user, dryRun, ...admissionTells(call),
    };
    await admitMutating(context, request);
    await admitValidating(context, request);
    const plan = planDeletion(kind, current.object, options, (plusSeconds) => nowText(context.clock, plusSeconds));
    if (plan.is === 'lingers') return { gone: false, object: current.object };
    if (dryRun) return { gone: plan.is === 'gone', object: plan.is === 'marked' ? (plan.draft) : current.object };
    const outcome = plan.is === 'gone' ? await remove(context, kind, key, current) : await mark(context, kind, key, current, plan.draft);
    if (outcome !== 'lost-race') return outcome;
    if (attempt >= maxAttempts) throw conflict(kind, target.name, 'the object has been modified; please apply your changes to the latest version and try again');
    current = await readNewest(context, kind, key);
  }
}

async function remove(context: RegistryContext, kind: ResourceKind, key: string, current: CachedObject): Promise<Outcome | 'lost-race'> {
  const result = await removeWithClaims(context, kind, key, current);
  if (!result.ok) return 'lost-race';
  await context.cache.reached(result.revision);
  return { gone: true, object: current.object };
}

async function mark(
  context: RegistryContext, kind: ResourceKind, key: string, current: CachedObject, draft: Draft<KubeObject>,
): Promise<Outcome | 'lost-race'> {
  const bytes = encodeStored(kind, draft);
  context.cache.expect(bytes, (revision) => sealDraft(draft, revision));
  const result = await context.store.put(key, bytes, { modRevision: current.revision });
  if (!result.ok) return 'lost-race';
  await context.cache.reached(result.revision);
  return { gone: false, object: sealDraft(draft, result.revision) as unknown as KubeObject };
}

type DeletionPlan = { readonly is: 'gone' } | { readonly is: 'lingers' } | { readonly is: 'marked'; readonly draft: Draft<KubeObject> };

/** What a DELETE does to an object; pure. `at` gives the time so many seconds from now, as metadata writes it. */
export function planDeletion(
  kind: ResourceKind, object: KubeObject, options: DeleteOptions, at: (plusSeconds: number) => string,
): DeletionPlan {
  const { metadata } = object;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options);
  const grace = kind.strategy.gracePeriodSeconds?.(object, options.gracePeriodSeconds) ?? 0;
  const held = finalizers.length > 0 || !(kind.strategy.isFinalized?.(object) ?? true);
  if (grace <= 0 && !held) return { is: 'gone' };
  const sameFinalizers = finalizers.length === (metadata.finalizers ?? []).length && finalizers.every((each) => metadata.finalizers?.includes(each));
  if (metadata.deletionTimestamp !== undefined) {
    const isSooner = grace < (metadata.deletionGracePeriodSeconds ?? 0);
    if (!isSooner && sameFinalizers) return { is: 'lingers' };
  }
  // The time counts from the first request; a later one can only bring it forward.
  const seconds = metadata.deletionTimestamp === undefined ? grace : Math.min(grace, metadata.deletionGracePeriodSeconds ?? grace);
  const { resourceVersion: _version, ...kept } = metadata;
  const draft = {
    ...object,
    metadata: {
      ...kept,
      deletionTimestamp: metadata.deletionTimestamp !== undefined && seconds === metadata.deletionGracePeriodSeconds ? metadata.deletionTimestamp : at(seconds),
      deletionGracePeriodSeconds: seconds,
      ...(finalizers.length > 0 && { finalizers }),
      ...(kept.generation !== undefined && metadata.deletionTimestamp === undefined && { generation: kept.generation + 1 }),
    },
  } as unknown as Draft<KubeObject>;
  if (finalizers.length === 0) delete draft.metadata.finalizers;
  if (kind.strategy.prepareForDelete === undefined) return { is: 'marked', draft };
  // What the draft shares with the stored object is frozen.
  const own = structuredClone(draft);
  kind.strategy.prepareForDelete(own);
  return { is: 'marked', draft: own };
}

/** The finalizers that the propagation policy asks for, on top of the object's own. */
function finalizersFor(own: readonly string[], options: DeleteOptions): string[] {
  const rest = own.filter((each) => each !== orphanFinalizer && each !== foregroundFinalizer);
  const policy = options.propagationPolicy ?? (options.orphanDependents === true ? 'Orphan' : options.orphanDependents === false ? 'Background' : undefined);
  switch (policy) {
    case 'Orphan':
      return [...rest, orphanFinalizer];
    case 'Foreground':
      return [...rest, foregroundFinalizer];
    case 'Background':
      return rest;
    default:
      return [...own];
  }
}

function checkPreconditions(kind: ResourceKind, object: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = object;
  // As upstream: here it calls the resource by its kind.
  const named = { group: kind.group, plural: kind.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(named, metadata.name, `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(named, metadata.name, `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`);
  }
}

/** DeleteOptions of the body, completed by the query. Throws a 400 or 422. */
export function deleteOptions(call: ApiCall): DeleteOptions {
  const body = call.body();
  let options: Draft<DeleteOptions> = {};
  if (body !== undefined) {
    try {
      options = decodeDraft(DeleteOptions, body.json);
    } catch (error) {
      if (error instanceof DecodeError) throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${error.message}`);
      throw error;
    }
  }
  const { gracePeriodSeconds, propagationPolicy, orphanDependents } = call.query;
  if (gracePeriodSeconds !== undefined) options.gracePeriodSeconds = Number(gracePeriodSeconds);
  if (propagationPolicy !== undefined) options.propagationPolicy = propagationPolicy;
  if (orphanDependents !== undefined) options.orphanDependents = isTrue(orphanDependents);
  const policy = options.propagationPolicy;
  if (policy !== undefined && options.orphanDependents !== undefined) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      { type: 'FieldValueInvalid', path: 'propagationPolicy', value: policy, detail: 'orphanDependents and deletionPropagation cannot be both set' },
    ]);
  }
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      { type: 'FieldValueNotSupported', path: 'propagationPolicy', value: policy, detail: 'supported values: "Foreground", "Background", "Orphan"' },
    ]);
  }
  return options;
}
