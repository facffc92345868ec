import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { ClientIdentity } from '#pki/client-identity.ts';

/**
 * One request and its answer, the same over HTTP/1.1 and HTTP/2. These are thinner than Node's own classes: what a
 * handler does not touch (abort signal, peer certificate, body) costs nothing.
 */
export interface ServerRequest {
  /** Upper case, as sent. */
  readonly method: string;
  /** Path and query as they came, still percent-encoded. */
  readonly target: string;
  /** `target` up to the question mark. */
  readonly path: string;
  /** `target` after the question mark; empty when there is none. */
  readonly query: string;
  /** Names in lower case; HTTP/2's `:authority` appears as `host`, other pseudo-headers not at all. */
  readonly headers: RequestHeaders;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2.0';
  readonly isSecure: boolean;
  /** The address of the other end of the connection; empty when it is gone already. */
  readonly remoteAddress: string;
  /** What TLS says about the client. Read once per connection. */
  readonly peer: Peer;
  /** Aborts when the client goes away before the answer is complete. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Present when the client asks to leave HTTP for another protocol. Refuse by answering as usual. */
  readonly upgrade: UpgradeOffer | undefined;
  /** The body as it arrives; see `readBody` and `piecesOf`. May be read once. It breaks off when the client goes away halfway. */
  body(): Readable;
}

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Header names in lower case. A list is sent as that many lines. */
export type ResponseHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** Bytes to send: one buffer, or several that follow each other and are not copied together. */
export type Chunks = Uint8Array | readonly Uint8Array[];

export interface ServerResponse {
  /** 0 until `writeHead`. */
  readonly status: number;
  /** Whether status and headers are on their way, so that they can no longer be changed. */
  readonly isHeadSent: boolean;
  /** Whether `end` was called or the client is gone: nothing more can be sent. */
  readonly isOver: boolean;
  /** Body bytes handed over so far. */
  readonly bodyBytes: number;
  /** Sets status and headers; they leave with the first `write`, `end` or `flush`. May be called again until then. */
  writeHead(status: number, headers?: ResponseHeaders): void;
  /** Headers that go with whatever head is sent, in front of its own. After the head has left it does nothing. */
  addHeaders(headers: ResponseHeaders): void;
  /** Asks the client of an HTTP/2 connection to use another one for what comes next. Over HTTP/1.1 it does nothing. */
  leaveConnection(): void;
  /** Sends status and headers now: a watch has begun, though nothing has happened yet. */
  flush(): void;
  /**
   * Sends a part of the body. Undefined: go on. A promise: the client is slow; it resolves when there is room again, or
   * when the client is gone (see `isOver`; what is written then is dropped). It never rejects. The bytes may be given to
   * several responses and must never change again.
   */
  write(chunks: Chunks): Promise<void> | undefined;
  /**
   * Sends a part of the body and resolves when it has left this process, or when the client is gone: its bytes may then be
   * overwritten. It never rejects.
   */
  writeThrough(bytes: Uint8Array): Promise<void>;
  /** Sends the rest and finishes. Without a `write` before, `content-length` is set. Later calls do nothing. */
  end(chunks?: Chunks): void;
  /** Breaks the stream so that the client sees an incomplete answer: when something fails after the head was sent. */
  abort(): void;
  /** Calls back once, when the answer is complete (`true`) or the client has gone before that (`false`). */
  onClose(callback: (isComplete: boolean) => void): void;
}

/** What TLS knows about a client. A rejected certificate counts as none: the client is anonymous. */
export type Peer =
  | { readonly kind: 'none' }
  | { readonly kind: 'verified'; readonly identity: ClientIdentity; readonly certificate: X509Certificate; readonly notAfterMs: number }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface UpgradeOffer {
  /** The `Upgrade` header in lower case: `websocket`, `spdy/3.1`. */
  readonly protocol: string;
  /**
   * Takes the connection out of HTTP: from here on `socket` belongs to the caller, who also sends the 101 answer. The
   * response of the request must not be used any more.
   */
  accept(): UpgradedConnection;
}

export interface UpgradedConnection {
  readonly socket: Duplex;
  /** Bytes that came after the request's head. */
  readonly head: Buffer;
  /** Node's request, for libraries that want it (`ws`). */
  readonly incoming: IncomingMessage;
}

/** Answers one request. A throw or rejection goes to the server's `onError`. */
export type Handler = (request: ServerRequest, response: ServerResponse) => void | Promise<void>;

/** Where the query begins; the length of the target when there is none. */
export function pathLength(target: string): number {
  const at = target.indexOf('?');
  return at < 0 ? target.length : at;
}

/** Always a list. */
export function listOf(chunks: Chunks): readonly Uint8Array[] {
  return chunks instanceof Uint8Array ? [chunks] : chunks;
}

export function byteLength(chunks: Chunks): number {
  if (chunks instanceof Uint8Array) return chunks.length;
  let sum = 0;
  for (const chunk of chunks) sum += chunk.length;
  return sum;
}

/** Aborts when `response` closes before it is complete. */
export function abortOnDisconnect(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.onClose((isComplete) => {
    if (!isComplete) controller.abort(new Error('the client has gone away'));
  });
  return controller.signal;
}
