/**
 * Lists in pieces: a large answer is made while the part before it is on its way, so that it costs neither its size in
 * memory nor a long hold of the event loop.
 */
import type { CachedObject } from '../watch-cache/cached-object.ts';

/** How the items of a list come into a buffer. */
export interface ItemForm<T> {
  /** Between two items: a byte, or nothing. */
  readonly separator: '' | ',';
  /** Whether an object is always written the same. */
  readonly isLasting: boolean;
  /** What is written of an object; asked for when its turn has come. */
  of(cached: CachedObject): T;
  length(item: T): number;
  /** Answers where it ended. */
  write(item: T, target: Buffer, offset: number): number;
}

/** A part of a document. */
export interface Piece {
  /** Overwritten when the next piece is asked for, except those of a document of one piece. */
  readonly bytes: Buffer;
  readonly isLast: boolean;
  /** What is in it, where that is objects and nothing else. */
  readonly run?: Run;
}

/** Objects that follow each other in a list. */
export interface Run {
  readonly objects: readonly CachedObject[];
  readonly form: Pick<ItemForm<unknown>, 'isLasting'>;
}

/** Sixteen TLS records: fewer writes would not be cheaper any more. */
const pieceBytes = 256 * 1024;
/** From this size on, a piece ends where the name of an object says so. */
const minPieceBytes = 64 * 1024;

/** Buffers of pieces that have been sent. Few, for few lists are sent at the same time. */
const spare: Buffer[] = [];
const maxSpare = 4;

/**
 * The items between `head` and `tail`. What is small comes in one piece; of others the first piece is the head. Where a
 * large document is cut depends on the names of its objects alone, so that a change of one object changes one piece.
 */
export function* listPieces<T>(head: string | Buffer, objects: readonly CachedObject[], form: ItemForm<T>, tail: string | Buffer): Generator<Piece, undefined> {
  const [start, end] = [Buffer.from(head as string), Buffer.from(tail as string)];
  let buffer = spare.pop() ?? Buffer.allocUnsafe(pieceBytes);
  let offset = 0;
  let from = 0;
  let isOne = true;
  for (const [index, cached] of objects.entries()) {
    const item = form.of(cached);
    const needed = form.length(item) + 1;
    if (offset > 0 && (offset + needed > buffer.length || (offset >= minPieceBytes && mayStartPiece(cached)))) {
      if (isOne) yield { bytes: start, isLast: false };
      isOne = false;
      yield { bytes: buffer.subarray(0, offset), isLast: false, run: { objects: objects.slice(from, index), form } };
      offset = 0;
      from = index;
    }
    if (needed > buffer.length) buffer = Buffer.allocUnsafe(needed);
    offset = form.write(item, buffer, offset);
    if (form.separator !== '' && index < objects.length - 1) offset += buffer.write(form.separator, offset, 'latin1');
  }
  if (isOne) yield { bytes: Buffer.concat([start, buffer.subarray(0, offset), end]), isLast: true };
  else {
    yield { bytes: buffer.subarray(0, offset), isLast: false, run: { objects: objects.slice(from), form } };
    yield { bytes: end, isLast: true };
  }
  if (spare.length < maxSpare && buffer.length === pieceBytes) spare.push(buffer);
  return undefined;
}

/** One object in sixteen. */
function mayStartPiece({ key }: CachedObject): boolean {
  let hash = 0;
  for (let at = Math.max(0, key.length - 12); at < key.length; at++) hash = (hash * 31 + key.charCodeAt(at)) | 0;
  return ((hash ^ (hash >>> 15)) & 15) === 0;
}

/** Objects as they are stored. */
export const wholeObjects: ItemForm<CachedObject> = {
  separator: ',',
  isLasting: true,
  of: (cached) => cached,
  length: (cached) => cached.jsonLength,
  write: (cached, target, offset) => cached.writeJson(target, offset),
};

/** An object's metadata alone, as part of `before` and `after`. */
export interface FramedMetadata {
  readonly cached: CachedObject;
  readonly before: string;
  readonly after: string;
}

/** `frame`: what stands around the metadata of an object; `isLasting`: whether that is always the same. */
export function framedMetadata(frame: (cached: CachedObject) => Omit<FramedMetadata, 'cached'>, isLasting: boolean): ItemForm<FramedMetadata> {
  return {
    separator: ',',
    isLasting,
    of: (cached) => ({ cached, ...frame(cached) }),
    length: ({ cached, before, after }) => Buffer.byteLength(before) + cached.metadataLength + after.length,
    write({ cached, before, after }, target, offset) {
      const end = cached.writeMetadata(target, offset + target.write(before, offset));
      return end + target.write(after, end, 'latin1');
    },
  };
}
