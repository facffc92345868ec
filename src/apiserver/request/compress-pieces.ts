/** Lists in gzip, piece by piece. */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { GenerationalCache } from './generational-cache.ts';
import type { Piece, Run } from './list-pieces.ts';

/** As upstream: what takes longer is not worth it inside a data centre. */
export const gzipLevel = 1;

const deflate = promisify(deflateRaw);
/** Magic, deflate, no flags, no time, fastest, Unix. Source: RFC 1952 2.3. */
const gzipHead = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3);
/** A last block with nothing in it. Source: RFC 1951 3.2.6. */
const lastBlock = Buffer.of(0x03, 0x00);

interface KeptBlocks {
  readonly run: Run;
  /** Tells runs that end with a separator from those that do not. */
  readonly plainBytes: number;
  readonly blocks: Buffer;
}

/** By the first object of a run. After a restart hundreds of clients ask for the same lists. */
const kept = new GenerationalCache<CachedObject, KeptBlocks>(4 * 1024 * 1024, ({ blocks }) => blocks.length);

/**
 * The pieces as one gzip member. Each is compressed for itself, off this thread, and what has not changed since somebody
 * asked for it is not compressed again. A piece may be overwritten when the next is asked for.
 */
export async function* compressPieces(pieces: Iterable<Piece>): AsyncGenerator<Buffer> {
  let [sum, length] = [0, 0];
  yield gzipHead;
  for (const { bytes, run } of pieces) {
    sum = crc32(bytes, sum);
    length += bytes.length;
    yield await blocksOf(bytes, run);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield Buffer.concat([lastBlock, trailer]);
}

/** Deflate's blocks, ending at a byte's end. */
async function blocksOf(bytes: Buffer, run: Run | undefined): Promise<Buffer> {
  const first = run?.form.isLasting === true ? run.objects[0] : undefined;
  const known = first === undefined ? undefined : kept.get(first);
  if (run !== undefined && known?.plainBytes === bytes.length && isSame(known.run, run)) return known.blocks;
  const blocks = await deflate(bytes, { level: gzipLevel, finishFlush: constants.Z_SYNC_FLUSH });
  if (run !== undefined && first !== undefined) kept.set(first, { run, plainBytes: bytes.length, blocks });
  return blocks;
}

function isSame(left: Run, right: Run): boolean {
  return left.form === right.form && left.objects.length === right.objects.length && left.objects.every((object, index) => object === right.objects[index]);
}
