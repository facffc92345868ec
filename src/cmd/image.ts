import { Command } from 'commander';
import type { ClusterFlags } from './cluster-flags.ts';
import { layoutOf, nameFlag, withClusterFlags } from './cluster-flags.ts';
import { UserError } from './fail.ts';

/** `skiff image load FILE...`. */
export function command(): Command {
  const image = new Command().description('Images of the cluster\'s nodes.');
  withClusterFlags(image.command('load'))
    .description('Load images from archives (OCI layout, or what "docker save" writes) into every node of the cluster, so that pods can use them without a registry.')
    .argument('<file...>', 'tar archives')
    .action(async (files: readonly string[], options: ClusterFlags) => {
      const { hasContainerd, loadImage } = await import('#cluster/load-image.ts');
      const { runningPid } = await import('#cluster/run-lock.ts');
      const layout = await layoutOf(options);
      // A kubelet that runs alone has a containerd too, without a cluster's process beside it.
      if ((await runningPid(layout)) === undefined && !hasContainerd(layout)) throw new UserError(`the cluster "${layout.name}" does not run; start it with "skiff up${nameFlag(layout.name)}"`);
      for (const file of files) for (const name of await loadImage(layout, file)) process.stdout.write(`loaded ${name}\n`);
    });
  return image;
}
