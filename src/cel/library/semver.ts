/** Semantic versions. Source: semver.org 2.0.0; Kubernetes documentation, "CEL in Kubernetes: Kubernetes semver library". */
import { one, traversal, traversalOf } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import type { OpaqueValue } from '../values.ts';
import { EvaluationError, sizeOf } from '../values.ts';

const form = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;
const read: Costs = { cost: ([text]) => traversalOf(sizeOf(text)), estimate: ([text = one]) => ({ cost: traversal(text) }) };

class Semver implements OpaqueValue {
  readonly celType = 'kubernetes.Semver';
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
  constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    this.numbers = numbers;
    this.prerelease = prerelease;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Semver && compare(this, other) === 0;
  }
}

/** `v1.2`, ` 01.2.3 `: what people write, made a version. */
function normalized(text: string): string {
  const trimmed = text.trim().replace(/^v/, '');
  const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/s.exec(trimmed);
  if (match === null) return trimmed;
  const [, major = '0', minor = '0', patch = '0', rest = ''] = match;
  return `${[major, minor, patch].map((part) => BigInt(part)).join('.')}${rest}`;
}

function parse(text: string, normalize: boolean): Semver {
  const match = form.exec(normalize ? normalized(text) : text);
  if (match === null) throw new EvaluationError(`No Major.Minor.Patch elements found`);
  const [, major = '0', minor = '0', patch = '0', prerelease = ''] = match;
  return new Semver([major, minor, patch].map((part) => BigInt(part)), prerelease === '' ? [] : prerelease.split('.'));
}
function isSemver(text: string, normalize: boolean): boolean {
  return form.test(normalize ? normalized(text) : text);
}

function compare(left: Semver, right: Semver): number {
  for (let index = 0; index < 3; index++) {
    const a = left.numbers[index] ?? 0n;
    const b = right.numbers[index] ?? 0n;
    if (a !== b) return a < b ? -1 : 1;
  }
  if (left.prerelease.length === 0 || right.prerelease.length === 0) return Math.sign(right.prerelease.length - left.prerelease.length);
  for (let index = 0; index < Math.max(left.prerelease.length, right.prerelease.length); index++) {
    const a = left.prerelease[index];
    const b = right.prerelease[index];
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    if (a === b) continue;
    const areNumbers = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (areNumbers[0] === true && areNumbers[1] === true) return BigInt(a) < BigInt(b) ? -1 : 1;
    if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] === true ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return 0;
}

export const semverLibrary: readonly Overload[] = [
  overload('semver(string): kubernetes.Semver', (text: string) => parse(text, false), read),
  overload('semver(string, bool): kubernetes.Semver', parse, read),
  overload('isSemver(string): bool', (text: string) => isSemver(text, false), read),
  overload('isSemver(string, bool): bool', isSemver, read),
  overload('kubernetes.Semver.isLessThan(kubernetes.Semver): bool', (a: Semver, b: Semver) => compare(a, b) < 0),
  overload('kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool', (a: Semver, b: Semver) => compare(a, b) > 0),
  overload('kubernetes.Semver.compareTo(kubernetes.Semver): int', (a: Semver, b: Semver) => BigInt(compare(a, b))),
  overload('kubernetes.Semver.major(): int', ({ numbers }: Semver) => numbers[0] ?? 0n),
  overload('kubernetes.Semver.minor(): int', ({ numbers }: Semver) => numbers[1] ?? 0n),
  overload('kubernetes.Semver.patch(): int', ({ numbers }: Semver) => numbers[2] ?? 0n),
];
