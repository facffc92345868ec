/** Where images come from is the administrator's to say: a mirror stands in for a registry that is out of reach. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { containerdOf } from '#cluster/containerd-of.ts';
import { clusterLayout } from '#cluster/layout.ts';
import { connectRuntime } from '#kubelet/cri/grpc.ts';
import { purgeContainerd, startContainerd } from '#kubelet/runtime/containerd.ts';
import { startImageRegistry } from '../support/image-registry.ts';
import { noContainersHere } from './machine-cluster.ts';

test('images come from the mirror that hosts.toml names', { skip: noContainersHere(), timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-mirror-'));
  const mirror = await startImageRegistry('e2e-test-images/agnhost', '2.53', { files: [{ path: 'agnhost', content: 'here' }] });
  const [host] = mirror.reference.split('/');
  const registries = join(directory, 'certs.d');
  await mkdir(join(registries, 'registry.k8s.io'), { recursive: true });
  await writeFile(join(registries, 'registry.k8s.io/hosts.toml'), `server = "http://127.0.0.1:1"\n[host."http://${host}"]\n  capabilities = ["pull", "resolve"]\n`);
  const dependencies = { clock: systemClock, log: silentLog };
  const options = { ...containerdOf(clusterLayout({ name: 'mirror', stateDir: directory })), rootDir: join(directory, 'root'), runDir: join(directory, 'run'), cniConfDir: join(directory, 'cni') };
  assert.equal(options.registryConfigDir, '/etc/containerd/certs.d');
  const containerd = await startContainerd({ ...options, registryConfigDir: registries }, dependencies);
  const connection = connectRuntime(containerd.socket, dependencies);
  try {
    const image = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
    await connection.images.pullImage({ image });
    assert.ok((await connection.images.imageStatus({ image }))?.repoTags.includes(image));
    assert.ok(mirror.pulls() > 0);
  } finally {
    connection.close();
    await purgeContainerd(options, dependencies);
    await mirror.close();
    await rm(directory, { recursive: true, force: true });
  }
});
