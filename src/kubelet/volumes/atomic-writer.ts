import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file of a volume. */
export interface VolumeFile {
  /** Relative, without `..`. */
  readonly path: string;
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

export interface WriteOptions {
  /** The group that owns the files and may read them. */
  readonly fsGroup?: number | undefined;
  /** Goes into the directory's name, so that it can be told apart: a time. */
  readonly version: string;
}

const dataLink = '..data';

/**
 * Makes `directory` show exactly these files, all at once: readers see the old ones or the new ones, never a mixture. The
 * files lie in a directory of their own; `..data` points to it, and each name points into `..data`. Writes nothing when
 * nothing differs; answers whether it did.
 *
 * Source: Kubernetes documentation, "Mounted ConfigMaps are updated automatically"; the layout of its volumes.
 */
export async function writeAtomically(directory: string, files: readonly VolumeFile[], options: WriteOptions): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const current = await readlink(join(directory, dataLink)).catch(() => undefined);
  if (current !== undefined && (await showsAlready(join(directory, current), files))) return false;
  const fresh = await mkdtemp(join(directory, `..${options.version}.`));
  await chmod(fresh, 0o755);
  for (const { path, content, mode } of files) {
    const file = join(fresh, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, content, { mode });
    // The mode of a new file is cut by the umask.
    await chmod(file, options.fsGroup === undefined ? mode : mode | 0o440);
    if (options.fsGroup !== undefined) await chown(file, -1, options.fsGroup);
  }
  const name = fresh.slice(directory.length + 1);
  const temporary = join(directory, `${dataLink}_tmp`);
  await unlink(temporary).catch(() => undefined);
  await symlink(name, temporary);
  await rename(temporary, join(directory, dataLink));
  await linkNames(directory, files);
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true });
  return true;
}

/** Each first part of a path is a link into `..data`; links to what has gone go. */
async function linkNames(directory: string, files: readonly VolumeFile[]): Promise<void> {
  const wanted = new Set(files.map(({ path }) => path.split('/')[0] ?? path));
  for (const entry of await readdir(directory)) {
    if (entry.startsWith('..')) continue;
    if (!wanted.delete(entry)) await rm(join(directory, entry), { force: true });
  }
  for (const name of wanted) await symlink(join(dataLink, name), join(directory, name));
}

async function showsAlready(directory: string, files: readonly VolumeFile[]): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.filter((entry) => entry.isFile()).length !== files.length) return false;
  for (const { path, content } of files) {
    const there = await readFile(join(directory, path)).catch(() => undefined);
    if (there === undefined || !there.equals(content)) return false;
  }
  return true;
}
