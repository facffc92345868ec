import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { extract } from 'tar-stream';
import { buildDemoImage, buildPauseImage, pauseImage } from './bundled-images.ts';

async function filesIn(archive: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const reader = extract();
  reader.end(archive);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}

test('the same source gives the same archive, byte for byte', async () => {
  const busybox = Buffer.from('not really busybox');
  assert.deepEqual(await buildPauseImage(busybox, 'amd64'), await buildPauseImage(busybox, 'amd64'));
});

test('every blob is named by its digest, and the index leads to the layer', async () => {
  const files = await filesIn(await buildDemoImage(Buffer.from('busybox'), 'arm64', 'skiff.dev/hello:2.0'));
  for (const [name, content] of files) {
    if (name.startsWith('blobs/sha256/') && !name.endsWith('/')) {
      assert.equal(createHash('sha256').update(content).digest('hex'), name.slice('blobs/sha256/'.length));
    }
  }
  const read = (name: string): Record<string, never> => JSON.parse(String(files.get(name))) as Record<string, never>;
  const index = read('index.json') as unknown as { manifests: { digest: string; annotations: Record<string, string> }[] };
  assert.equal(index.manifests[0]?.annotations['io.containerd.image.name'], 'skiff.dev/hello:2.0');
  const manifest = read(`blobs/${index.manifests[0]?.digest.replace(':', '/')}`) as unknown as { layers: { digest: string }[] };
  const layer = await filesIn(files.get(`blobs/${manifest.layers[0]?.digest.replace(':', '/')}`) ?? Buffer.alloc(0));
  assert.equal(String(layer.get('www/version')), '2.0\n');
  assert.ok(layer.has('bin'), 'directories have entries of their own');
});

test('the docker half names the image as well', async () => {
  const files = await filesIn(await buildPauseImage(Buffer.from('busybox'), 'amd64'));
  const manifest = JSON.parse(String(files.get('manifest.json'))) as { RepoTags: string[] }[];
  assert.deepEqual(manifest[0]?.RepoTags, [pauseImage]);
});
