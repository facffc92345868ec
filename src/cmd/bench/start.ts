import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment } from '#api/apps/deployment.ts';
import { Pod } from '#api/core/pod.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import { idleCost, untilReady } from '#cluster/bench-start.ts';
import { clusterLayout } from '#cluster/layout.ts';
import { runningPid } from '#cluster/run-lock.ts';
import { knownClusters, planSettings } from '#cluster/settings.ts';
import { runProgram } from '#cluster/set-up/run-program.ts';
import { purgeCluster, stopCluster } from '#cluster/stop-cluster.ts';
import { startCluster } from '#testing/index.ts';
import { UserError } from '../fail.ts';
import { applyDemo, demoIsRolledOut } from '../up/demo.ts';
import type { Measurement } from './measurements.ts';
import type { StartFlags } from './start-command.ts';

const name = 'bench';
const launcher = join(import.meta.dirname, '../../../skiff');

/** Starts a cluster of its own, measures it, and removes it. */
export async function benchStart({ runtime, idle }: StartFlags): Promise<readonly Measurement[]> {
  const stateDir = await mkdtemp(join(tmpdir(), 'skiff-bench-'));
  const layout = clusterLayout({ name, stateDir });
  const dependencies = { clock: systemClock, log: silentLog };
  const port = await portOfTheNext();
  const up = (...more: readonly string[]): Promise<void> => runSkiff('up', '--name', name, '--state-dir', stateDir, '--runtime', runtime, '--port', String(port), ...more);
  const measured: Measurement[] = [];
  try {
    // Once for what is done once: packages, compiling, certificates, images.
    await up('--demo');
    await removeDemo(layout.adminKubeconfig);
    await stopCluster(layout, dependencies);

    const startMs = systemClock.monotonicMs();
    const started = up();
    await untilReady(port, { clock: systemClock, timeoutMs: 30_000 });
    measured.push({ what: 'up to /readyz', value: text(systemClock.monotonicMs() - startMs), goal: '500 ms' });
    await started;
    measured.push({ what: 'up to a ready node', value: text(systemClock.monotonicMs() - startMs) });
    measured.push({ what: 'the demo applied to 3 Ready pods', value: text(await demoMs(layout.adminKubeconfig)), goal: '3000 ms' });

    await systemClock.sleep(5000);
    const pid = await runningPid(layout);
    if (pid === undefined) throw new UserError(`the cluster has died; its log: ${layout.logFile}`);
    const { memoryMiB, cpuPercent } = await idleCost(pid, { clock: systemClock, overMs: idle * 1000 });
    measured.push({ what: 'resident memory, idle with the demo', value: `${memoryMiB.toFixed(0)} MiB`, goal: '120 MiB' });
    measured.push({ what: 'CPU, idle with the demo', value: `${cpuPercent.toFixed(2)} % of a core`, goal: '0.5 %' });
  } finally {
    await stopCluster(layout, dependencies);
    await purgeCluster(layout, dependencies);
  }
  measured.push({ what: 'startCluster(), median of 5 after the first', value: text(await medianStartMs()), goal: '100 ms' });
  return measured;
}

async function demoMs(kubeconfig: string): Promise<number> {
  const transport = createHttpsTransport(connectionFrom(loadKubeconfig({ file: kubeconfig })));
  const client = createClient(transport);
  try {
    const startMs = systemClock.monotonicMs();
    const objects = await applyDemo(client);
    await demoIsRolledOut(client, objects);
    return systemClock.monotonicMs() - startMs;
  } finally {
    await transport.close();
  }
}

async function removeDemo(kubeconfig: string): Promise<void> {
  const transport = createHttpsTransport(connectionFrom(loadKubeconfig({ file: kubeconfig })));
  const client = createClient(transport);
  try {
    await client.delete(Deployment, { namespace: 'default', name: 'hello' }, { propagationPolicy: 'Background' });
    const deadlineMs = systemClock.monotonicMs() + 60_000;
    while ((await client.list(Pod, { namespace: 'default', labelSelector: 'app=hello' })).items.length > 0) {
      if (systemClock.monotonicMs() > deadlineMs) throw new UserError('the demo\'s pods do not go');
      await systemClock.sleep(100);
    }
  } finally {
    await transport.close();
  }
}

async function medianStartMs(): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 6; run++) {
    const startMs = systemClock.monotonicMs();
    const cluster = await startCluster();
    if (run > 0) times.push(systemClock.monotonicMs() - startMs);
    await cluster.close();
  }
  return times.sort((a, b) => a - b)[2] ?? 0;
}

/** The port that a further cluster would get anyway. */
async function portOfTheNext(): Promise<number> {
  const taken = new Set((await knownClusters()).map(({ index }) => index));
  let index = 0;
  while (taken.has(index)) index++;
  return planSettings({ name, stateDir: '', index, nodeName: '' }).apiPort;
}

async function runSkiff(...args: readonly string[]): Promise<void> {
  const { code, output } = await runProgram(launcher, args);
  if (code !== 0) throw new UserError(`skiff ${args.join(' ')} failed:\n${output}`);
}

function text(ms: number): string {
  return `${ms.toFixed(0)} ms`;
}
