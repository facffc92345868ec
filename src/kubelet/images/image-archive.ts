import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';

/** A file of an image; directories on the way to it come by themselves. */
export interface ImageFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly content?: Uint8Array | string;
  /** Makes it a symbolic link. */
  readonly linkTo?: string;
  readonly isDirectory?: boolean;
  /** Default 0o755 for directories, 0o644 for files. */
  readonly mode?: number;
}

export interface ImageSource {
  /** Full names, such as `registry.k8s.io/pause:3.10.1`. */
  readonly names: readonly string[];
  readonly files: readonly ImageFile[];
  /** Go's name of the processor: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** Digests are of content only, so every image says it was made at the epoch. */
const created = '1970-01-01T00:00:00Z';

/**
 * A one-layer image as an archive that is an OCI layout and, by its manifest.json, a docker archive at the same time.
 * The same source gives the same bytes. Source: OCI image format 1.1; `docker save`.
 */
export async function buildImageArchive(source: ImageSource): Promise<Buffer> {
  const layer = await tarOf(source.files);
  const layerDigest = sha256(layer);
  const config = Buffer.from(JSON.stringify({
    architecture: source.architecture,
    os: 'linux',
    created,
    config: {
      ...(source.user === undefined ? {} : { User: source.user }),
      ...(source.exposedPorts === undefined ? {} : { ExposedPorts: Object.fromEntries(source.exposedPorts.map((port) => [port, {}])) }),
      Env: Object.entries(source.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      ...(source.entrypoint === undefined ? {} : { Entrypoint: source.entrypoint }),
      ...(source.command === undefined ? {} : { Cmd: source.command }),
      ...(source.workingDir === undefined ? {} : { WorkingDir: source.workingDir }),
      ...(source.labels === undefined ? {} : { Labels: source.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created, created_by: 'skiff' }],
  }));
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  }));
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: source.names.map((name) => ({
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
      platform: { architecture: source.architecture, os: 'linux' },
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    })),
  });
  const dockerManifest = JSON.stringify([{
    Config: `blobs/sha256/${sha256(config)}`, RepoTags: source.names, Layers: [`blobs/sha256/${layerDigest}`],
  }]);
  return tarOf([
    { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { path: 'index.json', content: index },
    { path: 'manifest.json', content: dockerManifest },
    { path: `blobs/sha256/${sha256(manifest)}`, content: manifest },
    { path: `blobs/sha256/${sha256(config)}`, content: config },
    { path: `blobs/sha256/${layerDigest}`, content: layer },
  ]);
}

function descriptor(mediaType: string, content: Uint8Array): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length };
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function tarOf(files: readonly ImageFile[]): Promise<Buffer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const packed = (async () => {
    for await (const chunk of archive) chunks.push(chunk as Buffer);
  })();
  for (const file of withDirectories(files)) {
    const header = { name: file.path, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    if (file.isDirectory === true) {
      archive.entry({ ...header, type: 'directory', mode: file.mode ?? 0o755 });
    } else if (file.linkTo !== undefined) {
      archive.entry({ ...header, type: 'symlink', linkname: file.linkTo, mode: 0o777 });
    } else {
      const content = typeof file.content === 'string' ? Buffer.from(file.content) : Buffer.from(file.content ?? []);
      archive.entry({ ...header, type: 'file', mode: file.mode ?? 0o644, size: content.length }, content);
    }
  }
  archive.finalize();
  await packed;
  return Buffer.concat(chunks);
}

/** The files in the order of their paths, each after the directories it needs. */
function withDirectories(files: readonly ImageFile[]): readonly ImageFile[] {
  const all = new Map<string, ImageFile>();
  for (const file of files) {
    const parts = file.path.split('/').slice(0, -1);
    parts.forEach((_, depth) => {
      const path = parts.slice(0, depth + 1).join('/');
      if (!all.has(path)) all.set(path, { path, isDirectory: true });
    });
    all.set(file.path, file);
  }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
