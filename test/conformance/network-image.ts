/** The image of the network tests: busybox, Debian's perl-base for `netexec.pl`, and getent, which resolves names as programs do. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageFile } from '#kubelet/images/image-archive.ts';
import { buildImageArchive } from '#kubelet/images/image-archive.ts';

export const netexecImage = 'skiff.dev/netexec:1.0';

const program = join(import.meta.dirname, 'netexec.pl');
const perl = '/usr/bin/perl';
const getent = '/usr/bin/getent';
const triplets = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;
const triplet = process.arch === 'arm64' ? triplets.arm64 : triplets.x64;
/** Where perl-base keeps the modules that every Debian has. */
const modules = `/usr/lib/${triplet}/perl-base`;

/** Why the image cannot be made here; false when it can. For `skip`. */
export function noNetexecImage(): string | false {
  const missing = [perl, getent, modules, '/bin/busybox'].find((path) => !existsSync(path));
  return missing === undefined ? false : `needs ${missing} of Debian for the test image`;
}

export async function buildNetexecImage(): Promise<Buffer> {
  const files: ImageFile[] = [
    { path: 'bin/busybox', content: await readFile('/bin/busybox'), mode: 0o755 },
    ...['cat', 'hostname', 'sh'].map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' })),
    { path: 'netexec', content: await readFile(program), mode: 0o755 },
    { path: 'etc/nsswitch.conf', content: 'hosts: files dns\n' },
    { path: 'tmp', isDirectory: true, mode: 0o1777 },
  ];
  const paths = new Set([perl, getent, ...(await librariesOf(perl)), ...(await librariesOf(getent))]);
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) if (entry.isFile()) paths.add(join(entry.parentPath, entry.name));
  for (const path of paths) files.push({ path: path.slice(1), content: await readFile(path), mode: 0o755 });
  return buildImageArchive({ names: [netexecImage], files, architecture: process.arch === 'x64' ? 'amd64' : process.arch, command: ['/netexec', 'pause'], environment: { PATH: '/bin:/usr/bin' } });
}

/** The loader and the shared objects that a program needs, as the loader itself finds them. */
async function librariesOf(file: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ldd', [file]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
