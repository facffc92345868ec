import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RuntimeService } from '../cri/cri.ts';

export interface RotationLimits {
  /** A log larger than this is set aside. */
  readonly maxBytes: number;
  /** How many files a container has at most, the one that is written included. */
  readonly maxFiles: number;
}

/** Source: the kubelet's defaults for containerLogMaxSize and containerLogMaxFiles. */
export const defaultRotation: RotationLimits = { maxBytes: 10 * 2 ** 20, maxFiles: 5 };

export interface RotationTarget {
  readonly containerId: string;
  readonly path: string;
  /** Goes into the name of the file that is set aside. */
  readonly nowMs: number;
}

/**
 * Sets a container's log aside when it has grown too large and lets the runtime begin a new one; older ones are packed, the
 * oldest removed. Does nothing while the log is small or not there. When the runtime refuses, the log stays as it was.
 */
export async function rotateLog(target: RotationTarget, runtime: RuntimeService, limits: RotationLimits): Promise<boolean> {
  const { path, containerId } = target;
  const size = await stat(path).then((found) => found.size, () => 0);
  if (size <= limits.maxBytes) return false;
  await tidy(path, limits);
  const aside = `${path}.${new Date(target.nowMs).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}`;
  await rename(path, aside);
  try {
    await runtime.reopenContainerLog(containerId);
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
  return true;
}

/** Packs what was set aside before and keeps room for one more. */
async function tidy(path: string, limits: RotationLimits): Promise<void> {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  const rotated = (await readdir(directory)).filter((name) => name.startsWith(prefix)).sort((a, b) => (a < b ? -1 : 1));
  // The one that is written and the one that is about to be set aside are kept besides.
  for (const name of rotated.splice(0, Math.max(0, rotated.length - (limits.maxFiles - 2)))) await rm(join(directory, name), { force: true });
  for (const name of rotated) {
    if (name.endsWith('.gz')) continue;
    const file = join(directory, name);
    await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}.tmp`));
    await rename(`${file}.tmp`, `${file}.gz`);
    await rm(file);
  }
}
