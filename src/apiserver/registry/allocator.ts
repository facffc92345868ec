import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import type { Store, StoreWrite, WriteResult } from '#store/store.ts';
import { StoreError } from '#store/store.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { RegistryContext } from './registry-context.ts';

/**
 * Gives objects of some kind what there is only so much of (addresses, ports). What is given is written with the object,
 * in one transaction: several API servers over one store never give the same twice, and nothing leaks.
 */
export interface Allocator {
  /**
   * Completes `draft`, which mutating admission is done with, and says what else is to be written. `old` is what is
   * stored. Undefined: objects of this kind take nothing. Rejects with a StatusError when what is asked for is not to be
   * had.
   */
  allocate(kind: ResourceKind, draft: Draft<KubeObject>, old: CachedObject | undefined, options: { readonly dryRun: boolean }): Promise<Allocation> | undefined;
  /** What is to be deleted with `current`. Undefined: objects of this kind take nothing. */
  release(kind: ResourceKind, current: CachedObject): Promise<readonly StoreWrite[]> | undefined;
}

export interface Allocation {
  /** What goes with the object: things taken, and things given back. */
  readonly writes: readonly StoreWrite[];
  /** Makes the draft what it was: somebody else was quicker, and there will be another try. */
  undo(): void;
  /** To be called once, when the write is visible in the cache or has failed: nothing is held for it any longer. */
  settle(isWritten: boolean): void;
}

/** What an unprepared etcd takes in one transaction, with room for the object itself (its --max-txn-ops is 128). */
const atOnce = 100;

/** One write and those that belong to it: all or none, with one revision. */
export function writeTogether(store: Store, own: StoreWrite, others: readonly StoreWrite[] = []): Promise<WriteResult> {
  if (others.length > 0) return writeAll(store, own, others);
  return own.value === undefined ? store.delete(own.key, own.expect) : store.put(own.key, own.value, own.expect);
}

async function writeAll(store: Store, own: StoreWrite, others: readonly StoreWrite[]): Promise<WriteResult> {
  try {
    return await store.transaction([own, ...others]);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'too-large') || others.length < atOnce) throw error;
    return writeInParts(store, own, others);
  }
}

/** Takes an object and what it holds out of the store. A failed expectation may be that of something it holds. */
export async function removeWithClaims(context: RegistryContext, kind: ResourceKind, key: string, current: CachedObject): Promise<WriteResult> {
  const given = await context.allocator?.release(kind, current);
  const result = await writeTogether(context.store, { key, value: undefined, expect: { modRevision: current.revision } }, given);
  if (!result.ok && result.key !== key) await context.cache.catchUp();
  return result;
}

/**
 * For objects that take hundreds of things, on an etcd that writes fewer at once: first what is taken, then the object,
 * then what is given back. A server that dies in between leaves more taken than is used, which repair finds.
 */
async function writeInParts(store: Store, own: StoreWrite, others: readonly StoreWrite[]): Promise<WriteResult> {
  const taken = others.filter(({ value }) => value !== undefined);
  const given = others.filter(({ value }) => value === undefined);
  const done: StoreWrite[] = [];
  const giveBack = async (): Promise<void> => {
    for (const part of parts(done)) await store.transaction(part.map(({ key }) => ({ key, value: undefined, expect: { any: true } })));
  };
  for (const part of parts(taken)) {
    const result = await store.transaction(part);
    if (!result.ok) {
      await giveBack();
      return result;
    }
    done.push(...part);
  }
  const result = await writeTogether(store, own);
  if (!result.ok) await giveBack();
  else for (const part of parts(given)) await store.transaction(part);
  return result;
}

function* parts(writes: readonly StoreWrite[]): Iterable<readonly StoreWrite[]> {
  for (let from = 0; from < writes.length; from += atOnce) yield writes.slice(from, from + atOnce);
}
