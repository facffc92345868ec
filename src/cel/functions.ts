/** How functions and operators are declared. */
import type { Range } from './cost.ts';
import type { CelType } from './types.ts';
import { parseType, splitTopLevel } from './types.ts';

export type Implementation = (...args: never[]) => unknown;

export interface Overload {
  readonly name: string;
  /** Called as `x.f()`; `params` then starts with the type of x. */
  readonly isMember: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly run: (...args: unknown[]) => unknown;
  /** What a call has cost. Default: 1. */
  readonly cost: ((args: readonly unknown[], result: unknown) => number) | undefined;
  /** What a call can cost and how big its result can be, by the sizes of its arguments. Default: 1, unknown. */
  readonly estimate: ((sizes: readonly Range[]) => Estimate) | undefined;
}
export interface Estimate {
  readonly cost: Range;
  readonly size?: Range;
}
export type Costs = Partial<Pick<Overload, 'cost' | 'estimate'>>;

const receivers = /^(?:bool|int|uint|double|string|bytes|null|dyn|timestamp|duration|type|[A-Z]|(?:list|map|optional)<.*>|[\w.]*[A-Z]\w*)$/;

/**
 * `string.startsWith(string): bool` is a method, `size(string): int` and `ip.isCanonical(string): bool` are functions.
 * What is wrong with arguments at run time, `run` throws as an EvaluationError.
 */
export function overload(signature: string, run: Implementation, costs: Costs = {}): Overload {
  const match = /^(?:(.+)\.)?([\w@?:[\]!%&|<>=+\-*/]+)\((.*)\): (.+)$/.exec(signature);
  if (match === null) throw new Error(`cannot read the signature ${signature}`);
  const [, prefix, name = '', params = '', result = ''] = match;
  const isMember = prefix !== undefined && receivers.test(prefix);
  return {
    name: prefix === undefined || isMember ? name : `${prefix}.${name}`,
    isMember,
    params: [...(isMember ? [prefix] : []), ...splitTopLevel(params)].map(parseType),
    result: parseType(result),
    run: run as (...args: unknown[]) => unknown,
    cost: costs.cost,
    estimate: costs.estimate,
  };
}

/** Functions by name and number of arguments. */
export class FunctionTable {
  readonly #overloads = new Map<string, Overload[]>();
  readonly #names = new Set<string>();

  constructor(libraries: readonly (readonly Overload[])[]) {
    for (const each of libraries.flat()) {
      const key = keyOf(each.name, each.isMember, each.params.length);
      const same = this.#overloads.get(key);
      if (same === undefined) this.#overloads.set(key, [each]);
      else same.push(each);
      this.#names.add(each.name);
    }
  }

  /** `arity` counts the receiver. */
  find(name: string, isMember: boolean, arity: number): readonly Overload[] {
    return this.#overloads.get(keyOf(name, isMember, arity)) ?? [];
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}

function keyOf(name: string, isMember: boolean, arity: number): string {
  return `${isMember ? '.' : ''}${name}/${arity}`;
}
