/** Expressions in configuration files: compiled once, evaluated for every request. */
import { compile } from '#cel/compile.ts';
import { perCallLimit } from '#cel/kubernetes.ts';
import { dyn, typeText } from '#cel/types.ts';
import { expressionFunctions } from './functions.ts';

/** What an expression evaluates to. Throws what it throws. */
export type SimpleExpression = (values: Readonly<Record<string, unknown>>) => unknown;

/** Compiles an expression over `names`. Throws an `Error` that says why it is none, or not of the type it has to be. */
export function simpleExpression(source: string, names: readonly string[], result?: 'bool' | 'string'): SimpleExpression {
  try {
    const program = compile(source, { functions: expressionFunctions, variables: Object.fromEntries(names.map((name) => [name, dyn])) });
    if (result !== undefined && program.type.is !== result && program.type.is !== 'dyn') throw new Error(`must evaluate to ${result}, not ${typeText(program.type)}`);
    return (values) => {
      const outcome = program.run(values, perCallLimit);
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    };
  } catch (error) {
    throw new Error(`compilation failed: ${(error as Error).message}`, { cause: error });
  }
}
