import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { sameJson } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { conflict, notFound, staleVersion } from '#apimachinery/status-error.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import { admitMutating, admitValidating } from '../admission/run-admission.ts';
import type { ObjectResult } from '../request/api-call.ts';
import { CachedObject, encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { Allocation } from './allocator.ts';
import { removeWithClaims, writeTogether } from './allocator.ts';
import type { Caller } from './create.ts';
import { admissionTells, createObject, isDryRun, statusFields } from './create.ts';
import { fieldManager, trackOwnership } from './field-ownership.ts';
import type { RegistryContext } from './registry-context.ts';
import { nowText, storeKey } from './registry-context.ts';
import { hubOf, ready, stored, takesTime } from './served.ts';
import { validatePartUpdate, validateStatusUpdate, validateUpdate } from './validation.ts';

/** How often a change is tried anew when somebody else writes in between. */
const maxAttempts = 10;

/** What of an object is written. */
export interface UpdatePart {
  /** '' for the resource itself; `status` and others narrow what may change. */
  readonly subresource: string;
  /** What a subresource other than `status` puts back; runs before the strategy. */
  readonly narrow?: (draft: Draft<KubeObject>, old: KubeObject) => void;
  /** The rules for what it changes, in the place of those for updates of the resource itself. */
  readonly rules?: (object: KubeObject, old: KubeObject) => Iterable<FieldError>;
}

export interface UpdatePlan extends UpdatePart {
  /**
   * The object as it shall be, in the stored version; called again with the newer state when somebody wrote in between.
   * `current` is undefined only where `createsIfAbsent`.
   */
  readonly change: (current: KubeObject | undefined) => Draft<KubeObject> | Promise<Draft<KubeObject>>;
  /** Whether an absent object is created from what `change` gives. */
  readonly createsIfAbsent?: boolean;
  /** Notes field ownership; default: as an update by the caller's manager. */
  readonly owners?: (draft: Draft<KubeObject>, live: KubeObject | undefined) => void;
  /** `change` is the server's own work (a binding): neither the strategy nor the rules for clients' updates apply. */
  readonly isTrusted?: boolean;
  /** Admission has seen what was sent. */
  readonly isAdmitted?: boolean;
}

/** The write pipeline for an object that exists. Throws a StatusError when it is refused. */
export async function updateObject(context: RegistryContext, served: ResourceKind, call: Caller, plan: UpdatePlan): Promise<ObjectResult> {
  const kind = hubOf(served);
  const { name, namespace } = call.info;
  const key = storeKey(kind, namespace, name);
  // What the cache does not have yet, another server may have written.
  let current = context.cache.of(kind).get(key) ?? (await readNewest(context, kind, key));
  for (let attempt = 1; ; attempt++) {
    const old = current?.object;
    if (old === undefined && plan.createsIfAbsent !== true) throw notFound(kind, name);
    if (old !== undefined && takesTime(served)) await ready(served, [old]);
    const draft = await stored(served, await plan.change(old));
    const asked = draft.metadata.resourceVersion ?? '';
    if (old === undefined) {
      if (asked !== '' && asked !== '0') throw notFound(kind, name);
      delete (draft.metadata as { resourceVersion?: string }).resourceVersion;
      const { owners } = plan;
      return createObject(context, served, draft, call, owners === undefined ? undefined : (made) => owners(made, undefined));
    }
    if (asked !== '' && asked !== '0' && asked !== old.metadata.resourceVersion) {
      // The cache may lag behind other servers: only the store's own state refuses for good.
      const newest = await readNewest(context, kind, key);
      if (newest === undefined) throw notFound(kind, name);
      if (newest.revision === current?.revision || attempt >= maxAttempts) throw staleVersion(kind, name);
      current = newest;
      continue;
    }
    const outcome = await tryWrite(context, { served, kind, key, call, plan, draft, old, current: current as CachedObject });
    if (outcome !== 'lost-race') return outcome;
    // A version that the client itself asks for is refused the next time round; a patch starts anew from what stands there.
    if (attempt >= maxAttempts) throw staleVersion(kind, name);
    current = await readNewest(context, kind, key);
  }
}

interface Write {
  readonly served: ResourceKind;
  readonly kind: ResourceKind;
  readonly key: string;
  readonly call: Caller;
  readonly plan: UpdatePlan;
  readonly draft: Draft<KubeObject>;
  readonly old: KubeObject;
  readonly current: CachedObject;
}

async function tryWrite(context: RegistryContext, write: Write): Promise<ObjectResult | 'lost-race'> {
  const { served, kind, call, plan, draft, old, current } = write;
  const { subresource } = plan;
  const dryRun = isDryRun(call.query);
  keepSystemMetadata(kind, draft, old);
  const request: AdmissionRequest = {
    operation: 'UPDATE', verb: call.info.verb, kind, subresource, namespace: call.info.namespace, name: call.info.name, object: draft, old, user: call.user, dryRun, served, ...admissionTells(call),
  };
  if (plan.isAdmitted !== true) await admitMutating(context, request);
  if (plan.isTrusted !== true) prepareForUpdate(kind, draft, old, plan);
  if (plan.owners === undefined) {
    const noting = trackOwnership(kind, draft, old, { manager: fieldManager(call), subresource, nowIso: nowText(context.clock), served });
    if (noting !== undefined) await noting;
  } else {
    plan.owners(draft, old);
  }
  const waits = subresource === '' ? context.allocator?.allocate(kind, draft, current, { dryRun }) : undefined;
  const allocation = waits === undefined ? undefined : await waits;
  let isWritten = false;
  try {
    const outcome = await store(context, write, request, allocation);
    isWritten = outcome !== 'lost-race';
    return outcome;
  } finally {
    allocation?.settle(isWritten);
  }
}

async function store(context: RegistryContext, write: Write, request: AdmissionRequest, allocation: Allocation | undefined): Promise<ObjectResult | 'lost-race'> {
  const { served, kind, key, plan, draft, old, current } = write;
  const { subresource } = plan;
  if (subresource === 'status') validateStatusUpdate(kind, draft, old);
  else if (plan.rules !== undefined) validatePartUpdate(kind, draft, old, plan.rules);
  else if (plan.isTrusted !== true) validateUpdate(kind, draft, old, served);
  if (plan.isTrusted !== true) warnOfUpdate(write);
  if (plan.isAdmitted !== true) await admitValidating(context, request);

  if (isUnchanged(kind, draft, old)) return { is: 'object', code: 200, kind: served, object: old, cached: current };
  const finished = isReadyToVanish(kind, draft);
  if (request.dryRun) {
    return { is: 'object', code: 200, kind: served, object: draft as unknown as KubeObject };
  }
  delete (draft.metadata as { resourceVersion?: string }).resourceVersion;
  if (finished) {
    const removed = await removeWithClaims(context, kind, key, current);
    if (!removed.ok) return 'lost-race';
    await context.cache.reached(removed.revision);
    return { is: 'object', code: 200, kind: served, object: sealDraft(draft, removed.revision) as unknown as KubeObject };
  }
  const bytes = encodeStored(kind, draft);
  context.cache.expect(bytes, (revision) => sealDraft(draft, revision));
  const result = await writeTogether(context.store, { key, value: bytes, expect: { modRevision: current.revision } }, allocation?.writes);
  if (!result.ok) {
    if (result.key !== key) await context.cache.catchUp();
    return 'lost-race';
  }
  await context.cache.reached(result.revision);
  const cached = context.cache.of(kind).get(key);
  const isOurs = cached?.revision === result.revision;
  return { is: 'object', code: 200, kind: served, object: sealDraft(draft, result.revision) as unknown as KubeObject, ...(isOurs && { cached }) };
}

/** Subresources other than `status` change what the writer of the object need not be told of. */
function warnOfUpdate({ kind, call, plan, draft, old }: Write): void {
  if (call.warn === undefined || (plan.subresource !== '' && plan.subresource !== 'status')) return;
  const { strategy } = kind;
  for (const text of (plan.subresource === '' ? strategy.warnings?.(draft, old) : strategy.statusWarnings?.(draft)) ?? []) call.warn(text);
}

/** What stands in the store now. The cache catches up by itself. */
export async function readNewest(context: RegistryContext, kind: ResourceKind, key: string): Promise<CachedObject | undefined> {
  const { entry } = await context.store.get(key);
  if (entry === undefined) return undefined;
  const cached = context.cache.of(kind).get(key);
  return cached?.revision === entry.modRevision ? cached : new CachedObject(kind, key, entry.modRevision, entry.value);
}

/** Clients cannot change who an object is, when it was made, and whether it is being deleted. */
function keepSystemMetadata(kind: ResourceKind, draft: Draft<KubeObject>, old: KubeObject): void {
  const { metadata } = draft;
  const was = old.metadata;
  if ((metadata.uid ?? '') !== '' && metadata.uid !== was.uid) {
    throw conflict(kind, was.name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${was.uid}`);
  }
  metadata.uid = was.uid;
  // A patch may take the name away; that it must not is for validation to say.
  metadata.name ??= '';
  metadata.creationTimestamp = was.creationTimestamp;
  if (was.deletionTimestamp === undefined) {
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
  } else {
    metadata.deletionTimestamp = was.deletionTimestamp;
    if (was.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds = was.deletionGracePeriodSeconds;
  }
  if (was.generation === undefined) delete metadata.generation;
  else metadata.generation = was.generation;
  if (was.generateName === undefined) delete metadata.generateName;
  else metadata.generateName = was.generateName;
  if (was.namespace !== undefined) metadata.namespace = was.namespace;
  delete metadata.selfLink;
  // Whether the version asked for is the current one was settled before.
  metadata.resourceVersion = was.resourceVersion;
}

function prepareForUpdate(kind: ResourceKind, draft: Draft<KubeObject>, old: KubeObject, plan: UpdatePlan): void {
  const { strategy } = kind;
  const content = draft as unknown as Record<string, unknown>;
  const before = old as unknown as Readonly<Record<string, unknown>>;
  const ofStatus = statusFields(kind);
  if (plan.subresource === 'status') {
    for (const name of kind.fields.keys()) {
      if (name === 'metadata' || ofStatus.includes(name)) continue;
      copyField(content, before, name);
    }
    if (old.metadata.ownerReferences === undefined) delete draft.metadata.ownerReferences;
    else draft.metadata.ownerReferences = old.metadata.ownerReferences as Draft<typeof old.metadata.ownerReferences>;
    strategy.prepareForStatusUpdate?.(draft, old);
    return;
  }
  if (plan.narrow !== undefined) plan.narrow(draft, old);
  else for (const name of ofStatus) copyField(content, before, name);
  strategy.prepareForUpdate?.(draft, old);
  const counted = strategy.generationFrom ?? (kind.fields.has('spec') ? ['spec'] : []);
  if (!(strategy.generation ?? kind.fields.has('spec'))) return;
  const isSame = sameness(kind);
  if (counted.some((name) => !isSame(content[name], before[name]))) draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function copyField(content: Record<string, unknown>, before: Readonly<Record<string, unknown>>, name: string): void {
  if (before[name] === undefined) delete content[name];
  else content[name] = before[name];
}

/** Whether nothing would change but the times in managedFields. */
function isUnchanged(kind: ResourceKind, draft: Draft<KubeObject>, old: KubeObject): boolean {
  const isSame = sameness(kind);
  const { resourceVersion: _version, managedFields: wasManaged, ...was } = old.metadata;
  const { resourceVersion: _asked, managedFields: managed, ...is } = draft.metadata;
  if (!saysTheSame(is, was)) return false;
  for (const key of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (key === 'metadata') continue;
    if (!isSame((draft as unknown as Record<string, unknown>)[key], (old as unknown as Record<string, unknown>)[key])) return false;
  }
  const withoutTime = (entries: readonly object[] | undefined): unknown => entries?.map((entry) => ({ ...entry, time: undefined }));
  return saysTheSame(withoutTime(managed), withoutTime(wasManaged));
}

/** In custom objects an empty list or a null is a value like any other. */
function sameness(kind: ResourceKind): (left: unknown, right: unknown) => boolean {
  return kind.isCustom === true ? sameJson : saysTheSame;
}

/** A deletion that waited for the last finalizer is carried out by the write that removes it. */
function isReadyToVanish(kind: ResourceKind, draft: Draft<KubeObject>): boolean {
  const { metadata } = draft;
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return kind.strategy.isFinalized?.(draft) ?? true;
}
