import { Command } from 'commander';
import type { Measurement, OutputFlag } from './measurements.ts';
import { printMeasurements, withOutput } from './measurements.ts';

interface SchedulerFlags extends OutputFlag {
  readonly nodes: number;
  readonly pods: number;
}

/** Pods a second: three times the floors of upstream's scheduler-perf at 5000 nodes, which are for the original's CI machine. */
const goals: Readonly<Record<string, number>> = {
  basic: 810, 'node-affinity': 660, 'pod-affinity': 105, 'pod-anti-affinity': 180, spreading: 255, 'preferred-spreading': 375, unschedulable: 420,
};

/** `skiff bench scheduler`. */
export function schedulerCommand(): Command {
  return withOutput(new Command('scheduler'))
    .description('The scheduler: decisions alone, by workload, and with API server and bindings.')
    .option('--nodes <count>', 'how many', Number, 5000)
    .option('--pods <count>', 'how many', Number, 5000)
    .action(async (flags: SchedulerFlags) => {
      const { runSchedulerBench } = await import('#bench/scheduler/run-scheduler-bench.ts');
      const measured: Measurement[] = [];
      await runSchedulerBench({
        ...flags,
        onDecisions: (workload, { podsPerSecond, p50Ms, p99Ms, placed }) => {
          const goal = flags.nodes >= 5000 ? goals[workload] : undefined;
          measured.push({
            what: `${workload}: decisions`, value: `${Math.round(podsPerSecond)} pods/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ${placed} placed`,
            ...(goal === undefined ? {} : { goal: `${goal} pods/s` }),
          });
        },
        onWhole: ({ nodes, pods, boundPerSecond, cpuMsPerPod }) => {
          measured.push({ what: `${pods} pods on ${nodes} nodes, created to bound`, value: `${Math.round(boundPerSecond)} pods/s, ${cpuMsPerPod.toFixed(2)} CPU-ms per pod` });
        },
      });
      printMeasurements(flags, measured);
    });
}
