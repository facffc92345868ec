/**
 * Deletes objects whose owners are gone, lets owners go whose dependents are (foreground), and frees dependents of owners
 * that want to leave them behind (orphan). It follows all kinds that can be deleted.
 */
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { ObjectKey } from '#client/client.ts';
import type { RunningComponent } from '#client/component.ts';
import { keyOf } from '#client/informer.ts';
import type { Controller, ControllerEnvironment, Outcome } from '#reconcile/controller.ts';
import { done } from '#reconcile/controller.ts';
import { KeyLoop } from '#reconcile/key-loop.ts';
import { definedKind } from '../custom-resources/defined-kinds.ts';
import type { ItemId } from './dependents.ts';
import { Dependents, isDeletingDependents, isOrphaningDependents, orphanFinalizer } from './dependents.ts';
import type { ItemPlan, OwnerState } from './plan-item.ts';
import { planItem } from './plan-item.ts';
import { RemoteKinds } from './remote-kinds.ts';

/** Owners known to be gone. Kubernetes remembers as many; forgetting one costs a request. */
const maxAbsentOwners = 500;
const concurrency = 20;

/** `kinds`: everything that is served and can be listed, watched and deleted. */
export function garbageCollector(kinds: () => readonly ResourceKind[]): Controller {
  return { name: 'garbage-collector-controller', start: (environment) => new GarbageCollector(kinds(), environment) };
}

class GarbageCollector implements RunningComponent {
  readonly ready: Promise<void>;
  readonly #environment: ControllerEnvironment;
  readonly #kinds = new Map<string, ResourceKind>();
  readonly #dependents = new Dependents();
  readonly #absentOwners = new Set<string>();
  readonly #loop: KeyLoop;
  readonly #stop = new AbortController();
  /** By kind, how to stop following it. */
  readonly #following = new Map<ResourceKind, () => void>();
  readonly #unsubscribe: () => void;
  readonly #remote: RemoteKinds;

  constructor(kinds: readonly ResourceKind[], environment: ControllerEnvironment) {
    this.#environment = environment;
    const { clock, log, queueMetrics, informers } = environment;
    this.#loop = new KeyLoop({ name: 'garbage_collector_attempt_to_delete', clock, log, queueMetrics, concurrency, work: (item) => this.#work(item) });
    for (const kind of kinds) this.#follow(kind);
    this.#unsubscribe = informers.for(CustomResourceDefinition).addHandler({
      added: (definition) => this.#defined(definition),
      updated: (definition) => this.#defined(definition),
      deleted: (definition) => this.#undefined(definition),
    });
    this.#remote = new RemoteKinds(environment, { follow: (kind) => this.#follow(kind), unfollow: (kind) => this.#unfollow(kind) }, this.#stop.signal);
    this.ready = Promise.all(kinds.map((kind) => informers.for(kind).synced(this.#stop.signal))).then(() => this.#loop.start());
    this.ready.catch(() => {});
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the garbage collector is closing'));
    this.#unsubscribe();
    this.#remote.close();
    for (const unfollow of this.#following.values()) unfollow();
    await this.#loop.close();
  }

  /** Custom resources are followed as soon as they are served. */
  #defined(definition: CustomResourceDefinition): void {
    const kind = definedKind(definition);
    if (kind !== undefined && !this.#following.has(kind)) this.#follow(kind);
  }

  #undefined(definition: CustomResourceDefinition): void {
    for (const kind of this.#following.keys()) if (kind.isCustom === true && kind.group === definition.spec.group && kind.plural === definition.spec.names.plural) this.#unfollow(kind);
  }

  #unfollow(kind: ResourceKind): void {
    this.#following.get(kind)?.();
    this.#following.delete(kind);
    const id = kindId(kind.apiVersion, kind.kind);
    if (this.#kinds.get(id) === kind) this.#kinds.delete(id);
    void this.#environment.informers.release(kind);
  }

  #follow(kind: ResourceKind): void {
    const id = kindId(kind.apiVersion, kind.kind);
    this.#kinds.set(id, kind);
    this.#following.set(kind, this.#subscribe(kind, id));
  }

  #subscribe(kind: ResourceKind, id: string): () => void {
    return this.#environment.informers.for(kind).addHandler({
      added: (object) => this.#changed(`${id}|${keyOf(object)}`, object, undefined),
      updated: (object, old) => this.#changed(`${id}|${keyOf(object)}`, object, old),
      deleted: (object) => this.#vanished(`${id}|${keyOf(object)}`, object),
    });
  }

  #changed(item: ItemId, object: KubeObject, old: KubeObject | undefined): void {
    const owners = object.metadata.ownerReferences;
    this.#dependents.update(item, owners, old?.metadata.ownerReferences);
    if (object.metadata.deletionTimestamp !== undefined) {
      if (isDeletingDependents(object)) {
        this.#loop.add(item);
        for (const dependent of this.#dependents.of(object.metadata.uid)) this.#loop.add(dependent);
      } else if (isOrphaningDependents(object)) this.#loop.add(item);
    }
    if (owners === undefined || (old !== undefined && sameOwners(owners, old.metadata.ownerReferences))) return;
    // An owner that is at hand and stays needs no further look.
    if (owners.some((reference) => this.#localState(reference, object) !== 'solid')) this.#loop.add(item);
    // A dependent that blocks no more may have been the last.
    for (const { uid, blockOwnerDeletion } of old?.metadata.ownerReferences ?? []) {
      const still = owners.find((owner) => owner.uid === uid);
      if (blockOwnerDeletion === true && still?.blockOwnerDeletion !== true) this.#lookAtOwners(old);
    }
  }

  #vanished(item: ItemId, object: KubeObject): void {
    this.#dependents.update(item, undefined, object.metadata.ownerReferences);
    this.#noteAbsent(object.metadata.uid);
    for (const dependent of this.#dependents.of(object.metadata.uid)) this.#loop.add(dependent);
    this.#lookAtOwners(object);
  }

  /** Owners that wait for their dependents may be done. */
  #lookAtOwners(object: KubeObject | undefined): void {
    for (const reference of object?.metadata.ownerReferences ?? []) {
      const owner = this.#find(reference, object?.metadata.namespace);
      if (owner !== undefined && isDeletingDependents(owner.object)) this.#loop.add(owner.item);
    }
  }

  /** The owner as the local copy has it. */
  #find(reference: OwnerReference, namespace: string | undefined): { readonly object: KubeObject; readonly item: ItemId } | undefined {
    const id = kindId(reference.apiVersion, reference.kind);
    const kind = this.#kinds.get(id);
    if (kind === undefined) return undefined;
    const key = keyOf({ metadata: { name: reference.name, namespace: kind.scope === 'Namespaced' ? namespace : undefined } });
    const object = this.#environment.informers.for(kind).get(key);
    return object?.metadata.uid === reference.uid ? { object, item: `${id}|${key}` } : undefined;
  }

  #localState(reference: OwnerReference, object: KubeObject): OwnerState | 'unknown' {
    const owner = this.#find(reference, object.metadata.namespace);
    if (owner === undefined) return 'unknown';
    return isDeletingDependents(owner.object) && reference.blockOwnerDeletion === true ? 'waiting' : 'solid';
  }

  async #work(item: ItemId): Promise<Outcome> {
    const at = item.indexOf('|');
    const kind = this.#kinds.get(item.slice(0, at));
    const object = kind === undefined ? undefined : this.#environment.informers.for(kind).get(item.slice(at + 1));
    if (kind === undefined || object === undefined) return done;
    const { informers } = this.#environment;
    const dependents: KubeObject[] = [];
    for (const dependent of this.#dependents.of(object.metadata.uid)) {
      const split = dependent.indexOf('|');
      const found = this.#kinds.get(dependent.slice(0, split));
      const other = found === undefined ? undefined : informers.for(found).get(dependent.slice(split + 1));
      if (other !== undefined) dependents.push(other);
    }
    if (isOrphaningDependents(object)) {
      await this.#orphan(kind, object, dependents);
      return done;
    }
    const owners: { readonly reference: OwnerReference; readonly state: OwnerState }[] = [];
    if (object.metadata.deletionTimestamp === undefined) {
      for (const reference of object.metadata.ownerReferences ?? []) owners.push({ reference, state: await this.#stateOf(reference, object) });
    }
    await this.#carryOut(planItem({ object, owners, dependents }), kind, object, dependents);
    return done;
  }

  /** Only the server's own word makes an owner absent. Throws when the server does not know its kind. */
  async #stateOf(reference: OwnerReference, object: KubeObject): Promise<OwnerState> {
    const local = this.#localState(reference, object);
    if (local !== 'unknown') return local;
    if (this.#absentOwners.has(reference.uid)) return 'absent';
    const kind = this.#kinds.get(kindId(reference.apiVersion, reference.kind)) ?? this.#otherVersion(reference);
    // Of a kind that is not served (yet) nothing can be said.
    if (kind === undefined) throw new Error(`no kind ${reference.kind} in ${reference.apiVersion} is served`);
    if (kind.scope === 'Namespaced' && object.metadata.namespace === undefined) return 'solid';
    try {
      const key: ObjectKey = { name: reference.name, namespace: kind.scope === 'Namespaced' ? object.metadata.namespace : undefined };
      const owner = await this.#environment.client.get(kind, key, { signal: this.#stop.signal });
      if (owner.metadata.uid === reference.uid) return isDeletingDependents(owner) && reference.blockOwnerDeletion === true ? 'waiting' : 'solid';
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    this.#noteAbsent(reference.uid);
    return 'absent';
  }

  /** References may name a version that is not the one followed here. */
  #otherVersion({ apiVersion, kind }: OwnerReference): ResourceKind | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    for (const candidate of this.#kinds.values()) if (candidate.kind === kind && candidate.group === group) return candidate;
    return undefined;
  }

  #noteAbsent(uid: string): void {
    this.#absentOwners.delete(uid);
    this.#absentOwners.add(uid);
    if (this.#absentOwners.size <= maxAbsentOwners) return;
    for (const oldest of this.#absentOwners) {
      this.#absentOwners.delete(oldest);
      break;
    }
  }

  async #carryOut(plan: ItemPlan, kind: ResourceKind, object: KubeObject, dependents: readonly KubeObject[]): Promise<void> {
    const { client } = this.#environment;
    const { metadata } = object;
    const { signal } = this.#stop;
    switch (plan.is) {
      case 'nothing':
        return;
      case 'wait':
        for (const item of this.#dependents.of(metadata.uid)) this.#loop.add(item);
        return;
      case 'remove finalizer':
        return this.#removeFinalizer(kind, object, plan.finalizer);
      case 'drop owners':
        return this.#dropOwners(kind, object, plan.uids);
      case 'delete': {
        if (plan.unblocks) {
          const references = metadata.ownerReferences ?? [];
          await this.#patchOwners(kind, object, references.map(({ uid }) => ({ uid, blockOwnerDeletion: false })), references.map((each) => ({ ...each, blockOwnerDeletion: false })));
        }
        this.#environment.log.debug({ kind: kind.kind, object: keyOf(object), policy: plan.policy, dependents: dependents.length }, 'deleting an object without owners');
        // Whoever changed the object meanwhile may have given it another owner: then look again.
        const preconditions = { uid: metadata.uid, ...(!plan.unblocks && { resourceVersion: metadata.resourceVersion }) };
        await ignoringAbsence(client.delete(kind, metadata, { propagationPolicy: plan.policy, preconditions, signal }));
        return;
      }
    }
  }

  async #orphan(kind: ResourceKind, owner: KubeObject, dependents: readonly KubeObject[]): Promise<void> {
    const { uid } = owner.metadata;
    await Promise.all(dependents.map(async (dependent) => {
      const ofKind = this.#kinds.get(kindId(dependent.apiVersion, dependent.kind));
      if (ofKind !== undefined) await this.#dropOwners(ofKind, dependent, [uid]);
    }));
    await this.#removeFinalizer(kind, owner, orphanFinalizer);
  }

  async #removeFinalizer(kind: ResourceKind, object: KubeObject, finalizer: string): Promise<void> {
    const { resourceVersion, finalizers = [] } = object.metadata;
    const metadata = { resourceVersion, finalizers: finalizers.filter((name) => name !== finalizer) };
    await ignoringAbsence(this.#environment.client.patch(kind, object.metadata, { type: 'merge', patch: { metadata } }, { signal: this.#stop.signal }));
  }

  #dropOwners(kind: ResourceKind, object: KubeObject, uids: readonly string[]): Promise<void> {
    return this.#patchOwners(kind, object, uids.map((uid) => ({ $patch: 'delete', uid })), (object.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.includes(uid)));
  }

  /** Custom kinds and those of other servers take no strategic patch: they get the list as it is to be, if nobody has changed it. */
  async #patchOwners(kind: ResourceKind, object: KubeObject, directives: readonly object[], references: readonly OwnerReference[]): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    const patch = kind.isCustom === true
      ? { type: 'merge' as const, patch: { metadata: { uid, resourceVersion, ownerReferences: references } } }
      : { type: 'strategic' as const, patch: { metadata: { uid, ownerReferences: directives } } };
    await ignoringAbsence(this.#environment.client.patch(kind, object.metadata, patch, { signal: this.#stop.signal }));
  }
}

function kindId(apiVersion: string, kind: string): string {
  return `${apiVersion}/${kind}`;
}

function sameOwners(left: readonly OwnerReference[], right: readonly OwnerReference[] | undefined): boolean {
  if (left === right) return true;
  if (right === undefined || left.length !== right.length) return false;
  return left.every((owner, index) => owner.uid === right[index]?.uid && owner.blockOwnerDeletion === right[index]?.blockOwnerDeletion);
}

async function ignoringAbsence(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
