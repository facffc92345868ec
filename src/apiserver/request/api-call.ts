/** A request after authentication, and its answer, independent of how it came in (HTTP or in process). */
import type { JsonValue } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { DuplicateKey } from './duplicate-keys.ts';
import type { RequestInfo } from './request-info.ts';

/** Who asks. Source: API reference, authentication.k8s.io/v1 UserInfo. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface ApiCall {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly query: Query;
  /** The decoded body; undefined when none was sent. Throws a 400 or 415 when it cannot be read. */
  readonly body: () => CallBody | undefined;
  /** Media type of the body, without parameters. */
  readonly contentType: string;
  readonly userAgent: string;
  /** The Accept header; '' when there is none. */
  readonly accept: string;
  readonly signal: AbortSignal;
  /** Tells the client something beside the answer (`Warning` headers). */
  readonly warn: (text: string) => void;
  /** How it came in, where that is to be recorded. */
  readonly origin?: CallOrigin | undefined;
  /** Puts headers on the answer, whatever it will be; absent where there is no HTTP. */
  readonly addHeaders?: ((headers: Readonly<Record<string, string>>) => void) | undefined;
  /** Calls back once, when the answer is out or has failed; absent where there is nothing to send. */
  readonly whenAnswered?: ((callback: () => void) => void) | undefined;
  /** For the metrics, noted on the way. */
  readonly notes?: CallNotes | undefined;
  /** Its body is so large that every step of the work on it takes milliseconds: others should get their turn in between. */
  readonly isLarge?: boolean;
  /** A component of this process asks, which speaks no HTTP. */
  readonly isInProcess?: true;
  /** From a component that shares the server's process: flow control lets it pass, for it only would wait for itself. */
  readonly needsNoSeat?: true | undefined;
  /** Adds an annotation to the request's audit event, where there is one; a `detail` only where bodies are recorded, too. */
  readonly annotate?: ((key: string, value: string, weight?: 'detail') => void) | undefined;
}

export interface CallNotes {
  /** What of its time was spent waiting for others: in a queue, for webhooks. */
  outsideMs: number;
  /** The server has given it up: too many others, or too slow. */
  isTerminated: boolean;
  /** Who wants to know how large the answer was. */
  onSent: ((bytes: number) => void) | undefined;
}

/** What only the HTTP side knows of a request. */
export interface CallOrigin {
  readonly auditId: string;
  /** Who sent it, who may ask to act as somebody else. */
  readonly sender: UserInfo;
  /** The verb by which the sender may act as somebody else, where it allows that for certain requests only. */
  readonly impersonationConstraint?: string;
  /** Path and query as they came. */
  readonly requestUri: string;
  readonly sourceIps: readonly string[];
  readonly userAgent: string;
}

export type Query = Readonly<Record<string, string | undefined>>;

export interface CallBody {
  readonly json: JsonValue;
  /** The same with integers beyond 2^53 as bigints; undefined: there are none. For objects whose fields may hold any int64. */
  readonly exact?: () => JsonValue;
  /** Keys that stand twice in one object; found only when asked for. */
  readonly duplicateFields: () => readonly DuplicateKey[];
  /** These unknown fields and the duplicate keys, in the order in which they stand in the document; undefined where it has none to tell. */
  readonly inOrder?: (unknownFields: readonly string[]) => readonly (DuplicateKey | string)[];
}

export type ApiResult = ObjectResult | ListResult | WatchResult | JsonResult | RawResult | UpgradeResult;

/** One object of `kind`. */
export interface ObjectResult {
  readonly is: 'object';
  readonly code: number;
  readonly kind: ResourceKind;
  readonly object: KubeObject;
  /** Where `object` is what the cache holds, so that its bytes can be sent. */
  readonly cached?: CachedObject;
}
export interface ListResult {
  readonly is: 'list';
  readonly kind: ResourceKind;
  readonly items: readonly CachedObject[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}
export interface WatchResult {
  readonly is: 'watch';
  readonly kind: ResourceKind;
  /** Batches, until the watch ends. A StatusError thrown becomes an ERROR event. */
  readonly batches: AsyncIterable<readonly WatchItem[]>;
}
export interface WatchItem {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly cached: CachedObject;
  /** Bookmarks only: the end of the initial events of a streaming list. */
  readonly initialEventsEnd?: boolean;
}
/** A document that is no stored object: a Status, a review, discovery. */
export interface JsonResult {
  readonly is: 'json';
  readonly code: number;
  readonly body: object;
  /** With an `etag`, whoever has it already is told so. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether JSON is laid out for people whoever asks. */
  readonly isPretty?: true;
}
export interface RawResult {
  readonly is: 'raw';
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}
/** The connection leaves HTTP (exec, attach, portforward, proxy), or the answer depends on how the request came; only the HTTP layer can carry that out. */
export interface UpgradeResult {
  readonly is: 'upgrade';
  /** What it is counted and recorded as. Default: 101. */
  readonly code?: number;
  /** Takes over request and response; resolves when the connection is over. Throws a StatusError before anything was sent. */
  take(request: ServerRequest, response: ServerResponse): Promise<void>;
}

/** A Status that says something worked. Source: API reference "Status". */
export function success(details?: { readonly name?: string; readonly group?: string; readonly kind?: string; readonly uid?: string }): JsonResult {
  return {
    is: 'json',
    code: 200,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...(details !== undefined && { details }) },
  };
}

/** Whether a query parameter is given and true, as the API reads booleans: whatever is not `false` or `0` is true. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}
