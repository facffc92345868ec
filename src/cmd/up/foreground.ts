import { flushCompileCache } from 'node:module';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { whyNoContainersNow } from '#cluster/container-support.ts';
import type { LocalCluster } from '#cluster/local-cluster.ts';
import { startLocalCluster } from '#cluster/local-cluster.ts';
import { claimCluster } from '#cluster/run-lock.ts';
import { settleSettings } from '#cluster/settings.ts';
import { giveBackMemory } from '#serving/give-back-memory.ts';
import { layoutOf } from '../cluster-flags.ts';
import { UserError } from '../fail.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from '../until-signal.ts';
import type { UpOptions } from '../up.ts';
import { stepReporter, stepper } from './steps.ts';

/**
 * Runs the cluster in this process until a signal comes. Also what `skiff up` runs in the background: then the steps go
 * to the process that waits for them.
 */
export async function runForeground(options: UpOptions): Promise<void> {
  const report = stepReporter();
  const layout = await layoutOf(options);
  const lock = await claimCluster(layout);
  if (lock === undefined) throw new UserError(`the cluster "${layout.name}" runs already, in another process (see "skiff status")`);
  const log = createLog({ level: options.verbose === true ? 'debug' : 'info', file: layout.logFile });
  const stop = endOnSignal(log);
  try {
    const settings = await settleSettings(layout, { port: options.port, nodes: options.nodes });
    const runtime = options.runtime === 'auto' ? ((await whyNoContainersNow()) === undefined ? 'containerd' : 'simulated') : options.runtime;
    log.info({ pid: process.pid, runtime, settings }, 'starting');
    const cluster = await startLocalCluster(
      { layout, settings, runtime, runtimeEndpoint: options.containerRuntimeEndpoint },
      { clock: systemClock, random: systemRandom, log, step: stepper(report) },
    );
    if (options.kubeconfig !== undefined) await (await import('./join-kubeconfig.ts')).joinKubeconfig(options.kubeconfig, layout);
    report({ is: 'ready', server: cluster.server });
    log.info({ server: cluster.server }, 'ready');
    // Whatever ends this process may be a power cut: what is compiled is kept for the next start now.
    flushCompileCache();
    giveBackMemory(systemClock);
    if (process.send === undefined) process.stderr.write(`The cluster runs until Ctrl-C. Kubeconfig: ${layout.adminKubeconfig}\n`);
    else process.disconnect?.();
    await stop.signalled;
    await close(cluster, log);
  } catch (error) {
    log.error({ error }, 'the cluster could not be started');
    report({ is: 'failed', reason: error instanceof Error ? error.message : String(error) });
    if (process.send === undefined) throw error;
    process.exitCode = 1;
  } finally {
    stop.dispose();
    await lock.release();
  }
  process.exit();
}

async function close(cluster: LocalCluster, log: Logger): Promise<void> {
  log.info({}, 'stopping; containers go on');
  await cluster.close();
  log.info({}, 'stopped');
}
