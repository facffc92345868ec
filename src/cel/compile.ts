/**
 * From an expression to something that runs: one walk finds the types, chooses overloads, estimates the cost and makes
 * closures. Compiled once, run often.
 *
 * Source: CEL specification; error texts as cel-go's checker and evaluator word them.
 */
import type { Call, Expression } from './ast.ts';
import { ExpressionError } from './ast.ts';
import { add, either, fixed, Frame, listCost, mapCost, nothing, objectCost, one, subtract, unbounded } from './cost.ts';
import { constantMembership, direct, dispatched, foldedConversion, inForm, lazyAlternative, literalArguments, specialLists } from './compile-call.ts';
import { compileFold } from './compile-fold.ts';
import type { Compiled, Scope } from './compiled.ts';
import { sizeRange } from './compiled.ts';
import type { FunctionTable } from './functions.ts';
import { parse, qualifiedName } from './parser.ts';
import { regularExpression } from './regular-expression.ts';
import type { Bindings, CelType, ObjectType } from './types.ts';
import { bind, bool, bytes, common, double, dyn, fits, int, listOf, mapOf, nullType, optionalOf, string, type, typeText, uint } from './types.ts';
import { EvaluationError, fromJson, isList, isMap, mapGet, none, noSuchOverload, Optional, parseDuration, parseTimestamp, TypeValue, Uint } from './values.ts';

/** What an expression may name. */
export interface Environment {
  readonly functions: FunctionTable;
  readonly variables: Readonly<Record<string, CelType>>;
  /** Types that expressions may make values of (`Object{...}`). */
  readonly types?: ReadonlyMap<string, ObjectType>;
}

export interface Program {
  readonly type: CelType;
  /** What running it can cost at most. */
  readonly maxCost: number;
  /** The variables it uses. */
  readonly uses: ReadonlySet<string>;
  /** Runs it. `value` throws an EvaluationError or a CostLimitError; `cost` is what it has cost so far. */
  run(variables: Readonly<Record<string, unknown>>, costLimit: number): Evaluation;
}
export type Evaluation = { readonly cost: number } & ({ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Error });

/** @throws ExpressionError */
export function compile(source: string, environment: Environment): Program {
  const names = Object.keys(environment.variables);
  const scope: Scope = { names: new Map(names.map((name, slot) => [name, { slot, type: environment.variables[name] ?? dyn }])), slots: { count: names.length } };
  const compiler = new Compiler(source, environment);
  const compiled = compiler.compile(parse(source), scope);
  const slots = scope.slots.count;
  return {
    type: compiled.type,
    maxCost: compiled.cost.max,
    uses: compiler.uses,
    run(variables, costLimit) {
      const values: unknown[] = [];
      for (const name of names) values.push(fromJson(environment.variables[name] ?? dyn, variables[name]));
      while (values.length < slots) values.push(undefined);
      const frame = new Frame(values, costLimit);
      try {
        return { ok: true, value: compiled.run(frame), cost: frame.cost };
      } catch (error) {
        return { ok: false, error: error instanceof Error ? error : new Error(String(error)), cost: frame.cost };
      }
    },
  };
}

const typeNames: Readonly<Record<string, string>> = {
  bool: 'bool', int: 'int', uint: 'uint', double: 'double', string: 'string', bytes: 'bytes', list: 'list', map: 'map', null_type: 'null_type', type: 'type',
  'google.protobuf.Timestamp': 'google.protobuf.Timestamp', 'google.protobuf.Duration': 'google.protobuf.Duration', optional_type: 'optional_type',
  'net.IP': 'net.IP', 'net.CIDR': 'net.CIDR', 'kubernetes.URL': 'kubernetes.URL', 'kubernetes.Quantity': 'kubernetes.Quantity', 'kubernetes.Semver': 'kubernetes.Semver',
};

/** Undefined for names that are no types, those of every object's own properties among them. */
function typeNameOf(name: string): string | undefined {
  return Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;
}

export class Compiler {
  readonly #source: string;
  readonly #environment: Environment;
  readonly uses = new Set<string>();
  /** What is formatted may be of any types; elsewhere the items of a list are of one. */
  #isFormatting = false;

  constructor(source: string, environment: Environment) {
    this.#source = source;
    this.#environment = environment;
  }

  error(reason: string, at: number): ExpressionError {
    return new ExpressionError(reason, this.#source, at);
  }

  compile(expression: Expression, scope: Scope): Compiled {
    switch (expression.is) {
      case 'literal': return literal(expression.value);
      case 'name': return this.#name(expression.name, expression.at, scope);
      case 'select': return this.#select(expression, scope);
      case 'call': return this.#call(expression, scope);
      case 'list': return this.#list(expression, scope);
      case 'map': return this.#map(expression, scope);
      case 'object': return this.#object(expression, scope);
      case 'fold': return compileFold(this, expression, scope);
      case 'bind': return this.#bind(expression, scope);
    }
  }

  #name(name: string, at: number, scope: Scope): Compiled {
    const found = scope.names.get(name.replace(/^\./, ''));
    if (found !== undefined) {
      this.uses.add(name);
      const { slot } = found;
      return {
        type: found.type, size: found.size, cost: one,
        run(frame) {
          frame.charge(1);
          return frame.variables[slot];
        },
      };
    }
    const typeName = typeNameOf(name);
    if (typeName === undefined) throw this.error(`undeclared reference to '${name}' (in container '')`, at);
    const value = new TypeValue(typeName);
    return { type, cost: one, run: () => value };
  }

  #select(expression: Expression & { readonly is: 'select' }, scope: Scope): Compiled {
    const { field, at, tests } = expression;
    const qualified = qualifiedName(expression);
    const typeName = tests || scope.names.has(qualified.split('.')[0] ?? '') ? undefined : typeNameOf(qualified);
    if (typeName !== undefined) {
      const value = new TypeValue(typeName);
      return { type, cost: one, run: () => value };
    }
    const operand = this.compile(expression.operand, scope);
    const cost = add(operand.cost, one);
    const { run } = operand;
    if (operand.type.is === 'optional') {
      const of = this.#fieldType(operand.type.of, field, at);
      return { type: tests ? bool : optionalOf(of.type), cost, run: (frame) => {
        const value = run(frame) as Optional;
        const found = value.hasValue ? readField(value.value, of.key) : undefined;
        if (tests) return found !== undefined;
        if (found !== undefined) frame.charge(1);
        return found === undefined ? none : new Optional(true, fromJson(of.type, found));
      } };
    }
    const of = this.#fieldType(operand.type, field, at);
    // A field that a schema declares and that is null counts as not set.
    const isDeclared = operand.type.is === 'object';
    const isSet = (found: unknown): boolean => found !== undefined && !(isDeclared && found === null);
    if (tests) return { type: bool, cost: subtract(operand.cost, 1), run: (frame) => isSet(readField(run(frame), of.key)) };
    return { type: of.type, cost, run: (frame) => {
      const value = run(frame);
      frame.charge(1);
      const found = readField(value, of.key);
      if (!isSet(found)) throw new EvaluationError(`no such key: ${field}`);
      return fromJson(of.type, found);
    } };
  }

  #fieldType(operand: CelType, field: string, at: number): { readonly key: string; readonly type: CelType } {
    switch (operand.is) {
      case 'object': {
        const found = operand.fields.get(field);
        if (found === undefined) throw this.error(`undefined field '${field}'`, at);
        return found;
      }
      case 'map':
        return { key: field, type: operand.value };
      case 'dyn': case 'param':
        return { key: field, type: dyn };
      default:
        throw this.error(`type '${typeText(operand)}' does not support field selection`, at);
    }
  }

  #list({ items, optional }: Expression & { readonly is: 'list' }, scope: Scope): Compiled {
    const compiled = items.map((item) => this.compile(item, scope));
    let element: CelType | undefined;
    for (const [index, item] of compiled.entries()) {
      const of = optional.has(index) && item.type.is === 'optional' ? item.type.of : item.type;
      element = element === undefined ? of : this.#sameType(element, of, items[index]);
    }
    const runs = compiled.map(({ run }) => run);
    const cost = add(fixed(listCost), ...compiled.map((each) => each.cost));
    const listType = listOf(element ?? { is: 'param', name: 'T' });
    const size = { min: items.length - optional.size, max: items.length };
    if (compiled.every(({ constant }) => constant !== undefined) && optional.size === 0) {
      const value = compiled.map(({ constant }) => constant?.value);
      return { type: listType, cost, size, constant: { value }, run: () => value };
    }
    if (optional.size === 0) return { type: listType, cost, size, run: (frame) => {
      const values = runs.map((run) => run(frame));
      frame.charge(listCost);
      return values;
    } };
    return { type: listType, cost, size, run: (frame) => {
      frame.charge(listCost);
      return runs.flatMap((run, index) => {
        const value = run(frame);
        if (!optional.has(index) || !(value instanceof Optional)) return [value];
        return value.hasValue ? [value.value] : [];
      });
    } };
  }

  #map({ entries }: Expression & { readonly is: 'map' }, scope: Scope): Compiled {
    const compiled = entries.map(({ key, value, isOptional }) => ({ key: this.compile(key, scope), value: this.compile(value, scope), isOptional }));
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const [index, entry] of compiled.entries()) {
      const of = entry.isOptional && entry.value.type.is === 'optional' ? entry.value.type.of : entry.value.type;
      key = key === undefined ? entry.key.type : this.#sameType(key, entry.key.type, entries[index]?.key);
      value = value === undefined ? of : this.#sameType(value, of, entries[index]?.value);
    }
    const declared: Compiled = {
      type: mapOf(key ?? { is: 'param', name: 'K' }, value ?? { is: 'param', name: 'V' }),
      cost: add(fixed(mapCost), ...compiled.flatMap((entry) => [entry.key.cost, entry.value.cost])),
      size: fixed(entries.length),
      run: noSuchOverload,
    };
    const keys = compiled.map((entry) => entry.key.constant?.value);
    if (compiled.every((entry) => entry.key.constant !== undefined && entry.value.constant !== undefined && !entry.isOptional) && new Set(keys).size === keys.length) {
      const made = new Map(compiled.map((entry, index) => [keys[index], entry.value.constant?.value]));
      return { ...declared, constant: { value: made }, run: () => made };
    }
    return {
      ...declared,
      run: (frame) => {
        frame.charge(mapCost);
        const made = new Map<unknown, unknown>();
        for (const entry of compiled) {
          const name = entry.key.run(frame);
          const content = entry.value.run(frame);
          if (made.has(name)) throw new EvaluationError(`Failed with repeated key`);
          if (!entry.isOptional || !(content instanceof Optional)) made.set(name, content);
          else if (content.hasValue) made.set(name, content.value);
        }
        return made;
      },
    };
  }

  #sameType(wanted: CelType, given: CelType, where: Expression | undefined): CelType {
    const of = common(wanted, given) ?? (this.#isFormatting ? dyn : undefined);
    if (of === undefined) throw this.error(`expected type '${typeText(wanted)}' but found '${typeText(given)}'`, where?.at ?? 0);
    return of;
  }

  #object({ name, fields, at }: Expression & { readonly is: 'object' }, scope: Scope): Compiled {
    const declared = this.#environment.types?.get(name);
    if (declared === undefined) throw this.error(`undeclared reference to '${name}' (in container '')`, at);
    const compiled = fields.map((field) => {
      const known = declared.fields.get(field.name);
      if (known === undefined) throw this.error(`undefined field '${field.name}'`, field.value.at);
      const value = this.compile(field.value, scope);
      const given = field.isOptional && value.type.is === 'optional' ? value.type.of : value.type;
      if (!fits(known.type, given, new Map())) throw this.error(`expected type of field '${field.name}' is '${typeText(known.type)}' but provided type is '${typeText(given)}'`, field.value.at);
      return { key: known.key, value, isOptional: field.isOptional };
    });
    return {
      type: declared,
      cost: add(fixed(objectCost), ...compiled.map(({ value }) => value.cost)),
      run: (frame) => {
        frame.charge(objectCost);
        const made: Record<string, unknown> = {};
        for (const { key, value, isOptional } of compiled) {
          const content = value.run(frame);
          if (!isOptional || !(content instanceof Optional)) made[key] = content;
          else if (content.hasValue) made[key] = content.value;
        }
        return made;
      },
    };
  }

  #bind({ variable, value, body }: Expression & { readonly is: 'bind' }, scope: Scope): Compiled {
    const bound = this.compile(value, scope);
    const slot = scope.slots.count++;
    const inner = this.compile(body, { names: new Map([...scope.names, [variable, { slot, type: bound.type, size: bound.size }]]), slots: scope.slots });
    return {
      type: inner.type, size: inner.size, cost: add(bound.cost, inner.cost, fixed(listCost + 1)),
      run: (frame) => {
        frame.variables[slot] = bound.run(frame);
        frame.charge(1);
        return inner.run(frame);
      },
    };
  }

  #call(expression: Call, scope: Scope): Compiled {
    const { name, target, args, at } = expression;
    switch (name) {
      case '_&&_': return this.#logical(expression, scope, false);
      case '_||_': return this.#logical(expression, scope, true);
      case '_?_:_': return this.#conditional(expression, scope);
      case '_[_]': case '_[?_]': case '_?._': return this.#index(expression, scope);
      default:
    }
    // A qualified name before the dot may be part of the function's own name.
    const namespace = target === undefined ? '' : qualifiedName(target);
    if (namespace !== '' && !scope.names.has(namespace.split('.')[0] ?? '') && this.#environment.functions.has(`${namespace}.${name}`)) {
      return this.#invoke(`${namespace}.${name}`, false, args.map((each) => this.compile(each, scope)), at);
    }
    const parts = [...(target === undefined ? [] : [target]), ...args];
    const wasFormatting = this.#isFormatting;
    this.#isFormatting = name === 'format';
    const all = parts.map((each) => inForm(this.compile(each, scope)));
    this.#isFormatting = wasFormatting;
    this.#checkLiterals(name, all, parts);
    const alternative = target === undefined ? undefined : lazyAlternative(name, all);
    if (alternative !== undefined) return alternative;
    return this.#invoke(name, target !== undefined, all, at);
  }

  /** Patterns and times that stand in the expression itself must be good. */
  #checkLiterals(name: string, args: readonly Compiled[], parts: readonly Expression[]): void {
    const index = literalArguments[name];
    const constant = index === undefined ? undefined : args[index]?.constant;
    if (index === undefined || typeof constant?.value !== 'string') return;
    try {
      if (name === 'duration') parseDuration(constant.value);
      else if (name === 'timestamp') parseTimestamp(constant.value);
      else regularExpression(constant.value);
    } catch {
      throw this.error(`invalid ${name} argument`, parts[index]?.at ?? 0);
    }
  }

  #invoke(name: string, isMember: boolean, args: readonly Compiled[], at: number): Compiled {
    const { functions } = this.#environment;
    if (!functions.has(name)) throw this.error(`undeclared reference to '${name}' (in container '')`, at);
    const special = specialLists(name, args);
    if (special !== undefined) return special;
    const candidates = functions.find(name, isMember, args.length).map((overload) => ({ overload, bindings: new Map() as Bindings }))
      .filter(({ overload, bindings }) => overload.params.every((param, index) => fits(param, args[index]?.type ?? dyn, bindings)));
    const [first] = candidates;
    if (first === undefined) {
      const [receiver, ...rest] = args.map((each) => typeText(each.type));
      throw this.error(`found no matching overload for '${name}' applied to '${isMember ? `${receiver}.(${rest.join(', ')})` : `(${[receiver, ...rest].filter((each) => each !== undefined).join(', ')})`}'`, at);
    }
    const results = candidates.map(({ overload, bindings }) => bind(overload.result, bindings));
    const result = results.reduce<CelType>((sum, each) => (typeText(sum) === typeText(each) ? sum : dyn), results[0] ?? dyn);
    const estimates = candidates.map(({ overload }) => overload.estimate?.(args.map(sizeRange)) ?? { cost: one });
    const cost = add(...args.map((each) => each.cost), estimates.map((each) => each.cost).reduce(either));
    const size = estimates.length === 1 ? estimates[0]?.size : undefined;
    const folded = foldedConversion(name, first.overload, args);
    if (folded !== undefined) return { type: result, cost, size, constant: folded, run: () => folded.value };
    const listed = constantMembership(name, args);
    if (listed !== undefined) return { type: result, cost, run: listed };
    const isCertain = candidates.length === 1 && args.every((each, index) => each.type.is !== 'dyn' || first.overload.params[index]?.is === 'dyn' || first.overload.params[index]?.is === 'param');
    return { type: result, cost, size, run: isCertain ? direct(first.overload, args) : dispatched(candidates.map(({ overload }) => overload), args) };
  }

  /** The first side that decides wins, also over an error of the other. */
  #logical({ args, name }: Call, scope: Scope, decisive: boolean): Compiled {
    const [left, right] = args.map((each) => this.#condition(each, scope, name));
    if (left === undefined || right === undefined) throw noSuchOverload();
    return {
      type: bool,
      cost: { min: left.cost.min, max: Math.min(unbounded, left.cost.max + right.cost.max) },
      run(frame) {
        let failure: EvaluationError | undefined;
        try {
          const value = left.run(frame);
          if (value === decisive) return decisive;
          if (typeof value !== 'boolean') failure = noSuchOverload();
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          failure = error;
        }
        const value = right.run(frame);
        if (value === decisive) return decisive;
        if (failure !== undefined) throw failure;
        if (typeof value !== 'boolean') throw noSuchOverload();
        return value;
      },
    };
  }

  #condition(expression: Expression, scope: Scope, operator: string): Compiled {
    const compiled = this.compile(expression, scope);
    if (compiled.type.is !== 'bool' && compiled.type.is !== 'dyn') throw this.error(`expected type 'bool' but found '${typeText(compiled.type)}'`, expression.at);
    void operator;
    return compiled;
  }

  #conditional({ args, at }: Call, scope: Scope): Compiled {
    const [test, yes, no] = args;
    if (test === undefined || yes === undefined || no === undefined) throw noSuchOverload();
    const condition = this.#condition(test, scope, '_?_:_');
    const left = this.compile(yes, scope);
    const right = this.compile(no, scope);
    const of = common(left.type, right.type);
    if (of === undefined) throw this.error(`found no matching overload for '_?_:_' applied to '(bool, ${typeText(left.type)}, ${typeText(right.type)})'`, at);
    return {
      type: of, cost: add(condition.cost, either(left.cost, right.cost)), size: either(sizeRange(left), sizeRange(right)),
      run(frame) {
        const value = condition.run(frame);
        if (typeof value !== 'boolean') throw noSuchOverload();
        return value ? left.run(frame) : right.run(frame);
      },
    };
  }

  /** `x[k]`, `x[?k]` and `x.?k`. */
  #index({ name, args, at }: Call, scope: Scope): Compiled {
    const [operand, index] = args.map((each) => this.compile(each, scope));
    if (operand === undefined || index === undefined) throw noSuchOverload();
    const isOptional = name !== '_[_]' || operand.type.is === 'optional';
    const container = operand.type.is === 'optional' ? operand.type.of : operand.type;
    const of = this.#elementType(container, index.type, args[1], name, at);
    const cost = add(operand.cost, index.cost, one);
    // A name or field as the key is a step of the same path.
    const step = args[1]?.is === 'name' || args[1]?.is === 'select' ? 0 : 1;
    const read = (frame: Frame): unknown => {
      const outer = operand.run(frame);
      const key = index.run(frame);
      frame.charge(step);
      if (!(outer instanceof Optional)) return readIndex(outer, key, of);
      return outer.hasValue ? readIndex(outer.value, key, of) : undefined;
    };
    if (isOptional) return { type: optionalOf(of), cost, run: (frame) => {
      try {
        const found = read(frame);
        return found === undefined ? none : new Optional(true, found);
      } catch (error) {
        if (error instanceof EvaluationError && error.message.startsWith('index out of bounds')) return none;
        throw error;
      }
    } };
    return { type: of, cost, run: (frame) => {
      const found = read(frame);
      if (found === undefined) throw new EvaluationError('no such key');
      return found;
    } };
  }

  #elementType(container: CelType, index: CelType, key: Expression | undefined, name: string, at: number): CelType {
    switch (container.is) {
      case 'list':
        if (index.is === 'int' || index.is === 'uint' || index.is === 'double' || index.is === 'dyn') return container.element;
        break;
      case 'map':
        if (fits(container.key, index, new Map())) return container.value;
        break;
      case 'dyn': case 'param':
        return dyn;
      case 'object':
        if (name === '_?._' && key?.is === 'literal') return this.#fieldType(container, String(key.value), at).type;
        break;
      default:
    }
    throw this.error(`found no matching overload for '${name}' applied to '(${typeText(container)}, ${typeText(index)})'`, at);
  }
}

function literal(value: unknown): Compiled {
  const made = { run: (): unknown => value, cost: nothing, constant: { value } };
  switch (typeof value) {
    case 'boolean': return { ...made, type: bool };
    case 'bigint': return { ...made, type: int };
    case 'number': return { ...made, type: double };
    case 'string': return { ...made, type: string, size: fixed(value.length) };
    default:
  }
  if (value instanceof Uint) return { ...made, type: uint };
  if (value instanceof Uint8Array) return { ...made, type: bytes, size: fixed(value.length) };
  return { ...made, type: nullType };
}

/** undefined when there is no such field. @throws EvaluationError when it is nothing that has fields */
function readField(value: unknown, key: string): unknown {
  if (value instanceof Map) return mapGet(value, key);
  if (typeof value !== 'object' || value === null || isList(value)) throw noSuchOverload();
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** undefined when a map has no such key. @throws EvaluationError when a list is not that long */
function readIndex(container: unknown, key: unknown, of: CelType): unknown {
  if (isList(container)) {
    const index = key instanceof Uint ? Number(key.value) : Number(key);
    if (typeof key === 'string' || !Number.isInteger(index)) throw noSuchOverload();
    if (index < 0 || index >= container.length) throw new EvaluationError(`index out of bounds: ${index}`);
    return fromJson(of, container[index]);
  }
  if (!isMap(container)) throw noSuchOverload();
  const found = mapGet(container, key);
  if (found === undefined && typeof key === 'string' && !(container instanceof Map)) return undefined;
  return found === undefined ? undefined : fromJson(of, found);
}
