/** Whole clusters of simulated nodes: a large Deployment made, left alone, and deleted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#base/clock.ts';
import type { BenchRow, Goal } from '../bench-row.ts';
import { usageOf } from '../process-usage.ts';
import type { ClusterSize } from './goals.ts';

export interface ClusterBenchOptions {
  readonly sizes: readonly ClusterSize[];
  /** Further flags for Node, as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
  readonly onRow: (row: BenchRow) => void;
}

/** What the measured process answers to a step. */
export interface StepDone {
  readonly tookMs: number;
}

/** What follows a step by itself is over by then: status reports, the past that is kept for watches (75 s), memory given back. */
const settleMs = 90_000;
const steadyMs = 30_000;

/** Runs clusters of all sizes, one after the other. Rejects with what a cluster's process said when it fails. */
export async function runClusterBench({ sizes, nodeFlags = [], onRow }: ClusterBenchOptions): Promise<void> {
  for (const size of sizes) {
    const directory = await mkdtemp(join(tmpdir(), 'skiff-bench-'));
    try {
      await runCluster(size, directory, nodeFlags, onRow);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

async function runCluster({ nodes, pods, ...goals }: ClusterSize, directory: string, nodeFlags: readonly string[], onRow: (row: BenchRow) => void): Promise<void> {
  const program = join(import.meta.dirname, 'cluster-main.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...leanV8, ...nodeFlags, program, String(nodes), String(pods), directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const usage = (): ReturnType<typeof usageOf> => usageOf([child.pid ?? 0]);
  const step = async (name: string): Promise<StepDone> => {
    child.stdin.write(`${name}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the cluster of ${nodes} nodes ended before "${name}" was done`);
    return JSON.parse(value) as StepDone;
  };
  const perPod = async (what: string, name: string, goal: Goal): Promise<void> => {
    const before = usage();
    const { tookMs } = await step(name);
    const after = usage();
    const cpuMsPerOp = (after.cpuMs - before.cpuMs) / pods;
    onRow({ name: what, unit: 'CPU-ms', perSecond: (pods / tookMs) * 1000, cpuMsPerOp, ...goal, isMissed: cpuMsPerOp > goal.goal, residentMiB: after.residentBytes / 2 ** 20, remark: `${(tookMs / 1000).toFixed(1)} s` });
  };
  try {
    await step('started');
    const size = `${pods.toLocaleString('en-US')} pods, ${nodes.toLocaleString('en-US')} nodes`;
    await perPod(`${size}: all Running`, 'create', goals.create);
    await systemClock.sleep(settleMs);
    const before = usage();
    await systemClock.sleep(steadyMs);
    const after = usage();
    const residentMiB = after.residentBytes / 2 ** 20;
    const value = (name: string, unit: string, measured: number, goal: Goal): void => onRow({ name: `${size}: ${name}`, unit, value: measured, ...goal, isMissed: measured > goal.goal, residentMiB });
    value('steady', '% of a core', ((after.cpuMs - before.cpuMs) / steadyMs) * 100, goals.steadyCpu);
    value('memory', 'MiB', residentMiB, goals.memory);
    await perPod(`${size}: all gone`, 'remove', goals.remove);
  } finally {
    child.stdin.end();
    await exited;
  }
}

/** As `skiff up` starts its process. */
const leanV8 = ['--max-semi-space-size=2'];
