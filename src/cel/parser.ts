/**
 * From text to expression. Source: CEL specification, "Syntax" and "Macros"; cel-go's optional values, bindings and
 * two-variable comprehensions.
 */
import type { Call, Entry, Expression, FoldMacro, ObjectEntry } from './ast.ts';
import { ExpressionError } from './ast.ts';
import type { Token } from './lexer.ts';
import { tokensOf } from './lexer.ts';

/** As cel-go's parser: deeper expressions are refused. */
const maxDepth = 250;
/** Longer expressions than any sensible rule. */
const maxLength = 100_000;

const reserved = new Set(['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);

/** @throws ExpressionError */
export function parse(source: string): Expression {
  if (source.length > maxLength) throw new ExpressionError(`expression code point size exceeds limit: size: ${source.length}, limit ${maxLength}`, '', 0);
  return new Parser(source).whole();
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokensOf(source);
  }

  whole(): Expression {
    const expression = this.#expression();
    if (this.#token.is !== 'end') throw this.#unexpected();
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { is: 'end', at: this.#source.length, text: '<EOF>' };
  }
  #isAt(text: string): boolean {
    const token = this.#token;
    return token.is === 'symbol' && token.text === text;
  }
  #take(): Token {
    const token = this.#token;
    this.#next++;
    return token;
  }
  #skip(text: string): boolean {
    if (!this.#isAt(text)) return false;
    this.#next++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#skip(text)) throw this.#unexpected(`'${text}'`);
  }
  #unexpected(expected?: string): ExpressionError {
    const { at, text, is } = this.#token;
    const what = is === 'end' ? "'<EOF>'" : `'${text}'`;
    return this.#error(expected === undefined ? `Syntax error: mismatched input ${what} expecting <EOF>` : `Syntax error: mismatched input ${what} expecting ${expected}`, at);
  }
  #error(reason: string, at: number): ExpressionError {
    return new ExpressionError(reason, this.#source, at);
  }

  #expression(): Expression {
    if (++this.#depth > maxDepth) throw this.#error(`expression recursion limit exceeded: ${maxDepth}`, this.#token.at);
    const condition = this.#binary(0);
    let result = condition;
    if (this.#isAt('?')) {
      const { at } = this.#take();
      const yes = this.#binary(0);
      this.#expect(':');
      const no = this.#expression();
      result = call(at, '_?_:_', [condition, yes, no]);
    }
    this.#depth--;
    return result;
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#token;
      const name = token.is === 'symbol' ? operators[token.text] : undefined;
      if (name === undefined) return left;
      this.#next++;
      left = call(token.at, name, [left, this.#binary(level + 1)]);
    }
  }

  #unary(): Expression {
    const { at } = this.#token;
    for (const [sign, name] of [['!', '!_'], ['-', '-_']] as const) {
      if (!this.#isAt(sign)) continue;
      let times = 0;
      while (this.#skip(sign)) times++;
      const next = this.#token;
      if (sign === '-' && next.is === 'literal' && (typeof next.value === 'bigint' || typeof next.value === 'number') && times % 2 === 1) {
        if (next.value === 2n ** 63n) {
          this.#next++;
          return { is: 'literal', at, value: -next.value };
        }
        const operand = this.#member();
        return operand.is === 'literal' ? { is: 'literal', at, value: -(operand.value as bigint) } : call(at, name, [operand]);
      }
      const operand = this.#member();
      return times % 2 === 1 ? call(at, name, [operand]) : operand;
    }
    return this.#member();
  }

  #member(): Expression {
    let operand = this.#primary();
    const startDepth = this.#depth;
    for (;;) {
      const { at } = this.#token;
      if (this.#skip('.')) {
        if (++this.#depth > maxDepth) throw this.#error(`expression recursion limit exceeded: ${maxDepth}`, at);
        const isOptional = this.#skip('?');
        const name = this.#name();
        if (!isOptional && this.#isAt('(')) operand = this.#call(this.#take().at, name.text, operand);
        else if (isOptional) operand = call(at, '_?._', [operand, { is: 'literal', at: name.at, value: name.text }]);
        else operand = { is: 'select', at, operand, field: name.text, tests: false };
      } else if (this.#skip('[')) {
        const isOptional = this.#skip('?');
        const index = this.#expression();
        this.#expect(']');
        operand = call(at, isOptional ? '_[?_]' : '_[_]', [operand, index]);
      } else if (this.#isAt('{') && isQualifiedName(operand)) {
        operand = this.#object(operand);
      } else {
        this.#depth = startDepth;
        return operand;
      }
    }
  }

  #name(): Token {
    const token = this.#token;
    if (token.is !== 'name') throw this.#unexpected('IDENTIFIER');
    this.#next++;
    return token;
  }

  #primary(): Expression {
    const token = this.#take();
    if (token.is === 'literal') {
      if (token.value === 2n ** 63n) throw this.#error('invalid int literal', token.at);
      return { is: 'literal', at: token.at, value: token.value };
    }
    if (token.is === 'name') return this.#nameOrCall(token, '');
    if (token.text === '.' && this.#token.is === 'name') return this.#nameOrCall(this.#take(), '.');
    if (token.text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[') return this.#list(token.at);
    if (token.text === '{') return this.#map(token.at);
    this.#next--;
    throw this.#unexpected("{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
  }

  #nameOrCall({ at, text }: Token, prefix: string): Expression {
    if (reserved.has(text)) throw this.#error(`reserved identifier: ${text}`, at);
    if (this.#isAt('(')) return this.#call(this.#take().at, text, undefined);
    return { is: 'name', at, name: prefix + text };
  }

  #call(at: number, name: string, target: Expression | undefined): Expression {
    const args: Expression[] = [];
    if (!this.#isAt(')')) do args.push(this.#expression()); while (this.#skip(','));
    this.#expect(')');
    return this.#macro(at, name, target, args) ?? { is: 'call', at, name, target, args };
  }

  #list(at: number): Expression {
    const items: Expression[] = [];
    const optional = new Set<number>();
    while (!this.#isAt(']')) {
      if (this.#skip('?')) optional.add(items.length);
      items.push(this.#expression());
      if (!this.#skip(',')) break;
    }
    this.#expect(']');
    return { is: 'list', at, items, optional };
  }

  #map(at: number): Expression {
    const entries: Entry[] = [];
    while (!this.#isAt('}')) {
      const isOptional = this.#skip('?');
      const key = this.#expression();
      this.#expect(':');
      entries.push({ key, value: this.#expression(), isOptional });
      if (!this.#skip(',')) break;
    }
    this.#expect('}');
    return { is: 'map', at, entries };
  }

  #object(type: Expression): Expression {
    this.#expect('{');
    const fields: ObjectEntry[] = [];
    while (!this.#isAt('}')) {
      const isOptional = this.#skip('?');
      const name = this.#name().text;
      this.#expect(':');
      fields.push({ name, value: this.#expression(), isOptional });
      if (!this.#skip(',')) break;
    }
    this.#expect('}');
    return { is: 'object', at: type.at, name: qualifiedName(type), fields };
  }

  #macro(at: number, name: string, target: Expression | undefined, args: readonly Expression[]): Expression | undefined {
    const [first, second, third, fourth] = args;
    if (target === undefined) {
      if (name !== 'has' || args.length !== 1) return undefined;
      if (first?.is !== 'select') throw this.#error('invalid argument to has() macro', first?.at ?? at);
      return { ...first, at, tests: true };
    }
    if (name === 'bind' && target.is === 'name' && target.name === 'cel' && first !== undefined && second !== undefined && third !== undefined && args.length === 3) {
      return { is: 'bind', at, variable: this.#variable(first), value: second, body: third };
    }
    if ((name === 'optMap' || name === 'optFlatMap') && first !== undefined && second !== undefined && args.length === 2) {
      const variable = this.#variable(first);
      const value = call(at, 'value', [], target);
      const inner: Expression = { is: 'bind', at, variable, value, body: second };
      const some = name === 'optMap' ? call(at, 'optional.of', [inner]) : inner;
      return call(at, '_?_:_', [call(at, 'hasValue', [], target), some, call(at, 'optional.none', [])]);
    }
    const fold = (macro: FoldMacro, variables: readonly (Expression | undefined)[], filter: Expression | undefined, body: Expression | undefined): Expression | undefined =>
      (body === undefined ? undefined : { is: 'fold', at, macro, range: target, variables: variables.map((each) => this.#variable(each)), filter, body });
    switch (name) {
      case 'all': case 'exists': case 'existsOne': case 'exists_one': {
        const macro = name === 'exists_one' ? 'existsOne' : name;
        if (args.length === 2) return fold(macro, [first], undefined, second);
        return args.length === 3 && name !== 'exists_one' ? fold(macro, [first, second], undefined, third) : undefined;
      }
      case 'sortBy': {
        if (args.length !== 2 || second === undefined) return undefined;
        const range: Expression = { is: 'name', at, name: '@range' };
        const keys: Expression = { is: 'fold', at, macro: 'map', range, variables: [this.#variable(first)], filter: undefined, body: second };
        return { is: 'bind', at, variable: '@range', value: target, body: call(at, '@sortByKeys', [keys], range) };
      }
      case 'filter':
        return args.length === 2 ? fold('filter', [first], second, first) : undefined;
      case 'map':
        return args.length === 2 ? fold('map', [first], undefined, second) : args.length === 3 ? fold('map', [first], second, third) : undefined;
      case 'transformList': case 'transformMap': case 'transformMapEntry':
        return args.length === 3 ? fold(name, [first, second], undefined, third) : args.length === 4 ? fold(name, [first, second], third, fourth) : undefined;
      default:
        return undefined;
    }
  }

  #variable(expression: Expression | undefined): string {
    if (expression?.is === 'name' && !expression.name.startsWith('.')) return expression.name;
    throw this.#error('argument must be a simple name', expression?.at ?? 0);
  }
}

function call(at: number, name: string, args: readonly Expression[], target?: Expression): Call {
  return { is: 'call', at, name, target, args };
}

/** From the weakest binding to the strongest. */
const levels: readonly Readonly<Record<string, string>>[] = [
  { '||': '_||_' },
  { '&&': '_&&_' },
  { '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', '==': '_==_', '!=': '_!=_', in: '@in' },
  { '+': '_+_', '-': '_-_' },
  { '*': '_*_', '/': '_/_', '%': '_%_' },
];

function isQualifiedName(expression: Expression): boolean {
  if (expression.is === 'name') return true;
  return expression.is === 'select' && !expression.tests && isQualifiedName(expression.operand);
}

/** `a.b.c` of nested selections; '' when it is something else. */
export function qualifiedName(expression: Expression): string {
  if (expression.is === 'name') return expression.name.replace(/^\./, '');
  if (expression.is !== 'select' || expression.tests) return '';
  const operand = qualifiedName(expression.operand);
  return operand === '' ? '' : `${operand}.${expression.field}`;
}
