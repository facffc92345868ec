/**
 * Lists in pieces: a large answer is made while the part before it is on its way, so that it costs neither its size in
 * memory nor a long hold of the event loop.
 */
import type { CachedObject } from '../watch-cache/cached-object.ts';

/** What of an object stands in a list. */
export interface Item {
  /** In bytes. */
  readonly length: number;
  /** Answers where it ended. */
  write(target: Buffer, offset: number): number;
}

/** How the objects of a list are written. */
export interface ItemForm {
  /** Between two items: a byte, or nothing. */
  readonly separator: '' | ',';
  /** Whether an object is always written the same. */
  readonly isLasting: boolean;
  /** Asked for when its turn has come. */
  of(cached: CachedObject): Item;
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
  readonly form: ItemForm;
}

/** Sixteen TLS records: fewer writes would not be cheaper any more. */
const pieceBytes = 256 * 1024;
/** From this size on, a piece ends where the name of an object says so. */
const minPieceBytes = 64 * 1024;
/** An object that has to be decoded to be written takes a tenth of a millisecond and more. */
const maxPieceObjects = 64;

/** Buffers of pieces that have been sent. Few, for few lists are sent at the same time. */
const spare: Buffer[] = [];
const maxSpare = 4;

/**
 * The items between `head` and `tail`. What is small comes in one piece; of others the first piece is the head. Where a
 * large document is cut depends on the names of its objects alone, so that a change of one object changes one piece.
 */
export function* listPieces(head: string | Buffer, objects: readonly CachedObject[], form: ItemForm, tail: string | Buffer): Generator<Piece, undefined> {
  const [start, end] = [Buffer.from(head as string), Buffer.from(tail as string)];
  let buffer = spare.pop() ?? Buffer.allocUnsafe(pieceBytes);
  let offset = 0;
  let from = 0;
  let isOne = true;
  for (const [index, cached] of objects.entries()) {
    const item = form.of(cached);
    const needed = item.length + 1;
    const isFull = offset + needed > buffer.length || index - from >= maxPieceObjects;
    if (offset > 0 && (isFull || (offset >= minPieceBytes && mayStartPiece(cached)))) {
      if (isOne) yield { bytes: start, isLast: false };
      isOne = false;
      yield { bytes: buffer.subarray(0, offset), isLast: false, run: { objects: objects.slice(from, index), form } };
      offset = 0;
      from = index;
    }
    if (needed > buffer.length) buffer = Buffer.allocUnsafe(needed);
    offset = item.write(buffer, offset);
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
export const wholeObjects: ItemForm = {
  separator: ',',
  isLasting: true,
  of: (cached) => ({ length: cached.jsonLength, write: (target, offset) => cached.writeJson(target, offset) }),
};

/** Items that are no copy of what is stored. */
export function printedItems(text: (cached: CachedObject) => string): ItemForm {
  return { separator: ',', isLasting: false, of: (cached) => bytesItem(Buffer.from(text(cached))) };
}

function bytesItem(bytes: Buffer): Item {
  return { length: bytes.length, write: (target, offset) => offset + bytes.copy(target, offset) };
}

/** What stands around an object or its metadata. */
export interface Frame {
  readonly before: string;
  /** ASCII. */
  readonly after: string;
}

/** Objects as they are stored, each in a frame that may differ from one time to the next. */
export function framedObjects(frame: (cached: CachedObject) => Frame): ItemForm {
  return {
    separator: ',',
    isLasting: false,
    of: (cached) => framed(frame(cached), { length: cached.jsonLength, write: (target, offset) => cached.writeJson(target, offset) }),
  };
}

/** The metadata of objects alone, each in a frame; `isLasting`: whether that is always the same. */
export function framedMetadata(frame: (cached: CachedObject) => Frame, isLasting: boolean): ItemForm {
  return {
    separator: ',',
    isLasting,
    of: (cached) => framed(frame(cached), { length: cached.metadataLength, write: (target, offset) => cached.writeMetadata(target, offset) }),
  };
}

function framed({ before, after }: Frame, item: Item): Item {
  return {
    length: Buffer.byteLength(before) + item.length + after.length,
    write(target, offset) {
      const end = item.write(target, offset + target.write(before, offset));
      return end + target.write(after, end, 'latin1');
    },
  };
}
