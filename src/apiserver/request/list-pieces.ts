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

/** The items between `head` and `tail`, with commas. Yields at least one piece. */
export function* listPieces<T>(head: string, items: Iterable<T>, writer: ItemWriter<T>, tail: string): Generator<Buffer> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let offset = piece.write(head);
  let isFirst = true;
  for (const item of items) {
    const needed = writer.length(item) + 1;
    if (offset + needed > piece.length) {
      yield piece.subarray(0, offset);
      piece = Buffer.allocUnsafe(Math.max(pieceBytes, needed));
      offset = 0;
    }
    if (!isFirst) piece[offset++] = comma;
    isFirst = false;
    offset = writer.write(item, piece, offset);
  }
  if (offset + tail.length > piece.length) {
    yield piece.subarray(0, offset);
    piece = Buffer.allocUnsafe(tail.length);
    offset = 0;
  }
  yield piece.subarray(0, offset + piece.write(tail, offset));
}

/** Objects as they are stored. */
export const wholeObjects: ItemWriter<CachedObject> = {
  length: (cached) => cached.jsonLength,
  write: (cached, target, offset) => cached.writeJson(target, offset),
};

/** An object's metadata alone, as part of `before` and `after`. */
interface FramedMetadata {
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
