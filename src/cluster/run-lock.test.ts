import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { claimCluster, runningPid } from './run-lock.ts';

async function place(): Promise<{ readonly stateDir: string; readonly pidFile: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'skiff-lock-'));
  return { stateDir, pidFile: join(stateDir, 'skiff.pid') };
}

test('a cluster is claimed once, and free again when it is released', async () => {
  const layout = await place();
  const lock = await claimCluster(layout);
  assert.notEqual(lock, undefined);
  assert.equal(await claimCluster(layout), undefined);
  assert.equal(await runningPid(layout), process.pid);
  await lock?.release();
  assert.equal(await runningPid(layout), undefined);
  const again = await claimCluster(layout);
  assert.notEqual(again, undefined);
  await again?.release();
  await rm(layout.stateDir, { recursive: true });
});

test('a process that is killed leaves nothing that has to be removed', async () => {
  const layout = await place();
  const child = fork(import.meta.filename.replace('.test.ts', '.fixture.ts'), [layout.stateDir, layout.pidFile], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  assert.equal(await claimCluster(layout), undefined);
  assert.equal(await runningPid(layout), child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await runningPid(layout), undefined);
  const lock = await claimCluster(layout);
  assert.notEqual(lock, undefined);
  await lock?.release();
  await rm(layout.stateDir, { recursive: true });
});

test('a pid that belongs to somebody else by now is not taken for the cluster\'s', async () => {
  const layout = await place();
  await writeFile(layout.pidFile, `${process.pid} 1\n`);
  assert.equal(await runningPid(layout), undefined);
  await rm(layout.stateDir, { recursive: true });
});
