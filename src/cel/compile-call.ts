/** Ways to carry out a call, chosen once when an expression is compiled. */
import type { Compiled } from './compiled.ts';
import { sizeRange } from './compiled.ts';
import type { Frame } from './cost.ts';
import { add, either } from './cost.ts';
import type { Overload } from './functions.ts';
import { identityEqual, identityMerge } from './identity.ts';
import { bool, common, optionalOf } from './types.ts';
import type { Optional } from './values.ts';
import { equal, fromJson, isList, isOf, noSuchOverload } from './values.ts';

export function direct({ run, cost }: Overload, args: readonly Compiled[]): (frame: Frame) => unknown {
  const [first, second] = args;
  if (args.length === 1 && first !== undefined) return (frame) => {
    const value = first.run(frame);
    const result = run(value);
    frame.charge(cost === undefined ? 1 : cost([value], result));
    return result;
  };
  if (args.length === 2 && first !== undefined && second !== undefined) return (frame) => {
    const left = first.run(frame);
    const right = second.run(frame);
    const result = run(left, right);
    frame.charge(cost === undefined ? 1 : cost([left, right], result));
    return result;
  };
  return (frame) => {
    const values = args.map((each) => each.run(frame));
    const result = run(...values);
    frame.charge(cost === undefined ? 1 : cost(values, result));
    return result;
  };
}

/** Where types are not certain, the values choose. */
export function dispatched(candidates: readonly Overload[], args: readonly Compiled[]): (frame: Frame) => unknown {
  return (frame) => {
    const values = args.map((each) => each.run(frame));
    const chosen = candidates.find(({ params }) => params.every((param, index) => isOf(param, values[index])));
    if (chosen === undefined) throw noSuchOverload();
    const result = chosen.run(...values);
    frame.charge(chosen.cost === undefined ? 1 : chosen.cost(values, result));
    return result;
  };
}

/** Equality and addition of lists whose items have identities. */
export function specialLists(name: string, [left, right]: readonly Compiled[]): Compiled | undefined {
  if (left === undefined || right === undefined || left.type.is !== 'list' || right.type.is !== 'list') return undefined;
  const { identity } = left.type;
  if (identity === undefined) return undefined;
  const cost = add(left.cost, right.cost, either(sizeRange(left), sizeRange(right)));
  if (name === '_==_' || name === '_!=_') return { type: bool, cost, run: (frame) => {
    const a = left.run(frame) as readonly unknown[];
    const b = right.run(frame) as readonly unknown[];
    frame.charge(Math.ceil(Math.min(a.length, b.length) * 0.1));
    return identityEqual(identity, a, b) === (name === '_==_');
  } };
  if (name !== '_+_') return undefined;
  const size = add(sizeRange(left), sizeRange(right));
  return { type: left.type, cost, size, run: (frame) => {
    const merged = identityMerge(identity, left.run(frame) as readonly unknown[], right.run(frame) as readonly unknown[]);
    frame.charge(1);
    return merged;
  } };
}

/** Lists of what JSON has no form for are brought into the form of expressions before functions see them. */
export function inForm(compiled: Compiled): Compiled {
  const { type: of, run } = compiled;
  if (of.is !== 'list' || !['timestamp', 'duration', 'bytes'].includes(of.element.is)) return compiled;
  return { ...compiled, run: (frame) => (run(frame) as readonly unknown[]).map((item) => fromJson(of.element, item)) };
}

/** Which argument is looked at before anything runs, where it is a literal. */
export const literalArguments: Readonly<Record<string, number>> = { matches: 1, find: 1, findAll: 1, duration: 0, timestamp: 0 };
const conversions = new Set(['bool', 'bytes', 'double', 'duration', 'int', 'string', 'timestamp', 'uint']);

/** Conversions of literals are done once. */
export function foldedConversion(name: string, { run, isMember }: Overload, [only, ...others]: readonly Compiled[]): { readonly value: unknown } | undefined {
  if (isMember || others.length > 0 || only?.constant === undefined || !conversions.has(name)) return undefined;
  try {
    return { value: run(only.constant.value) };
  } catch {
    // What fails, fails when it is run.
    return undefined;
  }
}

/** `x in ["a", "b"]` is a look into a set. */
export function constantMembership(name: string, [item, list]: readonly Compiled[]): ((frame: Frame) => unknown) | undefined {
  if (name !== '@in' || item === undefined || !isList(list?.constant?.value)) return undefined;
  const values = list.constant.value;
  const texts = new Set(values);
  const areTexts = values.every((value) => typeof value === 'string');
  return (frame) => {
    const value = item.run(frame);
    return areTexts ? texts.has(value) : values.some((each) => equal(each, value));
  };
}

/** `x.or(y)` and `x.orValue(y)` look at y only when there is no x. */
export function lazyAlternative(name: string, [first, second, third]: readonly Compiled[]): Compiled | undefined {
  if ((name !== 'or' && name !== 'orValue') || first?.type.is !== 'optional' || second === undefined || third !== undefined) return undefined;
  const given = name === 'or' && second.type.is === 'optional' ? second.type.of : second.type;
  const of = common(first.type.of, given);
  if (of === undefined || (name === 'or' && second.type.is !== 'optional' && second.type.is !== 'dyn')) return undefined;
  return {
    type: name === 'or' ? optionalOf(of) : of, cost: add(first.cost, second.cost),
    run(frame) {
      const value = first.run(frame) as Optional;
      if (!value.hasValue) return second.run(frame);
      return name === 'or' ? value : value.value;
    },
  };
}
