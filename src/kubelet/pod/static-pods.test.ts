import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isReady } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import { withKubelet } from '../kubelet.fixture.ts';
import { parseManifest } from './static-pods.ts';

const manifest = 'kind: Pod\napiVersion: v1\nmetadata: {name: web}\nspec:\n  containers: [{name: app, image: "x:1"}]\n';

test('a manifest becomes a pod of this node, with the defaults of any pod', () => {
  const [pod] = parseManifest(manifest, 'n1', 0);
  assert.equal(pod?.metadata.name, 'web-n1');
  assert.equal(pod.metadata.namespace, 'default');
  assert.equal(pod.spec.containers[0]?.imagePullPolicy, 'IfNotPresent');
  assert.equal(pod.spec.restartPolicy, 'Always');
  assert.notEqual(pod.metadata.uid, parseManifest(manifest.replace('x:1', 'x:2'), 'n1', 0)[0]?.metadata.uid);
  assert.throws(() => parseManifest('kind: Service\nmetadata: {name: x}\n', 'n1', 0), /does not name a Pod/);
});

test('a static pod runs and is shown by a mirror; without its file both go', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-static-'));
  try {
    await writeFile(join(directory, 'web.yaml'), manifest);
    await withKubelet({}, async ({ client, clock, runtime }) => {
      const mirror = async (): Promise<Pod | undefined> => (await client.list<Pod>(Pod)).items[0];
      for (let tries = 0; tries < 100 && (await mirror())?.status.phase !== 'Running'; tries++) await clock.advance(10);
      const shown = await mirror();
      assert.equal(shown?.metadata.name, 'web-n1');
      assert.ok(isReady(shown));
      assert.notEqual(shown.metadata.uid, (await runtime.listPodSandbox())[0]?.metadata.uid);
      await rm(join(directory, 'web.yaml'));
      for (let tries = 0; tries < 200 && (await runtime.listPodSandbox()).length > 0; tries++) await clock.advance(1000);
      assert.deepEqual([await runtime.listPodSandbox(), await mirror()], [[], undefined]);
    }, { staticPodPath: directory });
  } finally {
    await rm(directory, { recursive: true });
  }
});
