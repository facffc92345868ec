import { createReadStream } from 'node:fs';
import { extract } from 'tar-stream';
import type { Clock } from '#base/clock.ts';
import { connectRuntime } from '../cri/grpc.ts';
import { run } from './machine.ts';

/** The namespace in which containerd's CRI keeps its images. */
const criNamespace = 'k8s.io';
const visibleWithinMs = 10_000;

/**
 * Loads an OCI or docker archive into the containerd behind `socket` under its full names and waits until CRI sees them
 * (containerd tells its CRI half by an event). Uses `ctr`, which comes with containerd: 1.6 has no other way in.
 * Throws when the archive names no image.
 */
export async function importImage(file: string, socket: string, dependencies: { readonly clock: Clock }): Promise<readonly string[]> {
  const ctr = (...args: readonly string[]): Promise<string> => run('ctr', ['--address', socket, '--namespace', criNamespace, 'images', ...args]);
  const inArchive = await namesInArchive(file);
  if (inArchive.length === 0) throw new Error(`${file}: the archive names no image`);
  await ctr('import', '--no-unpack', file).catch(async () => ctr('import', file));
  const names = [...new Set(inArchive.map(normalizeImageName))];
  const stored = new Set((await ctr('list', '--quiet')).split('\n'));
  for (const [index, name] of inArchive.entries()) {
    const full = names[index] ?? normalizeImageName(name);
    if (!stored.has(full) && stored.has(name)) await ctr('tag', '--force', name, full);
  }
  const connection = connectRuntime(socket, dependencies);
  try {
    const deadline = dependencies.clock.monotonicMs() + visibleWithinMs;
    for (const name of names) {
      while ((await connection.images.imageStatus({ image: name })) === undefined) {
        if (dependencies.clock.monotonicMs() > deadline) throw new Error(`${file}: ${name} was loaded but the runtime does not see it`);
        await dependencies.clock.sleep(10);
      }
    }
  } finally {
    connection.close();
  }
  return names;
}

/**
 * The full form of an image's name: `nginx` is `docker.io/library/nginx:latest`.
 * Source: the reference grammar of the distribution project.
 */
export function normalizeImageName(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  let full = name;
  if (!hasRegistry) full = slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
  else if (first === 'index.docker.io') full = `docker.io/${name.slice(slash + 1)}`;
  const last = full.slice(full.lastIndexOf('/') + 1);
  return last.includes(':') || full.includes('@') ? full : `${full}:latest`;
}

/** More than any index has; a blob is larger and is skipped. */
const maxIndexBytes = 4 * 1024 * 1024;

/** The names an archive gives its images. */
export async function namesInArchive(file: string): Promise<readonly string[]> {
  const names = new Set<string>();
  const reader = extract();
  const source = createReadStream(file);
  source.on('error', (error) => reader.destroy(error));
  source.pipe(reader);
  for await (const entry of reader) {
    const name = entry.header.name.replace(/^\.\//, '');
    if ((name === 'index.json' || name === 'manifest.json') && (entry.header.size ?? 0) <= maxIndexBytes) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const content = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ArchiveIndex | readonly { RepoTags?: readonly string[] | null }[];
      if (Array.isArray(content)) for (const image of content as readonly { RepoTags?: readonly string[] | null }[]) for (const tag of image.RepoTags ?? []) names.add(tag);
      else for (const manifest of (content as ArchiveIndex).manifests ?? []) {
        const full = manifest.annotations?.['io.containerd.image.name'] ?? manifest.annotations?.['org.opencontainers.image.ref.name'];
        if (full !== undefined) names.add(full);
      }
    } else entry.resume();
  }
  return [...names];
}

interface ArchiveIndex {
  readonly manifests?: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
}
