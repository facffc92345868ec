/** The typed client: verbs on kinds. One implementation, over any `Transport` (see `createClient`). */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import type { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { WatchEvent } from './transport.ts';

/** Which object. Of a cluster-scoped kind: without namespace. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}
export interface WriteOptions extends RequestOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
}
export interface ListOptions extends RequestOptions {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}
export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}

export interface List<T extends KubeObject> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly T[];
}

export type Patch =
  | { readonly type: 'json'; readonly operations: readonly JsonValue[] }
  | { readonly type: 'merge' | 'strategic'; readonly patch: object };

export interface PatchOptions extends WriteOptions {
  /** `status`, `scale`, ... */
  readonly subresource?: string;
}

/** A resource or subresource as discovery names it. Source: API reference, APIResource. */
export interface ServedResource {
  /** `pods`, `pods/status`. */
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** Every method throws `StatusError` when the server refuses. */
export interface Client {
  get<T extends KubeObject>(kind: ResourceKind<T>, key: ObjectKey, options?: RequestOptions & { readonly resourceVersion?: string }): Promise<T>;
  list<T extends KubeObject>(kind: ResourceKind<T>, options?: ListOptions): Promise<List<T>>;
  watch<T extends KubeObject>(kind: ResourceKind<T>, options?: WatchOptions): AsyncIterable<readonly WatchEvent<T>[]>;
  /** The namespace, where there is one, is that of `object.metadata`. */
  create<T extends KubeObject>(kind: ResourceKind<T>, object: NoInfer<Given<T>>, options?: WriteOptions): Promise<T>;
  /** With `object.metadata.resourceVersion` only if nobody wrote in between (409). */
  update<T extends KubeObject>(kind: ResourceKind<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(kind: ResourceKind<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  /** PUT of the whole object to a subresource (`finalize`, `resize`, `approval`). */
  updateSubresource<T extends KubeObject>(kind: ResourceKind<T>, object: NoInfer<T>, subresource: string, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(kind: ResourceKind<T>, key: ObjectKey, patch: Patch, options?: PatchOptions): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: NoInfer<Given<T>>,
    options: PatchOptions & { readonly fieldManager: string; readonly force?: boolean },
  ): Promise<T>;
  delete<T extends KubeObject>(kind: ResourceKind<T>, key: ObjectKey, options?: RequestOptions & Given<DeleteOptions>): Promise<void>;
  deleteCollection<T extends KubeObject>(kind: ResourceKind<T>, options?: ListOptions & Given<DeleteOptions>): Promise<void>;
  /** POST to a subresource (binding, eviction, token); answers what the server sent. */
  createSubresource<B extends KubeObject>(
    kind: ResourceKind,
    key: ObjectKey,
    subresource: string,
    bodyKind: ResourceKind<B>,
    body: NoInfer<Given<B>>,
    options?: WriteOptions,
  ): Promise<B>;
  /** What is served of `group/version`; the core group is not asked for in this way. */
  resources(groupVersion: string, options?: RequestOptions): Promise<readonly ServedResource[]>;
  /** A pod's log, as it comes. */
  podLogs(key: ObjectKey, options?: PodLogOptions): Promise<AsyncIterable<Uint8Array>>;
}

export interface PodLogOptions extends RequestOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly limitBytes?: number;
}
