/** One rule of a schema, compiled. */
import type { ValidationRule } from '#api/apiextensions/json-schema-props.ts';
import { ExpressionError } from '#cel/ast.ts';
import type { Program } from '#cel/compile.ts';
import { compile } from '#cel/compile.ts';
import type { CelType } from '#cel/types.ts';
import { optionalOf } from '#cel/types.ts';
import { expressionFunctions } from '../../expressions/functions.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program | undefined;
  readonly error: string | undefined;
  readonly message: Program | undefined;
  readonly messageError: string | undefined;
  /** Compares with what was there before. */
  readonly usesOldSelf: boolean;
}

/** Never throws: what is wrong with the rule is part of the answer. */
export function compileRule(rule: ValidationRule, self: CelType): CompiledRule {
  const variables = { self, oldSelf: rule.optionalOldSelf === true ? optionalOf(self) : self };
  const environment = { functions: expressionFunctions, variables };
  const { program, error } = tryCompile(() => compile(rule.rule, environment), 'compilation failed: ');
  const isBool = program === undefined || program.type.is === 'bool';
  const withMessage = rule.messageExpression !== undefined && rule.messageExpression !== '' && error === undefined && isBool;
  const text = withMessage ? tryCompile(() => compile(rule.messageExpression ?? '', environment), 'messageExpression compilation failed: ') : undefined;
  const isText = text?.program === undefined || text.program.type.is === 'string';
  return {
    rule,
    program: isBool ? program : undefined,
    error: error ?? (isBool ? undefined : 'cel expression must evaluate to a bool'),
    message: isText ? text?.program : undefined,
    messageError: text?.error ?? (isText ? undefined : 'messageExpression must evaluate to a string'),
    usesOldSelf: program?.uses.has('oldSelf') === true,
  };
}

function tryCompile(make: () => Program, prefix: string): { readonly program?: Program; readonly error?: string } {
  try {
    return { program: make() };
  } catch (error) {
    if (error instanceof ExpressionError) return { error: `${prefix}${error.message}` };
    throw error;
  }
}
