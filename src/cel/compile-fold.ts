/** Macros that go over lists and maps. Costs are those of the loops the original makes of them. */
import type { Expression, Fold } from './ast.ts';
import type { Compiler } from './compile.ts';
import type { Compiled, Scope } from './compiled.ts';
import { sizeRange } from './compiled.ts';
import type { Frame, Range } from './cost.ts';
import { add, either, fixed, listCost, mapCost, multiply, nothing, one } from './cost.ts';
import type { CelType } from './types.ts';
import { bool, dyn, int, listOf, mapOf, typeText } from './types.ts';
import { EvaluationError, fromJson, isList, isMap, mapEntries, mapKeys, noSuchOverload } from './values.ts';

/** Per round: of the loop's condition, and of the step without its body. */
const overheads: Readonly<Record<Fold['macro'], { readonly condition: number; readonly step: number; readonly result: number }>> = {
  all: { condition: 2, step: 1, result: 1 },
  exists: { condition: 3, step: 1, result: 1 },
  existsOne: { condition: 0, step: 2, result: 2 },
  map: { condition: 0, step: listCost + 2, result: 1 },
  filter: { condition: 0, step: listCost + 3, result: 1 },
  transformList: { condition: 0, step: listCost + 2, result: 1 },
  transformMap: { condition: 0, step: 3, result: 1 },
  transformMapEntry: { condition: 0, step: 2, result: 1 },
};

interface Loop {
  readonly range: Compiled;
  readonly slots: readonly number[];
  readonly types: readonly CelType[];
  readonly filter: Compiled | undefined;
  readonly body: Compiled;
}

export function compileFold(compiler: Compiler, fold: Fold, scope: Scope): Compiled {
  const range = compiler.compile(fold.range, scope);
  const types = variableTypes(compiler, fold, range.type);
  const names = new Map(scope.names);
  const slots = fold.variables.map((name, index) => {
    const slot = scope.slots.count++;
    names.set(name, { slot, type: types[index] ?? dyn });
    return slot;
  });
  const inner: Scope = { names, slots: scope.slots };
  const boolean = (expression: Expression): Compiled => {
    const compiled = compiler.compile(expression, inner);
    if (compiled.type.is !== 'bool' && compiled.type.is !== 'dyn') throw compiler.error(`expected type 'bool' but found '${typeText(compiled.type)}'`, expression.at);
    return compiled;
  };
  const isQuantifier = fold.macro === 'all' || fold.macro === 'exists' || fold.macro === 'existsOne';
  const body = isQuantifier ? boolean(fold.body) : compiler.compile(fold.body, inner);
  const filter = fold.filter === undefined ? undefined : boolean(fold.filter);
  const loop: Loop = { range, slots, types, filter, body };
  return { type: resultType(fold, types, body.type), cost: costOf(fold, loop), size: isQuantifier ? undefined : { min: 0, max: sizeRange(range).max }, run: runner(fold, loop) };
}

function variableTypes(compiler: Compiler, { range, variables }: Fold, of: CelType): readonly CelType[] {
  switch (of.is) {
    case 'list': return variables.length === 1 ? [of.element] : [int, of.element];
    case 'map': return variables.length === 1 ? [of.key] : [of.key, of.value];
    case 'dyn': case 'param': return variables.map(() => dyn);
    default: throw compiler.error(`expression of type '${typeText(of)}' cannot be range of a comprehension (must be list, map, or dynamic)`, range.at);
  }
}

function resultType({ macro }: Fold, types: readonly CelType[], body: CelType): CelType {
  switch (macro) {
    case 'all': case 'exists': case 'existsOne': return bool;
    case 'map': case 'transformList': return listOf(body);
    case 'filter': return listOf(types[0] ?? dyn);
    case 'transformMap': return mapOf(types[0] ?? dyn, body);
    case 'transformMapEntry': return body.is === 'map' ? body : dyn;
  }
}

function costOf({ macro }: Fold, { range, filter, body }: Loop): Range {
  const { condition, step, result } = overheads[macro];
  const isConditional = filter !== undefined || macro === 'existsOne';
  const made = macro === 'filter' ? fixed(step) : add(fixed(step), body.cost);
  const round = macro === 'existsOne' ? add(body.cost, either(fixed(step), one)) : isConditional ? add(filter?.cost ?? nothing, either(made, one)) : made;
  const start = macro === 'map' || macro === 'filter' || macro === 'transformList' ? listCost : macro === 'transformMap' || macro === 'transformMapEntry' ? mapCost : 0;
  return add(range.cost, fixed(start), multiply(sizeRange(range), add(fixed(condition), round)), fixed(result));
}

/** The elements of a range, each as the values of the variables. */
function* rounds(range: unknown, types: readonly CelType[], isPaired: boolean): Iterable<readonly unknown[]> {
  const [first = dyn, second = dyn] = types;
  if (isList(range)) {
    for (let index = 0; index < range.length; index++) yield isPaired ? [BigInt(index), fromJson(second, range[index])] : [fromJson(first, range[index])];
  } else if (isMap(range)) {
    if (isPaired) for (const [key, value] of mapEntries(range)) yield [key, fromJson(second, value)];
    else for (const key of mapKeys(range)) yield [key];
  } else throw noSuchOverload();
}

function runner(fold: Fold, loop: Loop): (frame: Frame) => unknown {
  const { macro } = fold;
  const { range, slots, types, filter, body } = loop;
  const { condition, step, result } = overheads[macro];
  const isPaired = fold.variables.length === 2;
  const enter = (frame: Frame, values: readonly unknown[]): void => {
    for (const [index, slot] of slots.entries()) frame.variables[slot] = values[index];
  };
  const truth = (frame: Frame, test: Compiled): boolean => {
    const value = test.run(frame);
    if (typeof value !== 'boolean') throw noSuchOverload();
    return value;
  };
  switch (macro) {
    case 'all': case 'exists': {
      const decisive = macro === 'exists';
      return (frame) => {
        let failure: EvaluationError | undefined;
        let isDecided = false;
        for (const values of rounds(range.run(frame), types, isPaired)) {
          frame.charge(condition);
          if (isDecided) break;
          enter(frame, values);
          frame.charge(step);
          try {
            isDecided = truth(frame, body) === decisive;
          } catch (error) {
            if (!(error instanceof EvaluationError)) throw error;
            failure ??= error;
          }
        }
        frame.charge(result);
        if (isDecided) return decisive;
        if (failure !== undefined) throw failure;
        return !decisive;
      };
    }
    case 'existsOne':
      return (frame) => {
        let count = 0;
        for (const values of rounds(range.run(frame), types, isPaired)) {
          enter(frame, values);
          if (!truth(frame, body)) continue;
          frame.charge(step);
          count++;
        }
        frame.charge(result);
        return count === 1;
      };
    case 'map': case 'filter': case 'transformList':
      return (frame) => {
        const source = range.run(frame);
        const made: unknown[] = [];
        for (const values of rounds(source, types, isPaired)) {
          enter(frame, values);
          if (filter !== undefined && !truth(frame, filter)) continue;
          frame.charge(step);
          made.push(macro === 'filter' ? values[0] : body.run(frame));
        }
        frame.charge(result);
        return made;
      };
    case 'transformMap': case 'transformMapEntry':
      return (frame) => {
        const source = range.run(frame);
        const made = new Map<unknown, unknown>();
        for (const values of rounds(source, types, true)) {
          enter(frame, values);
          if (filter !== undefined && !truth(frame, filter)) continue;
          frame.charge(step);
          const value = body.run(frame);
          if (macro === 'transformMap') made.set(values[0], value);
          else for (const [key, entry] of mapEntries(value)) {
            if (made.has(key)) throw new EvaluationError(`insert failed: key ${String(key)} already exists`);
            made.set(key, entry);
          }
        }
        frame.charge(result);
        return made;
      };
  }
}
