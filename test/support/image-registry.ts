/** A registry of images on loopback, for whoever has to pull: read-only, over plain HTTP. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { extract } from 'tar-stream';
import type { ImageSource } from '#kubelet/images/image-archive.ts';
import { buildImageArchive } from '#kubelet/images/image-archive.ts';

export interface ImageRegistry {
  /** The image's name for a runtime on this machine; `localhost`, which runtimes ask without TLS. */
  readonly reference: string;
  /** How often the image has been asked for by its tag. */
  readonly pulls: () => number;
  close(): Promise<void>;
}

/** Serves one image. Source: OCI distribution specification 1.1. */
export async function startImageRegistry(name: string, tag: string, source: Pick<ImageSource, 'files'>): Promise<ImageRegistry> {
  const entries = await entriesOf(await buildImageArchive({ ...source, names: [`localhost/${name}:${tag}`], architecture: process.arch === 'x64' ? 'amd64' : process.arch }));
  const { manifests: [manifest] } = JSON.parse(entries.get('index.json')?.toString() ?? '{}') as { readonly manifests: readonly { readonly digest: string; readonly mediaType: string }[] };
  if (manifest === undefined) throw new Error('the archive holds no image');
  let pulls = 0;
  const server = http.createServer(({ url: target = '', method }, response) => {
    // Of a mirror it is said whose images are meant: /v2/...?ns=registry.k8s.io
    const [url = ''] = target.split('?');
    const [, kind, reference = ''] = new RegExp(`^/v2/${name}/(manifests|blobs)/(.+)$`).exec(url) ?? [];
    if (url === '/v2/') return response.end('{}');
    if (kind === 'manifests' && reference === tag) pulls++;
    const digest = kind === 'manifests' && reference === tag ? manifest.digest : reference;
    const content = entries.get(`blobs/${digest.replace(':', '/')}`);
    if (content === undefined) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': kind === 'manifests' ? manifest.mediaType : 'application/octet-stream', 'content-length': content.length, 'docker-content-digest': digest });
    return response.end(method === 'HEAD' ? undefined : content);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    reference: `localhost:${(server.address() as AddressInfo).port}/${name}:${tag}`,
    pulls: () => pulls,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function entriesOf(archive: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const reader = extract();
  reader.end(archive);
  for await (const entry of reader) {
    const pieces: Buffer[] = [];
    for await (const piece of entry) pieces.push(piece as Buffer);
    found.set(entry.header.name, Buffer.concat(pieces));
  }
  return found;
}
