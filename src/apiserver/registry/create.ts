import { setImmediate as nextTurn } from 'node:timers/promises';
import { randomSuffix } from '#base/random.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, alreadyExists, badRequest, internalError } from '#apimachinery/status-error.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import { admitMutating, admitValidating } from '../admission/run-admission.ts';
import type { ApiCall, ObjectResult } from '../request/api-call.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { Allocation } from './allocator.ts';
import { writeTogether } from './allocator.ts';
import { decodeBody } from './decode-body.ts';
import { fieldManager, trackOwnership } from './field-ownership.ts';
import type { RegistryContext } from './registry-context.ts';
import { nowText, storeKey } from './registry-context.ts';
import { hubOf, stored } from './served.ts';
import { validateCreate } from './validation.ts';

/** How often a generated name is made anew when it is taken. Source: KEP-4420. */
const nameAttempts = 8;
/** Names made from `generateName` have at most 63 characters. */
const maxGeneratedPrefix = 58;
/** How often allocation starts over because another server took the same at the same time. */
const allocationAttempts = 10;

/** POST of a resource. `served` is the version the client speaks. Throws a StatusError when it is refused. */
export async function createFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<ObjectResult> {
  const draft = await stored(served, decodeBody(served, call));
  if (call.isLarge === true) await nextTurn();
  return createObject(context, served, draft, call);
}

/** What the pipeline needs to know of the request. */
export type Caller = Pick<ApiCall, 'info' | 'user' | 'query' | 'userAgent'> & Partial<Pick<ApiCall, 'warn' | 'annotate' | 'notes'>>;

/** What admission may tell besides its verdict, where somebody listens. */
export function admissionTells({ warn, annotate, notes }: Partial<Pick<ApiCall, 'warn' | 'annotate' | 'notes'>>): Pick<AdmissionRequest, 'warn' | 'annotate' | 'notes'> {
  return { ...(warn !== undefined && { warn }), ...(annotate !== undefined && { annotate }), ...(notes !== undefined && { notes }) };
}

/** The write pipeline for a new object: metadata, admission, strategy, validation, store. Takes over `draft`. */
export async function createObject(
  context: RegistryContext,
  served: ResourceKind,
  draft: Draft<KubeObject>,
  call: Caller,
  owners?: (draft: Draft<KubeObject>) => void,
): Promise<ObjectResult> {
  const kind = hubOf(served);
  const dryRun = isDryRun(call.query);
  const now = nowText(context.clock);
  placeInNamespace(kind, draft, call.info.namespace);
  const { metadata } = draft;
  if ((metadata.resourceVersion ?? '') !== '') throw badRequest('resourceVersion should not be set on objects to be created');
  delete (metadata as { resourceVersion?: string }).resourceVersion;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  metadata.uid = context.random.uuid();
  metadata.creationTimestamp = now;
  const generated = (metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '';
  for (let attempt = 1; ; attempt++) {
    if (generated) metadata.name = `${(metadata.generateName ?? '').slice(0, maxGeneratedPrefix)}${randomSuffix(context.random)}`;
    try {
      return await write();
    } catch (error) {
      const taken = error instanceof StatusError && error.reason === 'AlreadyExists';
      if (!generated || !taken || attempt >= nameAttempts) throw error;
    }
  }

  async function write(): Promise<ObjectResult> {
    const request: AdmissionRequest = {
      operation: 'CREATE', kind, subresource: '', namespace: metadata.namespace ?? '', name: metadata.name ?? '', object: draft, old: undefined, user: call.user, dryRun, served, ...admissionTells(call),
    };
    await admitMutating(context, request);
    // Strategies and rules take an object to have a name; that this one has none is for validation to say.
    metadata.name ??= '';
    prepareForCreate(kind, draft);
    if (owners === undefined) {
      const noting = trackOwnership(kind, draft, undefined, { manager: fieldManager(call), subresource: '', nowIso: now, served });
      if (noting !== undefined) await noting;
    } else {
      owners(draft);
    }
    for (let allocating = 1; ; allocating++) {
      const waits = context.allocator?.allocate(kind, draft, undefined, { dryRun });
      const allocation = waits === undefined ? undefined : await waits;
      let isWritten = false;
      try {
        const result = await store(request, allocation);
        isWritten = result !== undefined;
        if (result !== undefined) return result;
      } catch (error) {
        // Another name may be tried. Where it is open whether something was written, the draft may be what was.
        if (error instanceof StatusError) allocation?.undo();
        throw error;
      } finally {
        allocation?.settle(isWritten);
      }
      // Somebody else took the same a moment ago.
      if (allocating >= allocationAttempts) throw internalError(new Error(`failed to allocate what ${kind.kind} ${metadata.name} needs: too many others do`));
      allocation?.undo();
      await context.cache.catchUp();
    }
  }

  /** Undefined: what was allocated is gone. */
  async function store(request: AdmissionRequest, allocation: Allocation | undefined): Promise<ObjectResult | undefined> {
    validateCreate(kind, draft, served);
    for (const text of kind.strategy.warnings?.(draft, undefined) ?? []) call.warn?.(text);
    await admitValidating(context, request);
    const key = storeKey(kind, metadata.namespace ?? '', metadata.name);
    if (dryRun) {
      if (context.cache.of(kind).get(key) !== undefined) throw alreadyExists(kind, metadata.name);
      return { is: 'object', code: 201, kind: served, object: draft as unknown as KubeObject };
    }
    const bytes = encodeStored(kind, draft);
    context.cache.expect(bytes, (revision) => sealDraft(draft, revision));
    const result = await writeTogether(context.store, { key, value: bytes, expect: { absent: true } }, allocation?.writes);
    if (!result.ok && result.key !== key) return undefined;
    if (!result.ok) throw alreadyExists(kind, metadata.name);
    await context.cache.reached(result.revision);
    const cached = context.cache.of(kind).get(key);
    const isOurs = cached?.revision === result.revision;
    return { is: 'object', code: 201, kind: served, object: sealDraft(draft, result.revision), ...(isOurs && { cached }) };
  }
}

/** Whether nothing is to be stored. Throws a 422 for anything but `All`. */
export function isDryRun(query: ApiCall['query']): boolean {
  const value = query['dryRun'];
  if (value === undefined || value === '') return false;
  if (value !== 'All') {
    throw new StatusError(422, 'Invalid', `CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`);
  }
  return true;
}

function placeInNamespace(kind: ResourceKind, draft: Draft<KubeObject>, namespace: string): void {
  const { metadata } = draft;
  const given = metadata.namespace ?? '';
  if (kind.scope === 'Cluster') {
    if (given !== '') delete metadata.namespace;
    return;
  }
  if (given !== '' && given !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  metadata.namespace = namespace;
}

function prepareForCreate(kind: ResourceKind, draft: Draft<KubeObject>): void {
  const { strategy } = kind;
  const content = draft as unknown as Record<string, unknown>;
  if (strategy.generation ?? kind.fields.has('spec')) draft.metadata.generation = 1;
  else delete draft.metadata.generation;
  if (strategy.keepsStatusOnCreate !== true) for (const field of statusFields(kind)) resetField(kind, content, field);
  strategy.prepareForCreate?.(draft);
}

/** Top-level fields that only the status subresource may write. */
export function statusFields(kind: ResourceKind): readonly string[] {
  return kind.strategy.statusFields ?? (kind.subresources.some((each) => each.name === 'status') ? ['status'] : []);
}

function resetField(kind: ResourceKind, content: Record<string, unknown>, name: string): void {
  const field = kind.fields.get(name);
  if (field?.type.is === 'struct' && field.value) content[name] = decodeDraft(field.type.struct(), {});
  else delete content[name];
}
