import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PemPair } from './authority.ts';

/** Where a pair lives: `x.crt` and `x.key`, as Kubernetes names them. */
export interface PemPaths {
  readonly certificatePath: string;
  readonly privateKeyPath: string;
}

/** `directory/name.crt` and `directory/name.key`. */
export function pemPaths(directory: string, name: string): PemPaths {
  return { certificatePath: `${directory}/${name}.crt`, privateKeyPath: `${directory}/${name}.key` };
}

/** The pair, or undefined when either file is missing. Other errors throw. */
export async function readPemPair(paths: PemPaths): Promise<PemPair | undefined> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readPem(paths.certificatePath),
    readPem(paths.privateKeyPath),
  ]);
  return certificatePem === undefined || privateKeyPem === undefined ? undefined : { certificatePem, privateKeyPem };
}

/** Writes both files whole or not at all; only the owner may read the key. */
export async function writePemPair(paths: PemPaths, pair: PemPair): Promise<void> {
  // The key first: a certificate without its key would look like a finished pair's half that can be served.
  await writePem(paths.privateKeyPath, pair.privateKeyPem, { mode: 0o600 });
  await writePem(paths.certificatePath, pair.certificatePem, { mode: 0o644 });
}

/** The file's text, or undefined when there is none. */
export async function readPem(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes beside and renames over, so that a reader never sees half a file. */
export async function writePem(path: string, text: string, { mode }: { readonly mode: number }): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.new`;
  await writeFile(beside, text, { mode, flush: true });
  await rename(beside, path);
}
