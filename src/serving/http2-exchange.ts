import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { abortOnDisconnect, byteLength, listOf, pathLength } from './exchange.ts';
import type { Chunks, Peer, RequestHeaders, ResponseHeaders, ServerRequest, ServerResponse } from './exchange.ts';
import { leave, roomIn } from './http1-exchange.ts';
import { peerOf } from './peer.ts';

/** A request that came over HTTP/2. */
export class Http2Request implements ServerRequest {
  readonly method: string;
  readonly target: string;
  readonly protocol = 'HTTP/2.0';
  readonly isSecure = true;
  readonly upgrade = undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #received: IncomingHttpHeaders;
  readonly #response: ServerResponse;
  #headers: RequestHeaders | undefined;
  #signal: AbortSignal | undefined;

  constructor(stream: ServerHttp2Stream, received: IncomingHttpHeaders, response: ServerResponse) {
    this.method = received[':method'] ?? 'GET';
    this.target = received[':path'] ?? '/';
    this.#stream = stream;
    this.#received = received;
    this.#response = response;
  }

  get path(): string {
    return this.target.slice(0, pathLength(this.target));
  }

  get query(): string {
    return this.target.slice(pathLength(this.target) + 1);
  }

  get headers(): RequestHeaders {
    this.#headers ??= withoutPseudoHeaders(this.#received);
    return this.#headers;
  }

  get remoteAddress(): string {
    return this.#stream.session?.socket.remoteAddress ?? '';
  }

  get peer(): Peer {
    const { session } = this.#stream;
    // The session's socket is a proxy made for every look; the session is what lives as long as the connection.
    return session === undefined ? { kind: 'none' } : peerOf(session, session.socket as TLSSocket);
  }

  get signal(): AbortSignal {
    this.#signal ??= abortOnDisconnect(this.#response);
    return this.#signal;
  }

  body(): Readable {
    if (this.#received.expect === '100-continue') this.#stream.additionalHeaders({ ':status': 100 });
    return this.#stream;
  }
}

/** The answer to a request that came over HTTP/2. */
export class Http2Response implements ServerResponse {
  status = 0;
  bodyBytes = 0;
  readonly #stream: ServerHttp2Stream;
  #headers: ResponseHeaders = {};
  #added: ResponseHeaders | undefined;
  #isEnded = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get isHeadSent(): boolean {
    return this.#stream.headersSent;
  }

  get isOver(): boolean {
    return this.#isEnded || this.#stream.destroyed || this.#stream.closed;
  }

  writeHead(status: number, headers: ResponseHeaders = {}): void {
    if (this.isHeadSent) return;
    this.status = status;
    this.#headers = headers;
  }

  addHeaders(headers: ResponseHeaders): void {
    this.#added = this.#added === undefined ? headers : { ...this.#added, ...headers };
  }

  leaveConnection(): void {
    this.#stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
  }

  flush(): void {
    if (!this.isOver && !this.isHeadSent) this.#sendHead();
  }

  write(chunks: Chunks): Promise<void> | undefined {
    if (this.isOver) return undefined;
    const stream = this.#stream;
    if (!stream.headersSent) this.#sendHead();
    if (stream.writableEnded) return undefined;
    this.bodyBytes += byteLength(chunks);
    let hasRoom = true;
    if (chunks instanceof Uint8Array) {
      hasRoom = stream.write(chunks);
    } else {
      stream.cork();
      for (const chunk of chunks) hasRoom = stream.write(chunk);
      stream.uncork();
    }
    return hasRoom ? undefined : roomIn(stream);
  }

  writeThrough(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const stream = this.#stream;
      if (this.isOver || stream.writableEnded) return resolve();
      if (!stream.headersSent) this.#sendHead();
      this.bodyBytes += bytes.length;
      leave(stream, bytes, resolve);
    });
  }

  end(chunks: Chunks = []): void {
    if (this.isOver) return;
    this.#isEnded = true;
    const stream = this.#stream;
    const length = byteLength(chunks);
    this.bodyBytes += length;
    if (!stream.headersSent) this.#sendHead(length);
    if (stream.writableEnded) return;
    if (chunks instanceof Uint8Array) {
      stream.end(chunks);
      return;
    }
    stream.cork();
    for (const chunk of listOf(chunks)) stream.write(chunk);
    stream.end();
  }

  abort(): void {
    this.#isEnded = true;
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  onClose(callback: (isComplete: boolean) => void): void {
    const stream = this.#stream;
    const isComplete = (): boolean => stream.writableFinished && !stream.aborted;
    if (stream.closed || stream.destroyed) callback(isComplete());
    else stream.once('close', () => callback(isComplete()));
  }

  /** `length`: of the whole body, when it is known. */
  #sendHead(length?: number): void {
    if (this.status === 0) this.status = 200;
    const headers: OutgoingHttpHeaders = { ':status': this.status };
    if (this.#added !== undefined) put(headers, this.#added);
    put(headers, this.#headers);
    const mayHaveBody = this.status !== 204 && this.status !== 304;
    if (length !== undefined && mayHaveBody) headers['content-length'] ??= length;
    this.#stream.respond(headers, length === 0 ? { endStream: true } : undefined);
  }
}

function put(headers: OutgoingHttpHeaders, added: ResponseHeaders): void {
  for (const name in added) {
    const value = added[name] ?? '';
    headers[name] = typeof value === 'object' ? [...value] : value;
  }
}

function withoutPseudoHeaders(received: IncomingHttpHeaders): RequestHeaders {
  const headers: Record<string, string | string[] | undefined> = {};
  for (const name in received) {
    if (!name.startsWith(':')) headers[name] = received[name];
  }
  if (received[':authority'] !== undefined) headers['host'] = received[':authority'];
  return headers;
}
