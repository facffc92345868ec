import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ClusterLayout } from '#cluster/layout.ts';
import { clusterLayout, defaultClusterName } from '#cluster/layout.ts';
import { knownClusters, maxNodes } from '#cluster/settings.ts';

/** Which cluster is meant; the same flags on every command about one. */
export interface ClusterFlags {
  readonly name: string;
  readonly stateDir?: string;
  readonly kubeconfig?: string;
}

export function withClusterFlags(command: Command): Command {
  return command
    .option('--name <name>', 'which cluster, where there are several', defaultClusterName)
    .option('--state-dir <directory>', 'where it keeps its state (default: /var/lib/skiff/NAME as root, else ~/.local/state/skiff/NAME)');
}

/** Where the cluster lives. One that was started with a state directory of its own is found by its name alone. */
export async function layoutOf({ name, stateDir }: ClusterFlags): Promise<ClusterLayout> {
  const known = stateDir === undefined ? (await knownClusters()).find((each) => each.name === name) : undefined;
  return clusterLayout({ name, stateDir: stateDir ?? known?.stateDir });
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return port;
}

export function parseNodes(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > maxNodes) throw new InvalidArgumentError(`A machine can be 1 to ${maxNodes} nodes.`);
  return count;
}

/** For hints: how to name this cluster in another command. */
export function nameFlag(name: string): string {
  return name === defaultClusterName ? '' : ` --name ${name}`;
}
