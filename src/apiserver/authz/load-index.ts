import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { CacheEvent } from '../watch-cache/event-log.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';

/** How long objects are worked through before others get their turn. */
const sliceMs = 5;

/** What is kept of the objects of a cache. All three are called with the store's key. */
export interface Index<T extends KubeObject> {
  has(key: string): boolean;
  add(key: string, object: T): void;
  change(event: CacheEvent<T>): void;
}

/**
 * Brings an index up to date with a cache and keeps it so. Resolves when every object is in it; a hundred thousand pods
 * take seconds, in which requests are answered as if what is not looked at yet were not there.
 */
export async function loadIndex<T extends KubeObject>(cache: ResourceCache<T>, index: Index<T>, clock: Clock): Promise<void> {
  cache.subscribe((event) => index.change(event));
  let startedMs = clock.monotonicMs();
  // A copy: the cache may change between two slices.
  const keys = Array.from(cache.range(''), (cached) => cached.key);
  for (const key of keys) {
    // What has changed meanwhile came as a change.
    const cached = cache.get(key);
    if (cached !== undefined && !index.has(key)) index.add(key, cached.object);
    if (clock.monotonicMs() - startedMs < sliceMs) continue;
    await nextTurn();
    startedMs = clock.monotonicMs();
  }
}
