/** The implementation of `SharedInformers`: one reflector and one indexer per kind and scope, started on first use. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { Indexer } from './indexer.ts';
import type { Informer, InformerHandler, InformerScope, SharedInformers } from './informer.ts';
import { keyOf } from './informer.ts';
import type { ReflectorDependencies, ReflectorSink } from './reflector.ts';
import { reflect } from './reflector.ts';
import type { WatchEvent } from './transport.ts';

/** Informers that read through `client`; they run until `close`. */
export function createSharedInformers(dependencies: ReflectorDependencies): SharedInformers {
  const informers = new Map<string, Running>();
  /** The same, of those without scope, for the many that ask for them again and again. */
  const unscoped = new WeakMap<ResourceKind, SharedInformer<KubeObject>>();
  let isClosed = false;

  const end = async ({ informer, stop, ended }: Running): Promise<void> => {
    stop.abort(new Error('informers closed'));
    informer.stop(stop.signal.reason);
    await ended;
  };

  return {
    for<T extends KubeObject>(kind: ResourceKind<T>, scope: InformerScope = noScope): Informer<T> {
      const found = scope === noScope ? unscoped.get(kind) : undefined;
      if (found !== undefined) return found as unknown as Informer<T>;
      const id = idOf(kind, scope);
      const known = informers.get(id);
      if (known !== undefined) return known.informer as unknown as Informer<T>;
      if (isClosed) throw new Error('informers closed');
      const informer = new SharedInformer(kind, dependencies);
      const stop = new AbortController();
      const ended = reflect(dependencies, kind, scope, informer, stop.signal);
      informers.set(id, { informer: informer as unknown as SharedInformer<KubeObject>, stop, ended });
      if (scope === noScope) unscoped.set(kind, informer as unknown as SharedInformer<KubeObject>);
      return informer;
    },
    async release(kind) {
      const id = idOf(kind, noScope);
      const known = informers.get(id);
      if (known === undefined) return;
      informers.delete(id);
      unscoped.delete(kind);
      await end(known);
    },
    async synced(signal) {
      await Promise.all([...informers.values()].map(({ informer }) => informer.synced(signal)));
    },
    async close() {
      isClosed = true;
      await Promise.all([...informers.values()].map(end));
    },
  };
}

interface Running {
  readonly informer: SharedInformer<KubeObject>;
  readonly stop: AbortController;
  /** Resolves when the reflector has ended. */
  readonly ended: Promise<void>;
}

function idOf(kind: ResourceKind, scope: InformerScope): string {
  return [kind.apiVersion, kind.plural, scope.namespace, scope.fieldSelector, scope.labelSelector].join('|');
}

const noScope: InformerScope = Object.freeze({});

/** A first list longer than this gives the event loop a turn after every such piece: about 5 ms of work. */
const replaceChunk = 1000;

interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** One kind's informer. The reflector calls `replace` and `apply`, never two at once. */
class SharedInformer<T extends KubeObject> extends Indexer<T> implements Informer<T>, ReflectorSink<T> {
  readonly kind: ResourceKind<T>;
  readonly #dependencies: ReflectorDependencies;
  /** A list, replaced when it changes, so that a handler may add or remove handlers while it is called. */
  #handlers: readonly InformerHandler<T>[] = [];
  #hasSynced = false;
  #version = 0;
  #waiters: Waiter[] = [];

  constructor(kind: ResourceKind<T>, dependencies: ReflectorDependencies) {
    super();
    this.kind = kind;
    this.#dependencies = dependencies;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  addHandler(handler: InformerHandler<T>): () => void {
    this.#handlers = [...this.#handlers, handler];
    if (handler.added !== undefined) for (const object of this.list()) this.#safely(() => handler.added?.(object));
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler);
    };
  }

  synced(signal?: AbortSignal): Promise<void> {
    return this.#hasSynced ? Promise.resolve() : this.#wait(0, signal);
  }

  reached(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    return this.hasReached(resourceVersion) ? Promise.resolve() : this.#wait(Number(resourceVersion), signal);
  }

  hasReached(resourceVersion: string): boolean {
    return this.#hasSynced && this.#version >= Number(resourceVersion);
  }

  stop(reason: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(reason);
  }

  async replace(objects: readonly T[], resourceVersion: string): Promise<void> {
    const gone = new Set(this.keys());
    for (const [index, object] of objects.entries()) {
      if (index % replaceChunk === replaceChunk - 1) await nextTurn();
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#drop(key, undefined);
    this.#hasSynced = true;
    this.#advance(resourceVersion);
  }

  apply(events: readonly WatchEvent<T>[]): void {
    for (const { type, object } of events) {
      // The lister is at this version before handlers look.
      this.#version = Math.max(this.#version, Number(object.metadata.resourceVersion));
      if (type === 'DELETED') this.#drop(keyOf(object), object);
      else if (type !== 'BOOKMARK') this.#put(object);
    }
    this.#settleWaiters();
  }

  #put(object: T): void {
    const old = this.set(object);
    if (old === undefined) {
      for (const handler of this.#handlers) this.#safely(() => handler.added?.(object));
    } else if (old.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew while nobody looked: a deletion is never lost.
      for (const handler of this.#handlers) this.#safely(() => handler.deleted?.(old));
      for (const handler of this.#handlers) this.#safely(() => handler.added?.(object));
    } else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      for (const handler of this.#handlers) this.#safely(() => handler.updated?.(object, old));
    }
  }

  #drop(key: string, last: T | undefined): void {
    const old = this.delete(key);
    if (old === undefined) return;
    for (const handler of this.#handlers) this.#safely(() => handler.deleted?.(last ?? old));
  }

  /** One handler's bug must not keep the others from hearing. */
  #safely(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#dependencies.log.error({ kind: this.kind.kind, error }, 'an informer handler threw');
    }
  }

  #advance(resourceVersion: string): void {
    this.#version = Math.max(this.#version, Number(resourceVersion));
    this.#settleWaiters();
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0 || !this.#hasSynced) return;
    const met = this.#waiters.filter((waiter) => waiter.version <= this.#version);
    this.#waiters = this.#waiters.filter((waiter) => waiter.version > this.#version);
    for (const waiter of met) waiter.resolve();
  }

  #wait(version: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const forget = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        forget();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        version,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      this.#waiters.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
