import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Store, StoreChange, StoreEntry, StoreWatch } from '#store/store.ts';
import { CachedObject } from './cached-object.ts';
import { ResourceCache } from './resource-cache.ts';

/** Every key of the API server starts with this. */
export const registryPrefix = '/registry/';

/**
 * The API server's memory of the store: one cache per resource, all fed by a single watch of the whole store, so that
 * they share one revision. GET, LIST and WATCH are answered from here.
 *
 * Promises: what `reached(revision)` has resolved for is visible to every read that follows; objects are decoded at
 * most once, those written by this process never.
 */
export class WatchCache {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #byPrefix = new Map<string, ResourceCache<never>>();
  readonly #byKind = new Map<ResourceKind, ResourceCache<never>>();
  /** Entries of resources nobody has asked for: those of definitions that are not loaded yet. */
  readonly #unclaimed = new Map<string, { readonly bytes: Uint8Array; readonly revision: number }>();
  /** Objects that this process is writing, by the bytes it gave to the store. */
  readonly #written = new WeakMap<Uint8Array, (revision: number) => KubeObject>();
  readonly #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  readonly #stop = new AbortController();
  #revision = 0;
  #pump: Promise<void> | undefined;
  #watch: StoreWatch | undefined;

  constructor(dependencies: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
  }

  /** Everything up to this revision is visible here. */
  get revision(): number {
    return this.#revision;
  }

  /** Loads the store's content and follows its changes. `kinds` are the resources known from the start. */
  async start(kinds: readonly ResourceKind[]): Promise<void> {
    const pageSize = 500;
    let revision: number | undefined;
    let from = registryPrefix;
    for (const kind of kinds) this.#cacheFor(kind, 0);
    for (;;) {
      const page = await this.#store.range(registryPrefix, { from, limit: pageSize, ...(revision !== undefined && { revision }) });
      revision ??= page.revision;
      for (const entry of page.entries) this.#load(entry);
      const last = page.entries.at(-1);
      if (!page.more || last === undefined) break;
      from = `${last.key}\0`;
    }
    this.#revision = revision;
    for (const cache of this.#byKind.values()) cache.log.start(revision);
    this.#pump = this.#follow(revision);
  }

  /** The cache of a resource; made on first use, from what the store holds of it. */
  of<T extends KubeObject>(kind: ResourceKind<T>): ResourceCache<T> {
    return this.#cacheFor(kind, this.#revision);
  }

  /** Puts a new declaration of a resource in the place of an old one: its objects stay, watches of the old one end. */
  replace(old: ResourceKind | undefined, next: ResourceKind): void {
    if (old !== undefined) this.forget(old);
    this.of(next);
  }

  /** Forgets a resource that is no longer served (its definition was deleted). Watches of it end. */
  forget(kind: ResourceKind): void {
    const cache = this.#byKind.get(kind) as unknown as ResourceCache | undefined;
    if (cache === undefined) return;
    for (const { key, stored, revision } of cache.range(registryPrefix)) this.#unclaimed.set(key, { bytes: stored, revision });
    cache.end();
    this.#byKind.delete(kind);
    this.#byPrefix.delete(kind.storePrefix);
  }

  /** Announces a write: when the change with these very bytes comes back, `seal` gives the object for it. */
  expect(bytes: Uint8Array, seal: (revision: number) => KubeObject): void {
    this.#written.set(bytes, seal);
  }

  /** Resolves when everything up to `revision` is visible. */
  reached(revision: number): Promise<void> | undefined {
    if (this.#revision >= revision) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ revision, resolve });
    });
  }

  /** Makes every read that follows see all writes answered so far, those of other servers included. */
  async catchUp(): Promise<void> {
    const revision = await this.#store.revision();
    if (this.#revision >= revision) return;
    const reached = this.reached(revision);
    // Revisions that changed only what others keep in the same store do not come by themselves.
    this.#watch?.requestProgress();
    await reached;
  }

  /** Resumes every watcher, so that those who asked for bookmarks send one. */
  wakeAll(): void {
    for (const cache of this.#byKind.values()) cache.wakeAll();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#pump;
  }

  #cacheFor<T extends KubeObject>(kind: ResourceKind<T>, loadedAt: number): ResourceCache<T> {
    const found = this.#byKind.get(kind);
    if (found !== undefined) return found as unknown as ResourceCache<T>;
    const cache = new ResourceCache(kind, this.#clock, loadedAt);
    this.#byKind.set(kind, cache as unknown as ResourceCache<never>);
    this.#byPrefix.set(kind.storePrefix, cache as unknown as ResourceCache<never>);
    const prefix = `${registryPrefix}${kind.storePrefix}/`;
    for (const [key, { bytes, revision }] of this.#unclaimed) {
      if (!key.startsWith(prefix)) continue;
      cache.load(new CachedObject(kind, key, revision, bytes));
      this.#unclaimed.delete(key);
    }
    return cache;
  }

  #cacheOfKey(key: string): ResourceCache | undefined {
    const first = key.indexOf('/', registryPrefix.length);
    const found = this.#byPrefix.get(key.slice(registryPrefix.length, first));
    if (found !== undefined) return found as unknown as ResourceCache;
    const second = key.indexOf('/', first + 1);
    return this.#byPrefix.get(key.slice(registryPrefix.length, second)) as unknown as ResourceCache | undefined;
  }

  #load(entry: StoreEntry): void {
    const cache = this.#cacheOfKey(entry.key);
    if (cache === undefined) this.#unclaimed.set(entry.key, { bytes: entry.value, revision: entry.modRevision });
    else cache.load(new CachedObject(cache.kind, entry.key, entry.modRevision, entry.value));
  }

  async #follow(afterRevision: number): Promise<void> {
    const touched = new Set<ResourceCache>();
    const watch = this.#store.watch(registryPrefix, { afterRevision, signal: this.#stop.signal });
    this.#watch = watch;
    for await (const batch of watch) {
      for (const change of batch.changes) this.#apply(change, touched);
      this.#revision = batch.revision;
      for (const cache of touched) cache.wake();
      touched.clear();
      this.#resolveReached();
    }
    if (!this.#stop.signal.aborted) this.#log.error({ revision: this.#revision }, 'the watch of the store ended');
  }

  #apply(change: StoreChange, touched: Set<ResourceCache>): void {
    const cache = this.#cacheOfKey(change.key);
    if (cache === undefined) {
      if (change.entry === undefined) this.#unclaimed.delete(change.key);
      else this.#unclaimed.set(change.key, { bytes: change.entry.value, revision: change.revision });
      return;
    }
    touched.add(cache);
    if (change.entry === undefined) {
      cache.remove(change.key, change.revision);
      return;
    }
    const { value } = change.entry;
    const object = this.#written.get(value)?.(change.revision);
    // What seals an object knows its whole request; it must not live as long as the bytes.
    this.#written.delete(value);
    cache.put(new CachedObject(cache.kind, change.key, change.revision, value, object));
  }

  #resolveReached(): void {
    for (let index = 0; index < this.#waiting.length;) {
      const waiter = this.#waiting[index];
      if (waiter === undefined || waiter.revision > this.#revision) {
        index++;
        continue;
      }
      this.#waiting.splice(index, 1);
      waiter.resolve();
    }
  }
}
