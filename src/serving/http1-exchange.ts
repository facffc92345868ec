import { ServerResponse as NodeResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { abortOnDisconnect, byteLength, listOf, pathLength } from './exchange.ts';
import type { Chunks, Peer, RequestHeaders, ResponseHeaders, ServerRequest, ServerResponse, UpgradeOffer } from './exchange.ts';
import { httpChunk, lastChunk } from './http-chunk.ts';
import { peerOf } from './peer.ts';

/** A request that came over HTTP/1.1. */
export class Http1Request implements ServerRequest {
  readonly method: string;
  readonly target: string;
  readonly protocol = 'HTTP/1.1';
  readonly upgrade: UpgradeOffer | undefined;
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  #signal: AbortSignal | undefined;

  constructor(incoming: IncomingMessage, response: ServerResponse, upgrade?: UpgradeOffer) {
    this.method = incoming.method ?? 'GET';
    this.target = incoming.url ?? '/';
    this.upgrade = upgrade;
    this.#incoming = incoming;
    this.#response = response;
  }

  get path(): string {
    return this.target.slice(0, pathLength(this.target));
  }

  get query(): string {
    return this.target.slice(pathLength(this.target) + 1);
  }

  get headers(): RequestHeaders {
    return this.#incoming.headers;
  }

  get isSecure(): boolean {
    return this.#incoming.socket instanceof TLSSocket;
  }

  get remoteAddress(): string {
    return this.#incoming.socket.remoteAddress ?? '';
  }

  get peer(): Peer {
    const { socket } = this.#incoming;
    return socket instanceof TLSSocket ? peerOf(socket, socket) : { kind: 'none' };
  }

  get signal(): AbortSignal {
    this.#signal ??= abortOnDisconnect(this.#response);
    return this.#signal;
  }

  body(): Readable {
    return this.#incoming;
  }
}

/** The answer to a request that came over HTTP/1.1. */
export class Http1Response implements ServerResponse {
  status = 0;
  bodyBytes = 0;
  readonly #outgoing: NodeResponse;
  readonly #isClosing: () => boolean;
  #headers: ResponseHeaders = {};
  #added: ResponseHeaders | undefined;
  #isChunked = false;
  #isEnded = false;

  /** `isClosing`: whether the server is on its way down, so that the connection is not to be kept. */
  constructor(outgoing: NodeResponse, isClosing: () => boolean) {
    this.#outgoing = outgoing;
    this.#isClosing = isClosing;
  }

  get isHeadSent(): boolean {
    return this.#outgoing.headersSent;
  }

  get isOver(): boolean {
    return this.#isEnded || this.#outgoing.destroyed;
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
    // One request at a time: the next one is free to go elsewhere.
  }

  flush(): void {
    if (this.isOver || this.isHeadSent) return;
    this.#sendHead();
    this.#outgoing.flushHeaders();
  }

  write(chunks: Chunks): Promise<void> | undefined {
    if (this.isOver) return undefined;
    const outgoing = this.#outgoing;
    if (!outgoing.headersSent) this.#sendHead();
    let hasRoom = true;
    // Node holds the pieces of one turn together, so that they leave as one.
    for (const piece of this.#framed(chunks)) hasRoom = outgoing.write(piece);
    return hasRoom ? undefined : roomIn(outgoing);
  }

  writeThrough(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const outgoing = this.#outgoing;
      if (this.isOver) return resolve();
      if (!outgoing.headersSent) this.#sendHead();
      const pieces = this.#framed(bytes);
      for (const piece of pieces.slice(0, -1)) outgoing.write(piece);
      leave(outgoing, pieces.at(-1) ?? bytes, resolve);
    });
  }

  end(chunks: Chunks = []): void {
    if (this.isOver) return;
    this.#isEnded = true;
    const outgoing = this.#outgoing;
    if (!outgoing.headersSent) this.#sendHead(byteLength(chunks));
    const pieces = this.#isChunked ? [...this.#framed(chunks), lastChunk] : this.#framed(chunks);
    if (pieces.some(({ length }) => length > maxWriteBytes)) {
      Readable.from(pieces.flatMap((piece) => [...partsOf(piece)])).pipe(outgoing);
      return;
    }
    for (const piece of pieces.slice(0, -1)) outgoing.write(piece);
    outgoing.end(pieces.at(-1));
  }

  abort(): void {
    this.#isEnded = true;
    this.#outgoing.destroy();
  }

  onClose(callback: (isComplete: boolean) => void): void {
    const outgoing = this.#outgoing;
    if (outgoing.closed || outgoing.destroyed) callback(outgoing.writableFinished);
    else outgoing.once('close', () => callback(outgoing.writableFinished));
  }

  /** What goes over the wire for a part of the body. */
  #framed(chunks: Chunks): readonly Uint8Array[] {
    const length = byteLength(chunks);
    this.bodyBytes += length;
    if (!this.#isChunked) return listOf(chunks);
    return length === 0 ? [] : httpChunk(chunks, length);
  }

  /** `length`: of the whole body, when it is known. */
  #sendHead(length?: number): void {
    const outgoing = this.#outgoing;
    if (this.status === 0) this.status = 200;
    if (this.#isClosing()) outgoing.shouldKeepAlive = false;
    const lines: (string | string[])[] = [];
    if (this.#added !== undefined) for (const name in this.#added) if (this.#headers[name] === undefined) put(lines, name, this.#added);
    for (const name in this.#headers) put(lines, name, this.#headers);
    const mayHaveBody = this.status !== 204 && this.status !== 304;
    if (length !== undefined && mayHaveBody && this.#headers['content-length'] === undefined) {
      lines.push('content-length', String(length));
    }
    outgoing.writeHead(this.status, lines);
    // Chunks are framed here; Node would do it again.
    this.#isChunked = outgoing.chunkedEncoding;
    outgoing.chunkedEncoding = false;
  }
}

/**
 * What is given to a connection at once. TLS encrypts it whole into memory that the connection keeps until it closes: sixteen
 * clients that had asked for large documents held 150 MiB.
 */
const maxWriteBytes = 256 * 1024;

function* partsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += maxWriteBytes) yield bytes.subarray(at, at + maxWriteBytes);
}

function put(lines: (string | string[])[], name: string, headers: ResponseHeaders): void {
  const value = headers[name] ?? '';
  lines.push(name, typeof value === 'object' ? [...value] : String(value));
}

/**
 * The exchange of a request to leave HTTP. The answer, should the offer be refused, goes out on the bare socket, which
 * closes after it.
 */
export function upgradeExchange(
  { incoming, socket, head }: { readonly incoming: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): { readonly request: ServerRequest; readonly response: ServerResponse } {
  const outgoing = new NodeResponse(incoming);
  outgoing.shouldKeepAlive = false;
  // An upgraded socket is a net.Socket or TLSSocket in both of our servers; Node types it as any stream.
  outgoing.assignSocket(socket as TLSSocket);
  outgoing.once('finish', () => socket.end());
  const response = new Http1Response(outgoing, () => true);
  const accept = (): ReturnType<UpgradeOffer['accept']> => {
    outgoing.detachSocket(socket as TLSSocket);
    return { socket, head, incoming };
  };
  const protocol = (incoming.headers.upgrade ?? '').toLowerCase();
  return { request: new Http1Request(incoming, response, { protocol, accept }), response };
}

/** Writes; calls back when the bytes have left or the stream is gone. */
export function leave(stream: Writing, bytes: Uint8Array, gone: () => void): void {
  const done = (): void => {
    stream.off('close', done);
    gone();
  };
  stream.on('close', done);
  stream.write(bytes, done);
}

interface Writing extends NodeJS.EventEmitter {
  write(bytes: Uint8Array, done: () => void): boolean;
}

/** Resolves when there is room again or the stream is gone. */
export function roomIn(stream: NodeJS.EventEmitter & { readonly destroyed: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) {
      resolve();
      return;
    }
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
