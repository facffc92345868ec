import { Command } from 'commander';
import type { OutputFlag } from './measurements.ts';
import { printMeasurements, withOutput } from './measurements.ts';

interface StoreFlags extends OutputFlag {
  readonly seconds: number;
  readonly rewrites: number;
}

/** `skiff bench store`. */
export function storeCommand(): Command {
  return withOutput(new Command('store'))
    .description('The store\'s backends: writes per second, opening, size of the file under steady rewriting.')
    .option('--seconds <seconds>', 'per number of writers and backend', Number, 2)
    .option('--rewrites <count>', 'of 100 keys, for the size', Number, 100_000)
    .action(async (flags: StoreFlags) => {
      const { benchStore } = await import('#store/bench.ts');
      const results = await benchStore(flags);
      printMeasurements(flags, results.flatMap(({ backend, puts, reopenMs, rewritten }) => [
        ...puts.map(({ writers, putsPerSecond, cpuMsPerPut }) => ({ what: `${backend}, ${writers} writers`, value: `${Math.round(putsPerSecond)} puts/s, ${cpuMsPerPut.toFixed(3)} CPU-ms each` })),
        ...(reopenMs === undefined ? [] : [{ what: `${backend}, opening the file again`, value: `${Math.round(reopenMs)} ms` }]),
        ...(rewritten === undefined ? [] : [{ what: `${backend}, file after ${flags.rewrites} rewrites`, value: `${(rewritten.bytes / 1e6).toFixed(1)} MB, at most ${(rewritten.peakBytes / 1e6).toFixed(1)} MB` }]),
      ]));
    });
}
