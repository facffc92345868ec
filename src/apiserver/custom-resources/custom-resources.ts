/**
 * CustomResourceDefinitions at work: what a definition declares is served as soon as its names are accepted, follows its
 * changes, and goes away with it.
 *
 * Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions".
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timer } from '#base/clock.ts';
import type { CustomResourceDefinition as Definition } from '#api/apiextensions/custom-resource-definition.ts';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { cleanupFinalizer } from '#api/apiextensions/definition-rules.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { sameJson } from '#apimachinery/json.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Backoff } from '#client/backoff.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText } from '../registry/registry-context.ts';
import { updateObject } from '../registry/update.ts';
import type { Caller } from '../registry/create.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import type { CacheEvent } from '../watch-cache/event-log.ts';
import type { WebhookClient } from '../webhooks/webhook-client.ts';
import { deleteInstances } from './cleanup.ts';
import type { DefinedKinds } from './custom-kind.ts';
import { isEstablished, planStatus, withCondition } from './definition-status.ts';

export interface CustomResourcesDependencies {
  readonly registry: RegistryContext;
  readonly kinds: ServedKinds;
  /** For versions that a webhook converts. */
  readonly webhooks: WebhookClient;
}

/** What of a definition is served at present. */
interface Served extends DefinedKinds {
  /** What it follows from; another one means that it is to be made anew. */
  readonly origin: Pick<Definition, 'spec'> & Pick<Definition['status'], 'acceptedNames'> | undefined;
}

const definitions = CustomResourceDefinition as unknown as ResourceKind<Definition>;
const retryPauses = { initialMs: 500, maxMs: 30_000, factor: 2, jitter: 0.1 };
/** Who the API server is to itself. */
const self: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export class CustomResources {
  readonly #registry: RegistryContext;
  readonly #kinds: ServedKinds;
  readonly #webhooks: WebhookClient;
  readonly #served = new Map<string, Served>();
  /** Names of definitions to look at; as many as there are definitions at most. */
  readonly #pending = new Set<string>();
  readonly #terminating = new Set<string>();
  /** Of definitions that could not be brought into effect. */
  readonly #retries = new Map<string, Backoff>();
  readonly #timers = new Map<string, Timer>();
  #work: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  #isClosed = false;

  constructor({ registry, kinds, webhooks }: CustomResourcesDependencies) {
    this.#webhooks = webhooks;
    this.#registry = registry;
    this.#kinds = kinds;
  }

  /** Serves what is defined already and follows changes. Resolves when all of the former is served. */
  async start(): Promise<void> {
    const cache = this.#registry.cache.of(definitions);
    this.#unsubscribe = cache.subscribe((event) => this.#note(event));
    for (const { metadata } of this.#all()) {
      if (metadata.deletionTimestamp !== undefined) this.#terminating.add(metadata.name);
      this.#pending.add(metadata.name);
    }
    if (this.#pending.size > 0) await this.#wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe?.();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#work;
  }

  #note({ type, current, previous }: CacheEvent<Definition>): void {
    const { name, deletionTimestamp } = current.object.metadata;
    if (type === 'DELETED') this.#terminating.delete(name);
    else if (deletionTimestamp !== undefined) this.#terminating.add(name);
    this.#pending.add(name);
    // A name that is given up may be what others wait for.
    const group = current.object.spec.group;
    if (previous !== undefined) for (const other of this.#all()) if (other.spec.group === group && !isEstablished(other)) this.#pending.add(other.metadata.name);
    void this.#wake();
  }

  #wake(): Promise<void> {
    return (this.#work ??= this.#run());
  }

  async #run(): Promise<void> {
    try {
      for (const name of this.#pending) {
        // Changes are heard of in the midst of others' work.
        await nextTurn();
        this.#pending.delete(name);
        if (this.#isClosed) return;
        try {
          await this.#reconcile(name);
          this.#retries.delete(name);
        } catch (error) {
          this.#registry.log.error({ error, definition: name }, 'custom resource definition could not be brought into effect');
          this.#retryLater(name);
        }
      }
    } finally {
      this.#work = undefined;
    }
  }

  /** What failed may succeed later: a webhook that converts may be back, one that refuses a deletion gone. */
  #retryLater(name: string): void {
    if (this.#isClosed) return;
    const { clock, random } = this.#registry;
    const backoff = this.#retries.get(name) ?? new Backoff(retryPauses, random);
    this.#retries.set(name, backoff);
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, clock.after(backoff.nextMs(), () => {
      this.#timers.delete(name);
      this.#pending.add(name);
      void this.#wake();
    }));
  }

  #all(): Iterable<Definition> {
    return this.#registry.objects.list(definitions);
  }

  async #reconcile(name: string): Promise<void> {
    const definition = this.#registry.objects.get(definitions, name);
    if (definition === undefined) {
      this.#withdraw(name);
      return;
    }
    if (definition.metadata.deletionTimestamp !== undefined) {
      if (isEstablished(definition) && !this.#served.has(name)) await this.#serve(definition);
      await this.#cleanUp(definition);
      return;
    }
    const planned = this.#plan(definition);
    const established = planned === definition.status ? definition : { ...definition, status: planned };
    // Whoever sees it established can use it at once.
    if (isEstablished(established)) await this.#serve(established);
    if (planned !== definition.status) await this.#writeStatus(definition, (current) => this.#plan(current));
  }

  #plan(definition: Definition): Definition['status'] {
    const others = [...this.#all()].filter((each) => each.metadata.name !== definition.metadata.name);
    return planStatus(definition, others, nowText(this.#registry.clock));
  }

  async #serve(definition: Definition): Promise<void> {
    const { name } = definition.metadata;
    const origin = { spec: definition.spec, acceptedNames: definition.status.acceptedNames };
    const before = this.#served.get(name);
    if (before?.origin !== undefined && sameJson(before.origin, origin)) return;
    const { makeKinds, unfinishedKinds } = await import('./make-kinds.ts');
    const dependencies = { registry: this.#registry, webhooks: this.#webhooks, isTerminating: () => this.#terminating.has(name) };
    const unfinished = before === undefined ? await unfinishedKinds(definition, dependencies) : undefined;
    if (unfinished !== undefined) {
      // A server that starts does not wait for webhooks.
      this.#put(name, undefined, { ...unfinished, origin: undefined });
      this.#retryLater(name);
      return;
    }
    const made = await makeKinds(definition, { ...dependencies, before });
    this.#put(name, before, { ...made, origin });
  }

  #put(name: string, before: DefinedKinds | undefined, made: Served): void {
    for (const kind of before?.served ?? []) this.#kinds.remove(kind);
    this.#registry.cache.replace(before?.hub, made.hub);
    for (const kind of made.served) this.#kinds.add(kind);
    this.#served.set(name, made);
  }

  #withdraw(name: string): void {
    const before = this.#served.get(name);
    if (before === undefined) return;
    for (const kind of before.served) this.#kinds.remove(kind);
    this.#registry.cache.forget(before.hub);
    this.#served.delete(name);
  }

  async #cleanUp(definition: Definition): Promise<void> {
    const { name, finalizers = [] } = definition.metadata;
    if (!finalizers.includes(cleanupFinalizer)) return;
    const hub = this.#served.get(name)?.hub;
    const { condition, isDone } = await deleteInstances(this.#registry, hub, self, () => {
      this.#pending.add(name);
      void this.#wake();
    });
    await this.#writeStatus(definition, (current) => ({ ...current.status, conditions: withCondition(current.status.conditions, condition, nowText(this.#registry.clock)) }));
    if (!isDone) return;
    await this.#write(definition, '', (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer);
    });
  }

  #writeStatus(definition: Definition, statusOf: (current: Definition) => Definition['status']): Promise<void> {
    return this.#write(definition, 'status', (draft, current) => {
      draft.status = structuredClone(statusOf(current)) as Draft<Definition['status']>;
    });
  }

  async #write(definition: Definition, subresource: string, change: (draft: Draft<Definition>, current: Definition) => void): Promise<void> {
    const call: Caller = {
      info: {
        isResource: true, verb: 'update', path: '', group: definitions.group, version: definitions.version, resource: definitions.plural, subresource,
        rest: [], namespace: '', name: definition.metadata.name,
      },
      user: self,
      query: {},
      userAgent: 'kube-apiserver',
    };
    try {
      await updateObject(this.#registry, CustomResourceDefinition, call, {
        subresource,
        change: (stored) => {
          const current = stored as unknown as Definition;
          // The spec stays what it is: it may be a MiB.
          const draft = { ...current, metadata: structuredClone(current.metadata) } as unknown as Draft<Definition>;
          change(draft, current);
          draft.metadata.resourceVersion = '';
          return draft;
        },
      });
    } catch (error) {
      // Gone, or changed by somebody else: then there is an event that brings us back.
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
  }
}
