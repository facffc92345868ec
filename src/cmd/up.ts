import { Command, Option } from 'commander';
import type { ClusterFlags } from './cluster-flags.ts';
import { parseNodes, parsePort, withClusterFlags } from './cluster-flags.ts';

export interface UpOptions extends ClusterFlags {
  readonly port?: number;
  readonly nodes?: number;
  readonly foreground?: boolean;
  readonly demo?: boolean;
  readonly runtime: 'auto' | 'containerd' | 'simulated';
  readonly containerRuntimeEndpoint?: string;
  readonly verbose?: boolean;
}

/** `skiff up`. */
export function command(): Command {
  return withClusterFlags(new Command())
    .description('Start a cluster on this machine, in the background. What is missing is installed first (Debian packages, as root). '
      + 'Containers that still run from before are adopted.')
    .addOption(new Option('--port <port>', 'of the API server (default: 6443, and a free range of its own for every further cluster)').argParser(parsePort))
    .addOption(new Option('--nodes <count>', 'how many nodes this machine is to be (default: 1; more than before are added, fewer change nothing)').argParser(parseNodes))
    .option('--kubeconfig <file>', 'also put the cluster into this kubeconfig and make it the current context')
    .option('--foreground', 'stay, until Ctrl-C; containers go on after that')
    .option('--demo', 'run examples/hello.yaml on it and show the address that answers')
    .addOption(new Option('--runtime <runtime>', 'what runs the pods').choices(['auto', 'containerd', 'simulated']).default('auto'))
    .option('--container-runtime-endpoint <endpoint>', 'a CRI runtime that is there already, as unix:///run/...; default: a containerd of the cluster\'s own')
    .option('--verbose', 'log in more detail')
    .action(async (options: UpOptions) => {
      if (options.foreground === true) await (await import('./up/foreground.ts')).runForeground(options);
      else await (await import('./up/background.ts')).startInBackground(options);
    });
}
