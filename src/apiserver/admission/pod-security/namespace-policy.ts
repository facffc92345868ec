/** What a namespace's labels ask of its pods. Pure. Source: Kubernetes documentation, "Pod Security Admission". */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { Level, MinorVersion } from './standard.ts';
import { levels } from './standard.ts';

export const modes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof modes)[number];
const prefix = 'pod-security.kubernetes.io/';

export interface LevelVersion {
  readonly level: Level;
  readonly version: MinorVersion;
}
export type NamespacePolicy = Readonly<Record<Mode, LevelVersion>>;

type Labels = Readonly<Record<string, string>> | undefined;

/** What holds where a namespace says nothing. */
export const nothingAsked: NamespacePolicy = {
  enforce: { level: 'privileged', version: Infinity }, audit: { level: 'privileged', version: Infinity }, warn: { level: 'privileged', version: Infinity },
};

/** Labels that say nothing leave the defaults; those that cannot be read ask for the most, so that a mistake lets nothing through. */
export function policyOf(labels: Labels, defaults: NamespacePolicy = nothingAsked): NamespacePolicy {
  const of = (mode: Mode): LevelVersion => {
    const level = labels?.[`${prefix}${mode}`];
    const named = labels?.[`${prefix}${mode}-version`];
    const version = named === undefined ? defaults[mode].version : (parseVersion(named) ?? Infinity);
    if (level === undefined || level === '') return { level: defaults[mode].level, version };
    return { level: levels.includes(level) ? (level as Level) : 'restricted', version };
  };
  return { enforce: of('enforce'), audit: of('audit'), warn: of('warn') };
}

/** `v1.25` or `latest`. */
export function parseVersion(text: string): MinorVersion | undefined {
  if (text === 'latest' || text === '') return Infinity;
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** `restricted:latest`. */
export function describeLevel({ level, version }: LevelVersion): string {
  return `${level}:${version === Infinity ? 'latest' : `v1.${version}`}`;
}

/** What is wrong with the labels of a namespace; what was so before may stay. */
export function* labelErrors(labels: Labels, old: Labels): Iterable<FieldError> {
  for (const mode of modes) {
    for (const [key, isValid, expected] of [
      [`${prefix}${mode}`, (value: string) => value === '' || levels.includes(value), `must be one of ${levels.join(', ')}`],
      [`${prefix}${mode}-version`, (value: string) => parseVersion(value) !== undefined, 'must be "latest" or "v1.x"'],
    ] as const) {
      const value = labels?.[key];
      if (value !== undefined && value !== old?.[key] && !isValid(value)) yield invalidValue(`metadata.labels[${key}]`, value, expected);
    }
  }
}
