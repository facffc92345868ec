/** Expressions as the parser leaves them: operators are calls, macros that loop are folds. */
export type Expression =
  | { readonly is: 'literal'; readonly at: number; readonly value: unknown }
  | { readonly is: 'name'; readonly at: number; readonly name: string }
  | { readonly is: 'select'; readonly at: number; readonly operand: Expression; readonly field: string; /** `has(x.f)`. */ readonly tests: boolean }
  | Call
  | { readonly is: 'list'; readonly at: number; readonly items: readonly Expression[]; /** Indexes of `[?x]`. */ readonly optional: ReadonlySet<number> }
  | { readonly is: 'map'; readonly at: number; readonly entries: readonly Entry[] }
  | { readonly is: 'object'; readonly at: number; readonly name: string; readonly fields: readonly ObjectEntry[] }
  | Fold
  /** `cel.bind(variable, value, body)`. */
  | { readonly is: 'bind'; readonly at: number; readonly variable: string; readonly value: Expression; readonly body: Expression };

export interface Call {
  readonly is: 'call';
  readonly at: number;
  readonly name: string;
  readonly target: Expression | undefined;
  readonly args: readonly Expression[];
}
export interface Entry {
  readonly key: Expression;
  readonly value: Expression;
  readonly isOptional: boolean;
}
export interface ObjectEntry {
  readonly name: string;
  readonly value: Expression;
  readonly isOptional: boolean;
}
export type FoldMacro = 'all' | 'exists' | 'existsOne' | 'map' | 'filter' | 'transformList' | 'transformMap' | 'transformMapEntry';
/** A macro that goes over a list or map. */
export interface Fold {
  readonly is: 'fold';
  readonly at: number;
  readonly macro: FoldMacro;
  readonly range: Expression;
  /** One or two names. */
  readonly variables: readonly string[];
  /** What an element must meet; absent where all do. */
  readonly filter: Expression | undefined;
  /** The condition of all, exists and existsOne; what map and transform make of an element. */
  readonly body: Expression;
}

/** What is wrong with an expression, and where: printed as the original's compiler prints it. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly reason: string;

  constructor(reason: string, source: string, at: number) {
    const before = source.slice(0, at).split('\n');
    const line = before.length;
    const column = before.at(-1)?.length ?? 0;
    const text = source.split('\n')[line - 1] ?? '';
    super(`ERROR: <input>:${line}:${column + 1}: ${reason}\n | ${text}\n | ${'.'.repeat(column)}^`);
    this.reason = reason;
  }
}
