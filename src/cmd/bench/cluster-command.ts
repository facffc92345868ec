import { Command, Option } from 'commander';
import { paint } from '../terminal.ts';

interface ClusterFlags {
  readonly quick?: boolean;
  readonly cpuProf?: string;
  readonly output?: 'json';
}

/** `skiff bench cluster`. */
export function clusterCommand(): Command {
  return new Command('cluster')
    .description('Whole clusters of simulated nodes: a Deployment of 1,000 pods on 100 nodes and one of 5,000 on 1,000, made, left alone for a minute and a half, and deleted. Under 5 minutes.')
    .option('--quick', 'only the smaller one')
    .option('--cpu-prof <directory>', 'write CPU profiles there (it slows the clusters down)')
    .addOption(new Option('-o, --output <format>', 'lines of JSON instead of the table').choices(['json']))
    .action(async ({ quick, cpuProf, output }: ClusterFlags) => {
      const [{ runClusterBench }, { clusterSizes }, { jsonRow, tableHead, tableRow }] = await Promise.all([
        import('#bench/cluster/run-cluster-bench.ts'), import('#bench/cluster/goals.ts'), import('#bench/print-rows.ts'),
      ]);
      const colours = paint();
      if (output !== 'json') process.stdout.write(`${tableHead(colours)}\n`);
      await runClusterBench({
        sizes: quick === true ? clusterSizes.slice(0, 1) : clusterSizes,
        ...(cpuProf !== undefined && { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`] }),
        onRow: (row) => process.stdout.write(`${output === 'json' ? jsonRow(row) : tableRow(row, colours)}\n`),
      });
    });
}
