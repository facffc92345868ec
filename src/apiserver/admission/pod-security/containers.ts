import type { Container, EphemeralContainer, SecurityContext } from '#api/core/container.ts';
import type { JudgedPod } from './standard.ts';

export type AnyContainer = Container | EphemeralContainer;

/** Init containers, containers, ephemeral ones. */
export function containersOf({ spec }: JudgedPod): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}

/** The names of the containers whose security context is as `isBad` says. */
export function offenders(pod: JudgedPod, isBad: (context: SecurityContext | undefined, container: AnyContainer) => boolean): readonly string[] {
  return containersOf(pod).filter((container) => isBad(container.securityContext, container)).map(({ name }) => name);
}

/** `container "a"`, `containers "a", "b"`. */
export function named(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

export function quoted(values: Iterable<string>): string {
  return [...new Set(values)].map((value) => JSON.stringify(value)).join(', ');
}

/** Windows pods have none of what Linux restricts. */
export function isWindows({ spec }: JudgedPod): boolean {
  return spec.os?.name === 'windows';
}
