/**
 * How a component reaches the API: in the same process (no sockets, no encoding) or over HTTPS. Everything above this
 * seam is the same for both.
 *
 * Objects that come out of a transport are decoded and frozen; in process they are the very objects that the API
 * server's watch cache holds.
 */
import type { JsonValue } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';

export interface Transport {
  /** One request, one answer. Throws `StatusError` for every answer that is not a success. */
  request(request: ApiRequest): Promise<unknown>;

  /**
   * Events in batches, in order, until the server ends the watch, `signal` aborts, or it fails with a `StatusError`
   * (410: start anew with a list). Bookmarks come as `BOOKMARK` events.
   */
  watch<T extends KubeObject>(request: ApiRequest): AsyncIterable<readonly WatchEvent<T>[]>;

  /** A body as it comes (pod logs). */
  stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>>;

  /** Releases connections. Idempotent. */
  close(): Promise<void>;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Percent-encoded where needed: /api/v1/namespaces/default/pods/web-0. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** A JSON value (JSON Patch and apply included). It must not be changed after the call. */
  readonly body?: JsonValue | KubeObject | object;
  /** Default: application/json. Patches say theirs. */
  readonly contentType?: string;
  /** Decode the answer as this kind (or a list of it). Without: what the server sent, as JSON. */
  readonly kind?: ResourceKind;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a deletion: the last state. Of a bookmark: only metadata.resourceVersion counts. */
  readonly object: T;
}
