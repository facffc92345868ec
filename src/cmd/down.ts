import { Command } from 'commander';
import type { ClusterFlags } from './cluster-flags.ts';
import { layoutOf, nameFlag, withClusterFlags } from './cluster-flags.ts';

interface DownOptions extends ClusterFlags {
  readonly purge?: boolean;
}

/** `skiff down`. */
export function command(): Command {
  return withClusterFlags(new Command())
    .description('Stop the cluster: its processes, containers and network rules. Its state stays, and "skiff up" brings everything back.')
    .option('--purge', 'remove its state, images, interfaces and mounts too: the machine is as before (Debian packages stay)')
    .option('--kubeconfig <file>', 'with --purge: take the cluster out of this kubeconfig')
    .action(async (options: DownOptions) => {
      const { purgeCluster, stopCluster } = await import('#cluster/stop-cluster.ts');
      const { Progress } = await import('./terminal.ts');
      const { createLog } = await import('./log.ts');
      const { systemClock } = await import('#base/clock.ts');
      const layout = await layoutOf(options);
      const dependencies = { clock: systemClock, log: createLog({ level: 'warn' }) };
      const progress = new Progress();
      const was = await progress.step(`Stopping the cluster "${layout.name}"`, async (remark) => {
        const outcome = await stopCluster(layout, dependencies);
        if (outcome === 'nothing') remark('it did not run');
        return outcome;
      });
      if (options.purge === true) {
        await progress.step('Removing every trace of it', () => purgeCluster(layout, dependencies));
        if (options.kubeconfig !== undefined) await (await import('#cluster/kubeconfigs.ts')).unmergeKubeconfig(options.kubeconfig, layout.name);
      } else if (was === 'stopped') progress.say(`Its state is in ${layout.stateDir}; "skiff up${nameFlag(layout.name)}" brings it back.`);
    });
}
