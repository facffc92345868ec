/** Ends a cluster of this machine: its process, its containers, its rules; and on request every trace of it. */
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ClusterLayout } from './layout.ts';
import { runHome, stateHome } from './layout.ts';
import { runningPid, startTicksOf } from './run-lock.ts';
import { readSettings } from './settings.ts';

export interface StopDependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long the process may take to stop in order before it is killed. */
const stopWithinMs = 20_000;

/** Stops the process, then the containers and what leads to them. The state stays. */
export async function stopCluster(layout: ClusterLayout, dependencies: StopDependencies): Promise<'stopped' | 'nothing'> {
  const pid = await runningPid(layout);
  if (pid !== undefined) await endProcess(pid, dependencies);
  // Containers outlive their cluster's process, so there may be some although nothing runs.
  const hasContainers = existsSync(layout.containerdRunDir);
  if (hasContainers) {
    const { stopContainers } = await import('./machine-cleanup.ts');
    await stopContainers(layout, await readSettings(layout), dependencies);
  }
  await rm(layout.pidFile, { force: true });
  return pid !== undefined || hasContainers ? 'stopped' : 'nothing';
}

/** Removes what is left after `stopCluster`: the machine is as it was before the first `up`. Works when nothing is left. */
export async function purgeCluster(layout: ClusterLayout, dependencies: StopDependencies): Promise<void> {
  const settings = await readSettings(layout);
  if (process.getuid?.() === 0) {
    const { purgeMachine } = await import('./machine-cleanup.ts');
    await purgeMachine(layout, settings, dependencies);
  }
  await rm(layout.stateDir, { recursive: true, force: true });
  await rm(layout.runDir, { recursive: true, force: true });
  // The last cluster takes the common directories along.
  for (const home of [stateHome(), runHome()]) await rmdir(home).catch(() => undefined);
}

async function endProcess(pid: number, { clock, log }: StopDependencies): Promise<void> {
  const started = startTicksOf(pid);
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  signal('SIGTERM');
  const deadline = clock.monotonicMs() + stopWithinMs;
  while (startTicksOf(pid) === started) {
    if (clock.monotonicMs() > deadline) {
      log.warn({ pid }, 'the process does not stop in order and is killed');
      signal('SIGKILL');
    }
    // Whoever else has ended, we are not its parent: nothing tells but looking.
    await clock.sleep(20);
  }
}
