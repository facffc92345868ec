import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import { formatLogLine, selects } from './format-log.ts';
import type { LogLine } from './format-log.ts';
import type { LogQuery } from './log-query.ts';

export interface ReadLogOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether more may still be written. */
  readonly isRunning: () => Promise<boolean>;
}

const blockBytes = 64 * 1024;
/** A reader that follows looks this often for more. */
const followEveryMs = 200;

/**
 * Reads a log file in CRI's format (`<time> <stream> <P|F> <text>`) as a query asks. A missing file is an empty log. When
 * the file is rotated away, a reader that follows goes on with the new one.
 *
 * Source: Kubernetes design "CRI: container stdout/stderr logs".
 */
export async function* readLog(path: string, query: LogQuery, options: ReadLogOptions): AsyncIterable<Uint8Array> {
  const { clock, signal } = options;
  let left = query.limitBytes ?? Infinity;
  let file = await openLog(path);
  try {
    let position = file === undefined || query.tailLines === undefined ? 0 : await tailStart(file, query.tailLines);
    const splitter = new LineSplitter();
    while (!signal.aborted) {
      // Asked before reading: what it wrote before its end is read below.
      const isRunning = query.follow === true && (await options.isRunning());
      for (;;) {
        if (file === undefined || signal.aborted) break;
        const block = Buffer.allocUnsafe(blockBytes);
        const { bytesRead } = await file.read(block, 0, blockBytes, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const text = splitter.push(block.subarray(0, bytesRead)).filter((line) => selects(query, line)).map((line) => formatLogLine(line, query)).join('');
        if (text === '') continue;
        const bytes = Buffer.from(text);
        yield bytes.length > left ? bytes.subarray(0, left) : bytes;
        left -= bytes.length;
        if (left <= 0) return;
      }
      if (!isRunning) return;
      await clock.sleep(followEveryMs, signal).catch(() => undefined);
      if (file === undefined || (await wasRotated(path, file, position))) {
        const next = await openLog(path);
        if (next === undefined) continue;
        await file?.close();
        file = next;
        position = 0;
      }
    }
  } finally {
    await file?.close();
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All that was in the old file has been read, and there is a new one under its name. */
async function wasRotated(path: string, file: FileHandle, position: number): Promise<boolean> {
  const old = await file.stat();
  if (old.size > position) return false;
  const named = await openLog(path);
  if (named === undefined) return false;
  const now = await named.stat();
  await named.close();
  return now.ino !== old.ino;
}

/** Where the last `count` lines begin; reads the file backwards, block by block. */
async function tailStart(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  // The very last byte ends a line and begins none.
  let end = size;
  let wanted = count + 1;
  const block = Buffer.allocUnsafe(blockBytes);
  while (end > 0) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index--) {
      // A partial line ends without being the end of a line: `tail` counts it as one, as the original does.
      if (block[index] === 0x0a && --wanted === 0) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

/** Puts lines together from blocks of bytes. Parts of a line are shown as they come: the rest may never follow. */
class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #isWithinLine = false;

  push(block: Buffer): readonly LogLine[] {
    const bytes = this.#rest.length === 0 ? block : Buffer.concat([this.#rest, block]);
    const lines: LogLine[] = [];
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      const line = this.#parse(bytes.toString('utf8', start, end));
      if (line !== undefined) lines.push(line);
      start = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(start));
    return lines;
  }

  #parse(line: string): LogLine | undefined {
    const [, timestamp = '', stream, tag = '', text = ''] = /^(\S+) (stdout|stderr) (\S+) ?(.*)$/s.exec(line) ?? [];
    if (stream === undefined) return undefined;
    const isPartial = tag.split(':')[0] === 'P';
    const continues = this.#isWithinLine;
    this.#isWithinLine = isPartial;
    return { atMs: Date.parse(timestamp), timestamp, stream: stream === 'stdout' ? 'stdout' : 'stderr', text, isPartial, continues };
  }
}
