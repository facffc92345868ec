import { Command, Option } from 'commander';
import type { ClusterStatus } from '#cluster/cluster-status.ts';
import type { ClusterFlags } from './cluster-flags.ts';
import { layoutOf, nameFlag, withClusterFlags } from './cluster-flags.ts';
import { paint } from './terminal.ts';

interface StatusOptions extends ClusterFlags {
  readonly all?: boolean;
  readonly output: 'text' | 'json';
}

/** `skiff status`. */
export function command(): Command {
  return withClusterFlags(new Command())
    .description('Say whether the cluster runs and how it is. Status 0 when it runs and its API answers, else 1.')
    .option('--all', 'every cluster of this machine')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async (options: StatusOptions) => {
      const { clusterStatus } = await import('#cluster/cluster-status.ts');
      const { knownClusters } = await import('#cluster/settings.ts');
      const layouts = await Promise.all(options.all === true ? (await knownClusters()).map(layoutOf) : [layoutOf(options)]);
      const statuses = await Promise.all(layouts.map(clusterStatus));
      if (options.output === 'json') process.stdout.write(`${JSON.stringify(options.all === true ? statuses : statuses[0], null, 2)}\n`);
      else process.stdout.write(statuses.length === 0 ? 'There is no cluster on this machine.\n' : statuses.map(describe).join('\n'));
      process.exitCode = statuses.length > 0 && statuses.every(({ state }) => state === 'running') ? 0 : 1;
    });
}

function describe(status: ClusterStatus): string {
  const { good, bad } = paint();
  const rows: (readonly [string, string])[] = [['cluster', status.name]];
  switch (status.state) {
    case 'absent':
      rows.push(['state', bad('there is none; start one with "skiff up') + bad(`${nameFlag(status.name)}"`)]);
      break;
    case 'stopped':
      rows.push(['state', bad(`stopped; start it with "skiff up${nameFlag(status.name)}"`)], ['state directory', status.stateDir]);
      break;
    case 'unreachable':
      rows.push(['state', bad(`process ${status.pid} runs, but its API does not answer: ${status.problem}`)], ['log', `${status.stateDir}/skiff.log`]);
      break;
    case 'running':
      rows.push(['state', `${good('running')} (process ${status.pid}, ${Math.round((status.memoryBytes ?? 0) / 1048576)} MiB)`]);
      rows.push(['server', status.server ?? ''], ['kubeconfig', status.kubeconfig], ['state directory', status.stateDir]);
      for (const { name, isReady, runtime, address } of status.nodes ?? []) rows.push(['node', `${name}: ${isReady ? good('Ready') : bad('NotReady')}, ${address}, ${runtime}`]);
      rows.push(['pods', `${status.pods?.running} running of ${status.pods?.total}`]);
  }
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join('');
}
