import type { Readable } from 'node:stream';
import type { ServerRequest } from './exchange.ts';

export interface BodyLimit {
  readonly limitBytes: number;
  /** The error for a body that is longer: the caller's, because it knows the shape clients expect. */
  tooLarge(limitBytes: number): Error;
}

/** The whole body. Throws `tooLarge` as soon as the limit is passed, and when the client goes away halfway. */
export async function readBody(request: ServerRequest, limit: BodyLimit): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit.limitBytes) throw limit.tooLarge(limit.limitBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.body()) {
    length += chunk.length;
    if (length > limit.limitBytes) throw limit.tooLarge(limit.limitBytes);
    chunks.push(chunk);
  }
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length);
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
