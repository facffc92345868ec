import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuntimeService } from '../cri/cri.ts';
import { ImageVolumes } from './image-volumes.ts';

function isAble(runtimeName: string, runtimeVersion: string, socket: string | undefined = '/run/x.sock'): Promise<boolean> {
  const runtime = { version: () => Promise.resolve({ version: '0.1.0', runtimeName, runtimeVersion, runtimeApiVersion: 'v1' }) } as Partial<RuntimeService> as RuntimeService;
  return new ImageVolumes({ runtime, socket }).isRuntimeAble();
}

test('containerd mounts images itself from 2.1 on, other runtimes always', async () => {
  const answers = await Promise.all([isAble('containerd', '1.6.20~ds1'), isAble('containerd', 'v2.0.5'), isAble('containerd', 'v2.1.0'), isAble('containerd', 'v3.0.0'), isAble('cri-o', '1.31.0')]);
  assert.deepEqual(answers, [false, false, true, true, true]);
});

test('a runtime that does not answer is asked again', async () => {
  let calls = 0;
  const version = (): Promise<Awaited<ReturnType<RuntimeService['version']>>> => (++calls === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve({ version: '', runtimeName: 'cri-o', runtimeVersion: '1.31.0', runtimeApiVersion: 'v1' }));
  const volumes = new ImageVolumes({ runtime: { version } as Partial<RuntimeService> as RuntimeService, socket: '/run/x.sock' });
  await assert.rejects(volumes.isRuntimeAble(), /not yet/);
  assert.equal(await volumes.isRuntimeAble(), true);
});
