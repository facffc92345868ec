import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SimulatedClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { SimulatedRuntime } from '../cri/simulated.ts';
import { rotateLog } from './log-rotation.ts';

async function withContainer(run: (lab: { readonly path: string; readonly directory: string; readonly rotate: (nowMs: number, id?: string) => Promise<boolean> }) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-rotate-'));
  try {
    const runtime = new SimulatedRuntime({ clock: new SimulatedClock(), random: seededRandom(1), podCidr: '10.0.0.0/24' });
    const sandboxConfig = { metadata: { name: 'p', namespace: 'd', uid: 'u', attempt: 0 } };
    const podSandboxId = await runtime.runPodSandbox(sandboxConfig);
    const containerId = await runtime.createContainer({ podSandboxId, sandboxConfig, config: { metadata: { name: 'c', attempt: 0 }, image: { image: 'x' } } });
    const path = join(directory, '0.log');
    await run({ path, directory, rotate: (nowMs, id = containerId) => rotateLog({ containerId: id, path, nowMs }, runtime, { maxBytes: 10, maxFiles: 3 }) });
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a small log stays', () =>
  withContainer(async ({ path, rotate }) => {
    await writeFile(path, 'little');
    assert.equal(await rotate(0), false);
    assert.equal(String(await readFile(path)), 'little');
  }));

test('a large one is set aside, older ones are packed, the oldest go', () =>
  withContainer(async ({ path, directory, rotate }) => {
    for (let round = 0; round < 5; round++) {
      await writeFile(path, `this is round ${round}`);
      assert.ok(await rotate(Date.UTC(2026, 0, 1, 10, 0, round)));
    }
    const files = (await readdir(directory)).sort();
    assert.deepEqual(files, ['0.log.20260101-100003.gz', '0.log.20260101-100004']);
    assert.equal(String(gunzipSync(await readFile(join(directory, '0.log.20260101-100003.gz')))), 'this is round 3');
  }));

test('when the runtime refuses, nothing has happened', () =>
  withContainer(async ({ path, rotate }) => {
    await writeFile(path, 'this is too long');
    await assert.rejects(rotate(0, 'none'));
    assert.equal(String(await readFile(path)), 'this is too long');
  }));
