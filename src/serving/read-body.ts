import type { Readable } from 'node:stream';
import type { ServerRequest } from './exchange.ts';

export interface BodyLimit {
  readonly limitBytes: number;
  /** The error for a body that is longer: the caller's, because it knows the shape clients expect. */
  readonly tooLarge: (limitBytes: number) => Error;
}

/** The whole body. Rejects with `tooLarge` as soon as the limit is passed, and when the client goes away halfway. */
export function readBody(request: ServerRequest, { limitBytes, tooLarge }: BodyLimit): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    reject(tooLarge(limitBytes));
    return promise;
  }
  const stream = request.body();
  const gone = (): void => {
    if (!stream.readableEnded) reject(new Error('the client has gone away'));
  };
  const chunks: Buffer[] = [];
  let length = 0;
  // Listeners, not an iterator: every write passes here, and most bodies are one piece.
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    // What else arrives is thrown away, so that the answer can still be sent.
    if (length > limitBytes) reject(tooLarge(limitBytes));
    else chunks.push(chunk);
  });
  stream.on('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, length)));
  stream.on('error', reject);
  stream.on('close', gone);
  if (stream.destroyed) gone();
  return promise;
}

/**
 * The stream's pieces. A reader that stops early leaves the stream alive, so that the answer can still be sent over it;
 * what else arrives is thrown away.
 */
export async function* piecesOf(stream: Readable): AsyncIterable<Buffer> {
  try {
    for await (const piece of stream.iterator({ destroyOnReturn: false })) yield piece as Buffer;
  } finally {
    stream.resume();
  }
}
