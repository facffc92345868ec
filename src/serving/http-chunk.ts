import type { Chunks } from './exchange.ts';
import { listOf } from './exchange.ts';

/** What ends a chunked body. */
export const lastChunk = Buffer.from('0\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/** Up to here bytes are copied together with what frames them. */
const maxJoinedBytes = 64 * 1024;
/** What was framed last: watchers who wait for the same are sent the same bytes, one after the other. */
let last: { readonly body: Chunks; readonly chunk: readonly Uint8Array[] } | undefined;

/**
 * A part of a chunked body in its frame: in one buffer where it is small, for a write over TLS pays for every piece. `length`:
 * of `body`, not 0. The result may be shared and must not be changed, nor `body` after it.
 *
 * Source: RFC 9112 7.1.
 */
export function httpChunk(body: Chunks, length: number): readonly Uint8Array[] {
  if (last?.body === body) return last.chunk;
  const head = Buffer.from(`${length.toString(16)}\r\n`);
  const pieces = [head, ...listOf(body), lineEnd];
  if (length > maxJoinedBytes) return pieces;
  const chunk = [Buffer.concat(pieces, head.length + length + lineEnd.length)];
  last = { body, chunk };
  return chunk;
}
