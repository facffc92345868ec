/**
 * The Pod Security Standards: which checks a level has, by the version of Kubernetes that it is of. Pure.
 *
 * Source: Kubernetes documentation, "Pod Security Standards"; words as the admission plugin has them.
 */
import type { PodSpec } from '#api/core/pod-template.ts';
import { baselineChecks } from './baseline.ts';
import { restrictedChecks } from './restricted.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';
export const levels: readonly string[] = ['privileged', 'baseline', 'restricted'];

/** The minor version of v1.x; Infinity is `latest`. */
export type MinorVersion = number;

/** What a pod is judged by. */
export interface JudgedPod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

export interface Violation {
  /** `privileged`: what is wrong, in two words. */
  readonly reason: string;
  /** Who has to do what about it. */
  readonly detail: string;
}

export interface Check {
  readonly id: string;
  /** The first minor version that has it. */
  readonly since: MinorVersion;
  /** The last one. */
  readonly until?: MinorVersion;
  /** Checks of lower levels that it takes the place of. */
  readonly replaces?: readonly string[];
  readonly run: (pod: JudgedPod, version: MinorVersion) => Violation | undefined;
}

/** What of a pod is not allowed at a level, in the order of the checks' names. */
export function judge(pod: JudgedPod, level: Level, version: MinorVersion): readonly Violation[] {
  if (level === 'privileged') return [];
  const applies = ({ since, until = Infinity }: Check): boolean => version >= since && version <= until;
  const restricted = level === 'restricted' ? restrictedChecks.filter(applies) : [];
  const replaced = new Set(restricted.flatMap(({ replaces = [] }) => replaces));
  const checks = [...baselineChecks.filter((check) => applies(check) && !replaced.has(check.id)), ...restricted];
  return checks.toSorted((left, right) => (left.id < right.id ? -1 : 1)).flatMap((check) => check.run(pod, version) ?? []);
}

/** `allowPrivilegeEscalation != false (container "c" must set ...), ...`. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}
