import type { Command } from 'commander';
import { Option } from 'commander';

export interface Measurement {
  readonly what: string;
  readonly value: string;
  /** What the project aims at. */
  readonly goal?: string;
}

export interface OutputFlag {
  readonly output: 'text' | 'json';
}

export function withOutput(command: Command): Command {
  return command.addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'));
}

export function printMeasurements({ output }: OutputFlag, measurements: readonly Measurement[]): void {
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify(measurements, null, 2)}\n`);
    return;
  }
  const whatWidth = Math.max(...measurements.map(({ what }) => what.length));
  const valueWidth = Math.max(...measurements.map(({ value }) => value.length));
  for (const { what, value, goal } of measurements) {
    process.stdout.write(`${what.padEnd(whatWidth)}  ${value.padStart(valueWidth)}${goal === undefined ? '' : `  (goal: ${goal})`}\n`);
  }
}
