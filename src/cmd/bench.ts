import { Command, InvalidArgumentError, Option } from 'commander';
import type { StoreName } from '#bench/api/server-process.ts';
import { systemRandom } from '#base/random.ts';
import { clusterCommand } from './bench/cluster-command.ts';
import { schedulerCommand } from './bench/scheduler-command.ts';
import { startCommand } from './bench/start-command.ts';
import { storeCommand } from './bench/store-command.ts';
import { paint } from './terminal.ts';

/** `skiff bench`. */
export function command(): Command {
  return new Command()
    .description('Measure Skiff. Server and load share the machine, so the fair figure is CPU-milliseconds per operation.')
    .addCommand(startCommand())
    .addCommand(storeCommand())
    .addCommand(schedulerCommand())
    .addCommand(apiCommand())
    .addCommand(clusterCommand())
    .addCommand(fuzzCommand());
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
      const [{ runApiBench }, { jsonRow, tableHead, tableRow }] = await Promise.all([import('#bench/api/run-api-bench.ts'), import('#bench/print-rows.ts')]);
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

interface FuzzFlags {
  readonly count: number;
  readonly seed?: number;
  readonly maxFindings: number;
}

function fuzzCommand(): Command {
  return new Command('fuzz')
    .description('Send generated requests to an API server of its own: none may get a 5xx, end it, or make it grow. Status 1 when one does.')
    .option('--count <requests>', 'how many', wholeNumber, 100_000)
    .option('--seed <number>', 'repeat the requests of a run (default: by chance; it is printed)', wholeNumber)
    .option('--max-findings <number>', 'stop after so many', wholeNumber, 10)
    .action(async (flags: FuzzFlags) => {
      const { runFuzz } = await import('#bench/fuzz/run-fuzz.ts');
      const seed = flags.seed ?? Math.floor(systemRandom.next() * 2 ** 31);
      process.stdout.write(`seed ${seed}\n`);
      const report = await runFuzz({
        count: flags.count,
        seed,
        maxFindings: flags.maxFindings,
        onProgress: ({ sent, findings, heldMiB, residentMiB }) => process.stderr.write(`${sent} sent, ${findings} findings, ${heldMiB.toFixed(0)} MiB held, ${residentMiB.toFixed(0)} MiB resident\n`),
      });
      const { findings, ...rest } = report;
      for (const { what, request, answer } of findings) process.stdout.write(`\n${what}\n  ${request}\n  ${answer}\n`);
      process.stdout.write(`${JSON.stringify(rest)}\n${findings.length === 0 ? 'nothing found' : `${findings.length} findings`}\n`);
      process.exitCode = findings.length === 0 ? 0 : 1;
    });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number.');
  return number;
}
