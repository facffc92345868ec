import { relative } from 'node:path';
import type { EventData } from 'node:test';

export interface Failure {
  readonly file: string;
  /** With the names of the suites around it. */
  readonly name: string;
  readonly text: string;
}

/** What a run has come to. Only tests count, not the suites around them. */
export interface TestResults {
  passed: number;
  /** Names of tests that passed, without those of the suites around them. */
  readonly names: Set<string>;
  readonly failures: Failure[];
  /** How many tests were skipped, by reason and file. */
  readonly skipped: Map<string, number>;
}

/** Adds up the events of a run. */
export class TestTally {
  readonly results: TestResults = { passed: 0, names: new Set(), failures: [], skipped: new Map() };
  readonly #root: string;
  /** Names of the tests that are open, by file and nesting. */
  readonly #open = new Map<string, string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  start({ file = '', nesting, name }: EventData.TestStart): void {
    const names = this.#open.get(file) ?? [];
    names.length = nesting;
    names[nesting] = name;
    this.#open.set(file, names);
  }

  pass(data: EventData.TestPass): void {
    if (this.#wasSkipped(data)) return;
    // A file without tests counts as a test to the runner.
    if (data.details.type === 'suite' || data.name === data.file) return;
    this.results.passed++;
    this.results.names.add(data.name);
  }

  /** Answers the failure, unless it only repeats that of something inside. */
  fail(data: EventData.TestFail): Failure | undefined {
    if (this.#wasSkipped(data)) return undefined;
    const error: Error & { readonly failureType?: string } = data.details.error;
    if (error.failureType === 'subtestsFailed') return undefined;
    const names = (this.#open.get(data.file ?? '') ?? []).slice(0, data.nesting);
    const failure = { file: this.#fileOf(data), name: [...names, data.name === data.file ? 'the file itself' : data.name].join(' > '), text: describe(error) };
    this.results.failures.push(failure);
    return failure;
  }

  #wasSkipped(data: EventData.TestPass | EventData.TestFail): boolean {
    if (data.skip === undefined || data.skip === false) return false;
    const reason = `${typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given'} (${this.#fileOf(data)})`;
    this.results.skipped.set(reason, (this.results.skipped.get(reason) ?? 0) + 1);
    return true;
  }

  #fileOf(data: EventData.TestPass | EventData.TestFail): string {
    return data.file === undefined ? '' : relative(this.#root, data.file);
  }
}

/** The error that the test threw, not the runner's wrapping of it. */
function describe(error: Error): string {
  if (error.cause instanceof Error) return error.cause.stack ?? error.cause.message;
  return typeof error.cause === 'string' ? error.cause : error.message;
}
