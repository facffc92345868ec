import { Command, Option } from 'commander';
import type { OutputFlag } from './measurements.ts';
import { printMeasurements, withOutput } from './measurements.ts';

export interface StartFlags extends OutputFlag {
  readonly runtime: 'auto' | 'containerd' | 'simulated';
  readonly idle: number;
}

/** `skiff bench start`. */
export function startCommand(): Command {
  return withOutput(new Command('start'))
    .description('What a user waits for: from "up" to /readyz, from the demo to 3 Ready pods; memory and CPU when idle; startCluster(). About a minute.')
    .addOption(new Option('--runtime <runtime>', 'what runs the pods').choices(['auto', 'containerd', 'simulated']).default('auto'))
    .option('--idle <seconds>', 'how long the idle cluster is watched', Number, 20)
    .action(async (flags: StartFlags) => {
      printMeasurements(flags, await (await import('./start.ts')).benchStart(flags));
    });
}
