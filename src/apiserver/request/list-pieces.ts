/**
 * Lists in pieces: a large answer is made while the part before it is on its way, so that it costs neither its size in
 * memory nor a long hold of the event loop.
 */
import type { CachedObject } from '../watch-cache/cached-object.ts';

/** How the items of a list come into a buffer. */
export interface ItemWriter<T> {
  length(item: T): number;
  /** Answers where it ended. */
  write(item: T, target: Buffer, offset: number): number;
}

/** Sixteen TLS records: fewer writes would not be cheaper any more. */
const pieceBytes = 256 * 1024;
const comma = 0x2c;

/** The items between `head` and `tail`, with commas. Yields at least one piece; what is small comes in one of its size. */
export function* listPieces<T>(head: string, items: readonly T[], writer: ItemWriter<T>, tail: string): Generator<Buffer> {
  let piece = Buffer.allocUnsafe(Buffer.byteLength(head) + pieceFor(items, 0, writer) + tail.length);
  let offset = piece.write(head);
  for (const [index, item] of items.entries()) {
    if (offset + writer.length(item) + 1 > piece.length) {
      yield piece.subarray(0, offset);
      piece = Buffer.allocUnsafe(pieceFor(items, index, writer) + tail.length);
      offset = 0;
    }
    if (index > 0) piece[offset++] = comma;
    offset = writer.write(item, piece, offset);
  }
  if (offset + tail.length > piece.length) {
    yield piece.subarray(0, offset);
    piece = Buffer.allocUnsafe(tail.length);
    offset = 0;
  }
  yield piece.subarray(0, offset + piece.write(tail, offset));
}

/** How many bytes the items from `from` on take, as far as they fit into a piece; at least one does. */
function pieceFor<T>(items: readonly T[], from: number, writer: ItemWriter<T>): number {
  let bytes = 0;
  for (let index = from; index < items.length; index++) {
    const needed = writer.length(items[index] as T) + 1;
    if (bytes > 0 && bytes + needed > pieceBytes) break;
    bytes += needed;
  }
  return bytes;
}

/** Objects as they are stored. */
export const wholeObjects: ItemWriter<CachedObject> = {
  length: (cached) => cached.jsonLength,
  write: (cached, target, offset) => cached.writeJson(target, offset),
};

/** An object's metadata alone, as part of `before` and `after`. */
export interface FramedMetadata {
  readonly cached: CachedObject;
  readonly before: string;
  readonly after: string;
}

export const framedMetadata: ItemWriter<FramedMetadata> = {
  length: ({ cached, before, after }) => Buffer.byteLength(before) + cached.metadataLength + after.length,
  write({ cached, before, after }, target, offset) {
    const end = cached.writeMetadata(target, offset + target.write(before, offset));
    return end + target.write(after, end, 'latin1');
  },
};
