/** Flags as the original's components take them: `--name=value`, lists with commas, durations like `1m30s`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { VersionInfo } from '#apiserver/documents/version.ts';
import { versionCalled, versionInfo } from '#apiserver/documents/version.ts';
import { UserError } from '../fail.ts';
import type { LogLevel } from '../log.ts';

/** What every component takes. */
export interface CommonFlags {
  readonly v: number;
  /** What the component is to call itself; one that was asked for its version has ended by the time it is looked at. */
  readonly version?: string | true;
}

export function componentCommand(description: string): Command {
  return new Command()
    .description(description)
    .hook('preAction', (command) => {
      emptyIsAbsent(command);
      printVersionIfAsked(command.opts<CommonFlags>());
    })
    .addOption(new Option('-v, --v <level>', 'how much is logged: 0 to 10').argParser((given: string) => wholeNumber(given.replace(/^=/, ''))).default(0))
    .addOption(new Option('--version [version]', 'alone or with raw: print the version and end; else what to call itself, a version of the same release'));
}

function printVersionIfAsked(flags: CommonFlags): void {
  const { version } = flags;
  if (version === undefined) return;
  if (version !== true && version !== 'true' && version !== 'raw') {
    reportedVersion(flags);
    return;
  }
  process.stdout.write(version === 'raw' ? `${JSON.stringify(versionInfo)}\n` : `Kubernetes ${versionInfo.gitVersion}\n`);
  process.exit(0);
}

/** What the component calls itself. Throws a `UserError` when that is not of its release. */
export function reportedVersion({ version }: CommonFlags): VersionInfo {
  if (version === undefined || version === true) return versionInfo;
  try {
    return versionCalled(version);
  } catch (error) {
    throw new UserError(`--version: ${error instanceof Error ? error.message : version}`);
  }
}

/** An empty text counts as not given, as the original's flags have it: scripts write `--flag="${FLAG}"`. */
function emptyIsAbsent(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValue(name) === '') command.setOptionValue(name, option.defaultValue);
  }
}

/** Flags that belong together, under one heading of the help. */
export interface FlagGroup {
  readonly title: string;
  readonly options: readonly Option[];
}

export function withFlagGroups(command: Command, groups: readonly FlagGroup[]): Command {
  for (const { title, options } of groups) for (const option of options) command.addOption(option.helpGroup(title));
  return command;
}

/** What every flag was given, or its default, as text by its name. To be asked for before the command line is read. */
export function flagTexts(command: Command): () => Readonly<Record<string, string>> {
  const given = new Map<string, string>();
  for (const option of command.options) command.on(`option:${option.name()}`, (text: string | null) => void given.set(option.name(), text ?? 'true'));
  return () => Object.fromEntries(command.options.map((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    // Lists grow with every time they are given.
    return [option.name(), (Array.isArray(value) ? undefined : given.get(option.name())) ?? textOf(value)];
  }));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** A flag with a text. */
export function textOption(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** A list that is given at once or one by one; what is given takes the place of the default. */
export function listOption(flags: string, description: string, initial?: readonly string[]): Option {
  const option = new Option(flags, description).argParser((given: string, before: readonly string[] | undefined) => list(given, before === initial ? undefined : before));
  return initial === undefined ? option : option.default(initial, initial.join(','));
}

export function numberOption(flags: string, description: string, initial?: number): Option {
  const option = new Option(flags, description).argParser(wholeNumber);
  return initial === undefined ? option : option.default(initial);
}

export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(durationMs);
}

/** A flag that is taken and changes nothing, because what it is for is so already; `why` tells. */
export function alreadySo(flags: string, why: string): Option {
  return withPreset(new Option(flags, `taken without effect: ${why}`).argParser((given: string) => given));
}

/** A flag for what is not built: every value but `harmless` ones is refused. */
export function notBuilt(flags: string, what: string, harmless: readonly string[] = []): Option {
  return withPreset(new Option(flags, `not built: ${what}`).argParser((given: string) => {
    if (given !== '' && !harmless.includes(given)) throw new InvalidArgumentError(`Not built: ${what}.`);
    return '';
  }));
}

/** A switch without a value is on. */
function withPreset(option: Option): Option {
  return option.optional ? option.preset('true') : option;
}

/** A flag that has one of a few values. */
export function choiceOption(flags: string, description: string, choices: readonly string[], initial?: string): Option {
  const option = new Option(flags, `${description} (${choices.join(', ')})`).argParser((given: string) => {
    if (given === '') return '';
    if (!choices.includes(given)) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    return given;
  });
  return initial === undefined ? option : option.default(initial);
}

/** Everything from 4 on is what the original calls debugging. */
export function logLevelOf({ v }: CommonFlags): LogLevel {
  return v >= 4 ? 'debug' : 'info';
}

/** A switch that can be given as `--flag`, `--flag=true` and `--flag=false`. */
export function switchOption(name: string, description: string, isOn: boolean): Option {
  return new Option(`${name} [bool]`, description).argParser(truth).preset(true).default(isOn);
}

export function truth(text: string | boolean): boolean {
  if (text === true || text === 'true' || text === '1') return true;
  if (text === false || text === 'false' || text === '0') return false;
  throw new InvalidArgumentError('It is true or false.');
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

/** `a,b` given once or several times. */
export function list(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(',').map((each) => each.trim()).filter((each) => each !== '')];
}

const unitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `300ms`, `10s`, `1m30s`. Source: Go's time.ParseDuration, as far as flags use it. */
export function durationMs(text: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) throw new InvalidArgumentError('A duration is written like 300ms, 10s or 1m30s.');
  return parts.reduce((sum, [, number = '', unit = '']) => sum + Number(number) * (unitsMs[unit] ?? 0), 0);
}

/** `30000-32767`, both included. */
export function portRange(text: string): { readonly from: number; readonly to: number } {
  const [, from = '', to = ''] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (from === '' || Number(to) < Number(from) || Number(to) > 65_535) throw new InvalidArgumentError('A port range is written like 30000-32767.');
  return { from: Number(from), to: Number(to) + 1 };
}

/** `key=value,key=value`. */
export function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(list(text, undefined).map((each) => {
    const at = each.indexOf('=');
    if (at < 1) throw new InvalidArgumentError('Pairs are written like key=value,key=value.');
    return [each.slice(0, at), each.slice(at + 1)];
  }));
}
