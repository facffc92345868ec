/**
 * Compiles what a cluster runs, once per change of the sources. A process that strips types and compiles itself carries
 * what it needed for that through its life: 25 MiB, and 0.2 s more at the start.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { clusterLayout } from '#cluster/layout.ts';
import { planSettings } from '#cluster/settings.ts';
import { keepHttpLean } from '#serving/lean-http.ts';

const root = join(import.meta.dirname, '../../..');
const stampFile = join(root, '.cache/compiled');

/** Compiles in a process of its own what has changed since the last time; quick when nothing has. Never fails a start. */
export async function compileAhead(): Promise<void> {
  const compiledMs = existsSync(stampFile) ? statSync(stampFile).mtimeMs : 0;
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const isChanged = sources.some((file) => (statSync(join(root, 'src', file), { throwIfNoEntry: false })?.mtimeMs ?? 0) > compiledMs);
  if (!isChanged) return;
  const startedSeconds = systemClock.nowMs() / 1000;
  const child = fork(import.meta.filename, ['--compile'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await once(child, 'exit');
  if (child.exitCode !== 0) return;
  try {
    writeFileSync(stampFile, '');
    // What was changed meanwhile has not been seen.
    utimesSync(stampFile, startedSeconds, startedSeconds);
  } catch {
    // Somebody else's checkout: then nothing is kept.
  }
}

if (process.argv.includes('--compile')) {
  keepHttpLean();
  await Promise.all([import('./foreground.ts'), import('#cluster/machine-node.ts')]);
  await rehearse();
  flushCompileCache();
  process.exit();
}

/** A start on the simulated runtime: functions are compiled, and so kept, when they run. */
async function rehearse(): Promise<void> {
  const { startLocalCluster } = await import('#cluster/local-cluster.ts');
  const stateDir = await mkdtemp(join(tmpdir(), 'skiff-compile-'));
  try {
    const layout = clusterLayout({ name: 'compile', stateDir });
    const settings = { ...planSettings({ name: layout.name, stateDir, index: 0, nodeName: 'node' }), apiPort: 0 };
    const cluster = await startLocalCluster({ layout, settings, runtime: 'simulated' }, { clock: systemClock, random: systemRandom, log: silentLog, step: () => () => {} });
    await cluster.close();
  } finally {
    await rm(stateDir, { recursive: true });
  }
}
