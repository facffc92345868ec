import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** Where the tests of conformance requirements are. */
export const conformanceFolder = 'test/conformance/';
/** Kubernetes' list of what a conformant cluster shows; it is no part of this repository. */
const list = new URL('../../../../shared/spec/conformance-requirements.yaml', import.meta.url);

/** The codenames of all requirements; undefined where the list is not here. */
export function readCodenames(): readonly string[] | undefined {
  if (!existsSync(list)) return undefined;
  return (parse(readFileSync(list, 'utf8')) as { readonly codename: string }[]).map((each) => each.codename);
}

/** Pure: a line per group with how many of its requirements a test has just shown, the sum, and what no test has shown. */
export function conformanceReport(passed: ReadonlySet<string>, codenames: readonly string[] = [...passed].filter((name) => groupOf(name) !== '')): readonly string[] {
  const groups = new Map<string, { shown: number; all: number }>();
  const open: string[] = [];
  for (const codename of [...codenames].sort()) {
    const group = groupOf(codename);
    const counts = groups.get(group) ?? { shown: 0, all: 0 };
    groups.set(group, counts);
    counts.all++;
    if (passed.has(codename)) counts.shown++;
    else open.push(codename);
  }
  const width = Math.max(0, ...[...groups.keys()].map((each) => each.length));
  return [
    ...[...groups].map(([group, { shown, all }]) => `${group.padEnd(width)}  ${shown} of ${all}`),
    `${codenames.length - open.length} of ${codenames.length} conformance requirements are shown by a passing test`,
    ...open.map((codename) => `not shown: ${codename}`),
  ];
}

/** `sig-apps` of `[sig-apps] Job should ...`; empty for names of other tests. */
function groupOf(name: string): string {
  return /^\[(sig-[a-z-]+)\] /.exec(name)?.[1] ?? '';
}
