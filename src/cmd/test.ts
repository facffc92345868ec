import { Command } from 'commander';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { installPackages, missingPackages, testNeeds, whyNoPackages } from '#cluster/set-up/debian-packages.ts';
import { runProgram } from '#cluster/set-up/run-program.ts';
import { systemClock } from '#base/clock.ts';
import { Progress, duration, paint } from './terminal.ts';
import { conformanceFolder, conformanceReport, readCodenames } from './test-run/conformance-report.ts';
import { findKubectl } from './test-run/find-kubectl.ts';
import { runFiles } from './test-run/run-files.ts';
import type { TestResults } from './test-run/test-results.ts';

interface TestOptions {
  readonly quick?: boolean;
  readonly name?: readonly string[];
  readonly conformanceReport?: boolean;
}

/** `skiff test`. */
export function command(): Command {
  return new Command()
    .description('Set up what tests need (Debian packages, kubectl), check types and style, and run the tests.')
    .argument('[filter...]', 'only files whose path contains one of these; types and style are not checked then')
    .option('--quick', 'only the tests in src, with nothing set up: what is missing is skipped')
    .option('-t, --name <pattern...>', 'only tests whose name matches')
    .option('--conformance-report', 'run the tests of conformance requirements and count by group which of them are shown')
    .action(async (filters: readonly string[], options: TestOptions) => {
      const chosen = options.conformanceReport === true && filters.length === 0 ? [conformanceFolder] : filters;
      process.exitCode = (await runTests(chosen, options)) ? 0 : 1;
    });
}

const root = join(import.meta.dirname, '../..');

async function runTests(filters: readonly string[], options: TestOptions): Promise<boolean> {
  const startMs = systemClock.monotonicMs();
  const progress = new Progress(process.stdout);
  const env = options.quick === true ? {} : await setUp(progress);
  const isWhole = filters.length === 0 && options.name === undefined;
  const checks = isWhole ? await check(progress) : [];
  const files = testFiles(filters);
  if (files.unit.length + files.whole.length === 0) throw new Error(`no test file's path contains ${filters.map((filter) => `"${filter}"`).join(' or ')}`);

  const shared = { root, namePatterns: options.name ?? [], env };
  const runs: TestResults[] = [await runFiles({ ...shared, files: files.unit, concurrency: Math.min(4, availableParallelism()) })];
  // These have the machine to themselves: they start clusters, and look at what is left behind.
  if (options.quick !== true && files.whole.length > 0) runs.push(await runFiles({ ...shared, files: files.whole, concurrency: 1 }));
  if (options.conformanceReport === true) process.stdout.write(`\n${conformanceReport(new Set(runs.flatMap(({ names }) => [...names])), readCodenames()).join('\n')}\n`);
  return summarize(runs, checks, { quickLeftOut: options.quick === true ? files.whole.length : 0, tookMs: systemClock.monotonicMs() - startMs });
}

/** `unit`: beside the code. `whole`: in `test/`, one after the other. */
function testFiles(filters: readonly string[]): { readonly unit: readonly string[]; readonly whole: readonly string[] } {
  const wanted = (pattern: string): string[] => globSync(pattern, { cwd: root })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort()
    .map((file) => join(root, file));
  return { unit: wanted('src/**/*.test.ts'), whole: wanted('test/**/*.test.ts') };
}

/** Installs what is missing. What cannot be had is said, and the tests that need it are skipped. */
async function setUp(progress: Progress): Promise<Record<string, string>> {
  const missing = await missingPackages(testNeeds);
  const obstacle = missing.length > 0 ? await whyNoPackages() : undefined;
  if (obstacle !== undefined) progress.say(`  missing: ${missing.join(', ')}; ${obstacle}`);
  else if (missing.length > 0) {
    await progress.step(`Debian packages ${missing.join(', ')}`, () => installPackages(missing)).catch((error: unknown) => {
      progress.say(`  ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  let kubectl: string | undefined;
  await progress.step('kubectl 1.32 or newer', async (remark) => {
    kubectl = await findKubectl(join(root, '.cache/kubectl'));
    remark(kubectl);
  }).catch((error: unknown) => progress.say(`  ${error instanceof Error ? error.message : String(error)}`));
  if (kubectl === undefined) return {};
  return { KUBECTL: kubectl, PATH: `${dirname(kubectl)}:${process.env['PATH'] ?? ''}` };
}

interface Check {
  readonly name: string;
  readonly isGood: boolean;
}

/** Types and style; the layers are a test of their own. */
async function check(progress: Progress): Promise<readonly Check[]> {
  const bin = join(root, 'node_modules/.bin');
  // Their launchers are scripts that look for `node`.
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  const programs = [
    { name: 'tsc --noEmit', file: 'tsc', args: ['--noEmit'] },
    { name: 'oxlint', file: 'oxlint', args: ['--type-aware', '--deny-warnings', 'src', 'test', 'tools'] },
  ];
  const checks: Check[] = [];
  for (const { name, file, args } of programs) {
    const isGood = await progress.step(name, async () => {
      const { code, output } = await runProgram(join(bin, file), args, { cwd: root, env });
      if (code !== 0) throw new Error(output.trimEnd());
      return true;
    }).catch((error: unknown) => {
      progress.say(String(error instanceof Error ? error.message : error));
      return false;
    });
    checks.push({ name, isGood });
  }
  return checks;
}

/** The last lines of a run. Answers whether all is well. */
function summarize(runs: readonly TestResults[], checks: readonly Check[], about: { readonly quickLeftOut: number; readonly tookMs: number }): boolean {
  const { bad, good, bold } = paint();
  const failures = runs.flatMap((each) => each.failures);
  const badChecks = checks.filter((each) => !each.isGood);
  const skipped = runs.flatMap((each) => [...each.skipped]);
  const write = (line: string): boolean => process.stdout.write(`${line}\n`);
  write('');
  for (const { file, name } of failures) write(`${bad('failed')}  ${file}: ${name}`);
  for (const { name } of badChecks) write(`${bad('failed')}  ${name}`);
  for (const [reason, count] of skipped) write(`skipped ${count} x ${reason}`);
  if (about.quickLeftOut > 0) write(`skipped ${about.quickLeftOut} files in test/, because of --quick`);
  const passedCount = runs.reduce((sum, each) => sum + each.passed, 0) + checks.length - badChecks.length;
  const failedCount = failures.length + badChecks.length;
  const skippedCount = skipped.reduce((sum, [, count]) => sum + count, 0);
  const counts = `${passedCount} passed, ${failedCount} failed, ${skippedCount} skipped`;
  write(`${bold(failedCount === 0 ? good(counts) : bad(counts))} in ${duration(about.tookMs)}`);
  return failedCount === 0;
}
