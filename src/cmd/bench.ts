import { Command, Option } from 'commander';
import type { StoreName } from '#bench/api/server-process.ts';
import { paint } from './terminal.ts';

/** `skiff bench`. */
export function command(): Command {
  return new Command()
    .description('Measure Skiff. Server and load share the machine, so the fair figure is CPU-milliseconds per operation.')
    .addCommand(apiCommand());
}

interface ApiFlags {
  readonly store: StoreName;
  readonly quick?: boolean;
  readonly output?: 'json';
  readonly only?: readonly string[];
  readonly cpuProf?: string;
}

function apiCommand(): Command {
  return new Command('api')
    .description('The API server alone, over TLS on loopback: reads, writes, lists, watches, start, memory. Under 3 minutes.')
    .addOption(new Option('--store <store>', 'what it runs on; sqlite writes to disk before it answers').choices(['memory', 'sqlite', 'etcd']).default('sqlite'))
    .option('--quick', 'a fifth of everything, in less than 40 s')
    .option('--only <word...>', 'only the rows whose name contains one of these')
    .option('--cpu-prof <directory>', 'write a CPU profile of the server there (it slows it down)')
    .addOption(new Option('-o, --output <format>', 'lines of JSON instead of the table').choices(['json']))
    .action(async (flags: ApiFlags) => {
      const [{ runApiBench }, { jsonRow, tableHead, tableRow }] = await Promise.all([import('#bench/api/run-api-bench.ts'), import('#bench/api/print-rows.ts')]);
      const colours = paint();
      if (flags.output !== 'json') process.stdout.write(`${tableHead(colours)}\n`);
      await runApiBench({
        store: flags.store,
        isQuick: flags.quick === true,
        only: flags.only ?? [],
        ...(flags.cpuProf !== undefined && { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${flags.cpuProf}`] }),
        onRow: (row) => process.stdout.write(`${flags.output === 'json' ? jsonRow(row) : tableRow(row, colours)}\n`),
      });
    });
}
