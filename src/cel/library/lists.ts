/** Lists and sets. Source: Kubernetes documentation, "CEL in Kubernetes: Kubernetes list library"; cel-go ext.Sets. */
import type { Range } from '../cost.ts';
import { add, fixed, listCost, multiply, one } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import { Duration, equal, EvaluationError, fromJson, noSuchOverload, sizeOf, Timestamp, Uint } from '../values.ts';
import type { CelType } from '../types.ts';
import { dyn, parseType } from '../types.ts';

const whole: Costs = { cost: ([list]) => sizeOf(list), estimate: ([list = one]) => ({ cost: list }) };

/** Elements of typed lists may lie in JSON. */
function elements(list: readonly unknown[], type: CelType): readonly unknown[] {
  return list.map((item) => fromJson(type, item));
}

function lessThan(left: unknown, right: unknown): boolean {
  if (left instanceof Uint && right instanceof Uint) return left.value < right.value;
  if ((left instanceof Timestamp || left instanceof Duration) && (right instanceof Timestamp || right instanceof Duration)) return left.nanos < right.nanos;
  if (typeof left === typeof right && typeof left !== 'object') return (left as number) < (right as number);
  if ((typeof left === 'number' || typeof left === 'bigint') && (typeof right === 'number' || typeof right === 'bigint')) return left < right;
  throw noSuchOverload();
}

const ordered = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'timestamp', 'duration', 'dyn'];
const summed = ['int', 'uint', 'double', 'duration'];

function extreme(name: string, isBetter: (candidate: unknown, best: unknown) => boolean): readonly Overload[] {
  return ordered.map((of) => overload(`list<${of}>.${name}(): ${of}`, (list: readonly unknown[]) => {
    const [first, ...rest] = elements(list, parseType(of));
    if (first === undefined) throw new EvaluationError(`${name} called on empty list`);
    return rest.reduce((best, item) => (isBetter(item, best) ? item : best), first);
  }, whole));
}

function sum(of: string): (list: readonly unknown[]) => unknown {
  return (list) => {
    const items = elements(list, parseType(of));
    switch (of) {
      case 'int': return (items as readonly bigint[]).reduce((total, item) => total + item, 0n);
      case 'uint': return new Uint((items as readonly Uint[]).reduce((total, item) => total + item.value, 0n));
      case 'duration': return new Duration((items as readonly Duration[]).reduce((total, item) => total + item.nanos, 0n));
      default: return (items as readonly number[]).reduce((total, item) => total + item, 0);
    }
  };
}

/** What it costs to call a function that makes a list. */
const making = listCost + 1;
const pairwise: Costs = { cost: ([list]) => making + 2 * sizeOf(list) ** 2, estimate: ([list = one]) => ({ cost: add(fixed(making), multiply(fixed(2), multiply(list, list))), size: list }) };

const pairs = ([left = one, right = one]: readonly Range[]): { readonly cost: Range } => ({ cost: multiply(left, right) });
const crossed: Costs = { cost: ([left, right]) => sizeOf(left) * sizeOf(right), estimate: pairs };
const includes = (list: readonly unknown[], item: unknown): boolean => list.some((each) => equal(each, item));

/** Lists in lists become one list; `depth` limits how deep. */
function flatten(list: readonly unknown[], depth: number): readonly unknown[] {
  return list.flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1) : [item]));
}

export const listLibrary: readonly Overload[] = [
  ...ordered.map((of) => overload(`list<${of}>.isSorted(): bool`, (list: readonly unknown[]) => {
    const items = elements(list, parseType(of));
    return items.every((item, index) => index === 0 || !lessThan(item, items[index - 1]));
  }, whole)),
  ...extreme('min', lessThan),
  ...extreme('max', (candidate, best) => lessThan(best, candidate)),
  ...summed.map((of) => overload(`list<${of}>.sum(): ${of}`, sum(of), whole)),
  overload('list<A>.indexOf(A): int', (list: readonly unknown[], item: unknown) => BigInt(elements(list, dyn).findIndex((each) => equal(each, item))), whole),
  overload('list<A>.lastIndexOf(A): int', (list: readonly unknown[], item: unknown) => BigInt(list.findLastIndex((each) => equal(each, item))), whole),
  overload('list<A>.slice(int, int): list<A>', (list: readonly unknown[], from: bigint, to: bigint) => {
    const refused = (why: string): EvaluationError => new EvaluationError(`cannot slice(${from}, ${to}), ${why}`);
    if (from < 0n || to < 0n) throw refused('negative indexes not supported');
    if (from > to) throw refused('start index must be less than or equal to end index');
    if (to > BigInt(list.length)) throw refused(`list is length ${list.length}`);
    return list.slice(Number(from), Number(to));
  }, { cost: ([, from, to]) => making + Number(to) - Number(from), estimate: ([list = one]) => ({ cost: add(fixed(making), list), size: { min: 0, max: list.max } }) }),
  overload('list<A>.flatten(): list<dyn>', (list: readonly unknown[]) => flatten(list, 1), whole),
  overload('list<A>.flatten(int): list<dyn>', (list: readonly unknown[], depth: bigint) => {
    if (depth < 0n) throw new EvaluationError('level must be non-negative');
    return flatten(list, Number(depth));
  }, whole),
  overload('list<A>.reverse(): list<A>', (list: readonly unknown[]) => list.toReversed(), { cost: ([list]) => making + sizeOf(list), estimate: ([list = one]) => ({ cost: add(fixed(making), list), size: list }) }),
  overload('list<A>.distinct(): list<A>', (list: readonly unknown[]) => list.filter((item, index) => list.findIndex((each) => equal(each, item)) === index), {
    ...pairwise, estimate: ([list = one]) => ({ cost: add(fixed(making), multiply(fixed(2), multiply(list, list))), size: { min: 0, max: list.max } }),
  }),
  ...ordered.map((of) => overload(`list<${of}>.sort(): list<${of}>`, (list: readonly unknown[]) => elements(list, parseType(of)).toSorted((a, b) => (lessThan(a, b) ? -1 : lessThan(b, a) ? 1 : 0)), pairwise)),
  overload('list<A>.@sortByKeys(list<B>): list<A>', (list: readonly unknown[], keys: readonly unknown[]) => list.map((item, index) => ({ item, key: keys[index] }))
    .sort((a, b) => (lessThan(a.key, b.key) ? -1 : lessThan(b.key, a.key) ? 1 : 0)).map(({ item }) => item), pairwise),
  overload('lists.range(int): list<int>', (count: bigint) => {
    if (count > 1_000_000n) throw new EvaluationError('list is too long');
    return Array.from({ length: Number(count) }, (_, index) => BigInt(index));
  }, { cost: ([count]) => making + Number(count) }),
  overload('sets.contains(list<A>, list<A>): bool', (list: readonly unknown[], wanted: readonly unknown[]) => wanted.every((item) => includes(list, item)), crossed),
  overload('sets.equivalent(list<A>, list<A>): bool', (left: readonly unknown[], right: readonly unknown[]) => left.every((item) => includes(right, item)) && right.every((item) => includes(left, item)), crossed),
  overload('sets.intersects(list<A>, list<A>): bool', (left: readonly unknown[], right: readonly unknown[]) => left.some((item) => includes(right, item)), crossed),
];
