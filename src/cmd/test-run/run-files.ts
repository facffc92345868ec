import { relative } from 'node:path';
import { run } from 'node:test';
import { duration, paint } from '../terminal.ts';
import { TestTally } from './test-results.ts';
import type { TestResults } from './test-results.ts';

export interface FilesRun {
  readonly root: string;
  readonly files: readonly string[];
  /** How many files run at the same time. */
  readonly concurrency: number;
  readonly namePatterns: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** No file takes this long unless it hangs; the whole run is to stay below 25 minutes. */
const fileTimeoutMs = 8 * 60_000;

/** Runs test files, each in a process of its own; prints a line per file, and what fails when it fails. */
export function runFiles({ root, files, concurrency, namePatterns, env }: FilesRun): Promise<TestResults> {
  const { bad, good, dim } = paint();
  const tally = new TestTally(root);
  const failed = new Set<string>();
  const write = (line: string): boolean => process.stdout.write(line);
  Object.assign(process.env, env);
  const events = run({
    files: [...files],
    concurrency,
    timeout: fileTimeoutMs,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    ...(namePatterns.length > 0 ? { testNamePatterns: [...namePatterns] } : {}),
  });
  events.on('test:start', (data) => tally.start(data));
  events.on('test:pass', (data) => tally.pass(data));
  events.on('test:fail', (data) => {
    const failure = tally.fail(data);
    if (failure === undefined) return;
    failed.add(failure.file);
    write(`${bad('✗')} ${failure.file}: ${failure.name}\n${indent(failure.text)}\n`);
  });
  events.on('test:stdout', ({ message }) => write(dim(message)));
  events.on('test:stderr', ({ message }) => write(dim(message)));
  events.on('test:summary', ({ file: path, counts, duration_ms: tookMs }) => {
    if (path === undefined) return;
    const file = relative(root, path);
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    write(`${failed.has(file) ? bad('✗') : good('✓')} ${file} ${dim(`${counts.passed} passed${skipped}, ${duration(tookMs)}`)}\n`);
  });
  return new Promise((resolve, reject) => {
    events.once('error', reject);
    events.once('end', () => resolve(tally.results));
    events.resume();
  });
}

function indent(text: string): string {
  return text.split('\n').map((line) => `    ${line}`).join('\n');
}
