/** Named formats. Source: Kubernetes documentation, "CEL in Kubernetes: Kubernetes format library". */
import { one, traversal, traversalOf } from '../cost.ts';
import type { Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import type { OpaqueValue } from '../values.ts';
import { none, Optional, sizeOf } from '../values.ts';

/** What is wrong with a text, by format; handed in by whoever has the rules. */
export type NamedFormats = Readonly<Record<string, (text: string) => readonly string[]>>;

class NamedFormat implements OpaqueValue {
  readonly celType = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly check: (text: string) => readonly string[];
  constructor(name: string, check: (text: string) => readonly string[]) {
    this.name = name;
    this.check = check;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof NamedFormat && other.name === this.name;
  }
}

export function formatLibrary(formats: NamedFormats): readonly Overload[] {
  const made = new Map(Object.entries(formats).map(([name, check]) => [name, new NamedFormat(name, check)]));
  return [
    ...[...made].map(([name, format]) => overload(`format.${name}(): kubernetes.NamedFormat`, () => format)),
    overload('format.named(string): optional<kubernetes.NamedFormat>', (name: string) => {
      const found = made.get(name);
      return found === undefined ? none : new Optional(true, found);
    }),
    overload('kubernetes.NamedFormat.validate(string): optional<list<string>>', ({ check }: NamedFormat, text: string) => {
      const problems = check(text);
      return problems.length === 0 ? none : new Optional(true, problems);
    }, { cost: ([, text]) => traversalOf(sizeOf(text)), estimate: ([, text = one]) => ({ cost: traversal(text) }) }),
  ];
}
