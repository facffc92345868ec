import { connect as connectHttp2, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';

export interface GrpcChannelOptions {
  /** Opens a connection to the server. */
  readonly connect: () => Duplex;
  readonly clock: Clock;
}

export interface GrpcCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Until the last word of the answer; none when absent. */
  readonly timeoutMs?: number;
}

/** Status codes of gRPC, as far as they are told apart. */
export const grpcStatus = {
  ok: 0, cancelled: 1, unknown: 2, invalidArgument: 3, deadlineExceeded: 4, notFound: 5, alreadyExists: 6, unimplemented: 12, internal: 13, unavailable: 14,
} as const;

/** A call that did not go well. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Larger answers are refused: they are not what a runtime sends. */
const maxMessageBytes = 16 * 1024 * 1024;

/**
 * gRPC calls over one HTTP/2 connection, which is made when it is needed and again after it broke; calls fail with
 * `unavailable` while nobody answers. It does not keep the process alive.
 *
 * `@grpc/grpc-js` does the same with balancing, retries and name resolution, which a socket on the same machine does not
 * need, for 13 MB of memory and 0.1 s of every start.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class GrpcChannel {
  readonly #options: GrpcChannelOptions;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  constructor(options: GrpcChannelOptions) {
    this.#options = options;
  }

  /** One message there, one back. Throws `GrpcError`. */
  async unary(path: string, request: Uint8Array, options: GrpcCallOptions = {}): Promise<Uint8Array> {
    let answer: Uint8Array | undefined;
    for await (const message of this.stream(path, request, options)) answer ??= message;
    if (answer === undefined) throw new GrpcError(grpcStatus.internal, `${path}: the answer is empty`);
    return answer;
  }

  /** One message there, any number back, until the server ends or the signal aborts. Throws `GrpcError`. */
  async *stream(path: string, request: Uint8Array, { signal, timeoutMs }: GrpcCallOptions = {}): AsyncIterable<Uint8Array> {
    if (signal?.aborted === true) throw new GrpcError(grpcStatus.cancelled, `${path} was cancelled`, { cause: signal.reason });
    const stream = this.#open(path, timeoutMs);
    let failure: GrpcError | undefined;
    const end = (error: GrpcError): void => {
      failure ??= error;
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const timer = timeoutMs === undefined ? undefined : this.#options.clock.after(timeoutMs, () => end(new GrpcError(grpcStatus.deadlineExceeded, 'context deadline exceeded')));
    const onAbort = (): void => end(new GrpcError(grpcStatus.cancelled, `${path} was cancelled`, { cause: signal?.reason }));
    signal?.addEventListener('abort', onAbort, { once: true });
    let status: GrpcError | undefined;
    let isAnswered = false;
    const read = (headers: IncomingHttpHeaders): void => {
      isAnswered ||= headers['grpc-status'] !== undefined;
      status ??= statusOf(headers);
    };
    stream.once('response', (headers) => read(headers));
    stream.once('trailers', (headers) => read(headers));
    try {
      stream.end(framed(request));
      yield* messagesOf(stream);
    } catch (error) {
      // What the connection fails with, unless we know better why.
      failure ??= new GrpcError(grpcStatus.unavailable, error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    }
    if (failure !== undefined) throw failure;
    if (status !== undefined) throw status;
    if (!isAnswered) throw new GrpcError(grpcStatus.unavailable, `${path}: the connection was lost`);
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.close();
    this.#session = undefined;
  }

  #open(path: string, timeoutMs: number | undefined): ClientHttp2Stream {
    if (this.#isClosed) throw new GrpcError(grpcStatus.unavailable, 'the channel is closed');
    this.#session ??= this.#connect();
    try {
      const stream = this.#session.request({
        ':method': 'POST', ':path': path, 'content-type': 'application/grpc', 'te': 'trailers',
        ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${Math.min(Math.ceil(timeoutMs), 99_999_999)}m` }),
      });
      // Read as an error of the iteration, or told by the status.
      stream.on('error', () => {});
      return stream;
    } catch (error) {
      this.#session = undefined;
      throw new GrpcError(grpcStatus.unavailable, error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #connect(): ClientHttp2Session {
    // The authority is not looked at, but a socket's path would not be one.
    const session = connectHttp2('http://localhost', { createConnection: () => this.#options.connect() });
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on('error', forget);
    session.on('goaway', forget);
    session.on('close', forget);
    session.unref();
    return session;
  }
}

/** A message with its head: not compressed, four bytes of length. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(message.length + 5);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

async function* messagesOf(stream: ClientHttp2Stream): AsyncIterable<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= 5) {
      const length = rest.readUInt32BE(1);
      if (rest[0] !== 0) throw new Error('the answer is compressed');
      if (length > maxMessageBytes) throw new Error(`the answer is larger than ${maxMessageBytes} bytes`);
      if (rest.length < length + 5) break;
      yield rest.subarray(5, length + 5);
      rest = rest.subarray(length + 5);
    }
  }
}

/** What headers or trailers tell; undefined for success, and where they tell nothing. */
function statusOf(headers: IncomingHttpHeaders): GrpcError | undefined {
  const code = headers['grpc-status'];
  if (code === undefined) {
    const http = headers[':status'] as number | undefined;
    return http === undefined || http === 200 ? undefined : new GrpcError(grpcStatus.unavailable, `the server answers with HTTP status ${http}`);
  }
  if (Number(code) === grpcStatus.ok) return undefined;
  const text = headers['grpc-message'];
  return new GrpcError(Number(code), decodeURIComponentSafely(typeof text === 'string' ? text : ''));
}

/** Messages are percent-encoded; what is not stays as it came. */
function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
