/**
 * A local, eventually consistent copy of the objects of one kind, kept by list and watch.
 *
 * What is promised:
 * - Objects are frozen and shared; nobody changes them.
 * - Reads may be stale, but never go back: a lister that has shown revision R never shows an older one.
 * - Handlers are called in revision order per object, synchronously, after the lister shows the new state. Changes may
 *   be merged (only the last of several is seen), a deletion is never lost. A handler must not throw and must not wait.
 * - A reconnect or a fresh list after 410 shows as ordinary add, update and delete calls.
 */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

export interface InformerHandler<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** `object` is the last state known. */
  deleted?(object: T): void;
}

export interface Lister<T extends KubeObject> {
  /** `key` is `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): T | undefined;
  /** All, or those of one namespace. No order. */
  list(namespace?: string): readonly T[];
  /** Objects for which the index function yields `value`. */
  byIndex(index: string, value: string): readonly T[];
  readonly size: number;
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: ResourceKind<T>;
  /** Adds an index; objects already there are indexed at once. The same name twice is the same index. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void;
  /** Calls `added` for everything already there, then every change. Returns how to stop. */
  addHandler(handler: InformerHandler<T>): () => void;
  /** Whether the first list is complete. */
  readonly hasSynced: boolean;
  /** Resolves when it is; rejects with the signal's reason. */
  synced(signal?: AbortSignal): Promise<void>;
  /** Resolves when the lister shows `resourceVersion` or newer: how a writer waits for its own writes. */
  reached(resourceVersion: string, signal?: AbortSignal): Promise<void>;
  /** Whether it does already. */
  hasReached(resourceVersion: string): boolean;
}

/** One informer per kind (and selector) in a process, however many ask for it. */
export interface SharedInformers {
  /** Starts on first use (lazily); `fieldSelector`/`namespace`/`labelSelector` make a separate informer. */
  for<T extends KubeObject>(kind: ResourceKind<T>, options?: InformerScope): Informer<T>;
  /** Ends the unscoped informer of a kind that is no longer served; asked for again, it starts anew. */
  release(kind: ResourceKind): Promise<void>;
  /** Resolves when every informer asked for so far has synced. */
  synced(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface InformerScope {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** `namespace/name`, or `name` where there is no namespace. */
export function keyOf(object: { readonly metadata: { readonly name: string; readonly namespace?: string | undefined } }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
