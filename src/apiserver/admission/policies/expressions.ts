/**
 * Expressions of admission: compiled in the order in which policies list them, so that later ones can use the variables
 * of those before.
 *
 * Source: Kubernetes documentation, "Validating Admission Policy"; error texts as the API server words them.
 */
import { ExpressionError } from '#cel/ast.ts';
import type { Environment, Program } from '#cel/compile.ts';
import { compile } from '#cel/compile.ts';
import type { FunctionTable, Overload } from '#cel/functions.ts';
import { overload } from '#cel/functions.ts';
import { kubernetesFunctions, perCallLimit } from '#cel/kubernetes.ts';
import type { CelType, ObjectField, ObjectType } from '#cel/types.ts';
import { dyn, typeText } from '#cel/types.ts';
import { EvaluationError } from '#cel/values.ts';
import type { MatchCondition, Variable } from '#api/admissionregistration/matching.ts';
import { authorizerLibrary, authorizerType } from '../../expressions/authorizer-library.ts';
import { expressionLibraries } from '../../expressions/functions.ts';

let functions: FunctionTable | undefined;

/** Made when the first expression is compiled: most clusters have none. */
function functionTable(): FunctionTable {
  return (functions ??= kubernetesFunctions({ ...expressionLibraries, more: [...authorizerLibrary(), escapeKey()] }));
}

/** A key as JSON Pointers write it. */
function escapeKey(): Overload {
  return overload('jsonpatch.escapeKey(string): string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** What expressions may name, and what it is. Without `params` they may not name those. */
export interface ExpressionValues {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: unknown;
  readonly namespaceObject: unknown;
  readonly authorizer: unknown;
  readonly params?: unknown;
}

/** An expression, or why it is none. */
export type MadeExpression = { readonly source: string; readonly program: Program } | { readonly source: string; readonly error: string };

export interface ExpressionSetOptions {
  readonly variables?: readonly Variable[] | undefined;
  readonly hasParams?: boolean;
  /** Types of objects that expressions make. */
  readonly types?: Environment['types'];
  /** What the object is, where that is known. Default: anything. */
  readonly objectType?: CelType;
}

/** Everything a policy can say, compiled. */
export class ExpressionSet {
  readonly #environment: Environment;
  readonly #variables: readonly { readonly name: string; readonly made: MadeExpression }[];

  constructor({ variables = [], hasParams = true, types, objectType = dyn }: ExpressionSetOptions) {
    const fields = new Map<string, ObjectField>();
    const variablesType: ObjectType = { is: 'object', name: 'kubernetes.variables', fields };
    this.#environment = {
      functions: functionTable(),
      variables: { object: objectType, oldObject: objectType, request: dyn, namespaceObject: dyn, authorizer: authorizerType, ...(hasParams && { params: dyn }), variables: variablesType },
      ...(types !== undefined && { types }),
    };
    this.#variables = variables.map(({ name, expression }) => {
      const made = this.make(expression);
      fields.set(name, { key: name, type: 'program' in made ? made.program.type : dyn });
      return { name, made };
    });
  }

  /** `result`: what it must evaluate to. */
  make(source: string, result?: 'bool' | 'string'): MadeExpression {
    try {
      const program = compile(source, this.#environment);
      if (result !== undefined && program.type.is !== result && program.type.is !== 'dyn' && !(result === 'string' && program.type.is === 'null')) {
        return { source, error: `must evaluate to ${result} but got ${typeText(program.type)}` };
      }
      return { source, program };
    } catch (error) {
      if (error instanceof ExpressionError) return { source, error: `compilation failed: ${error.message}` };
      throw error;
    }
  }

  /** One request's values; variables are computed when they are first used. */
  evaluation(values: ExpressionValues): Evaluation {
    const variables: Record<string, unknown> = {};
    const all: Readonly<Record<string, unknown>> = { ...values, variables };
    for (const { name, made } of this.#variables) {
      let known: { readonly value: unknown } | undefined;
      Object.defineProperty(variables, name, {
        enumerable: true,
        get: () => {
          try {
            return (known ??= { value: run(made, all) }).value;
          } catch (error) {
            throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${(error as Error).message}`);
          }
        },
      });
    }
    return { run: (made) => run(made, all) };
  }
}

export interface Evaluation {
  /** The value. Throws `EvaluationError`. */
  run(made: MadeExpression): unknown;
}

function run(made: MadeExpression, values: Readonly<Record<string, unknown>>): unknown {
  if ('error' in made) throw new EvaluationError(made.error);
  const outcome = made.program.run(values, perCallLimit);
  if (outcome.ok) return outcome.value;
  throw new EvaluationError(`expression '${made.source}' resulted in error: ${outcome.error.message}`);
}

export interface MadeCondition {
  readonly name: string;
  readonly made: MadeExpression;
}

export function makeConditions(set: ExpressionSet, conditions: readonly MatchCondition[] | undefined): readonly MadeCondition[] {
  return (conditions ?? []).map(({ name, expression }) => ({ name, made: set.make(expression, 'bool') }));
}

/** One that is false decides, whatever else cannot be evaluated. */
export function meets(evaluation: Evaluation, conditions: readonly MadeCondition[]): { readonly matches: boolean } | { readonly error: string } {
  const errors: string[] = [];
  for (const { made } of conditions) {
    try {
      if (evaluation.run(made) !== true) return { matches: false };
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  return errors.length === 0 ? { matches: true } : { error: errors.join('; ') };
}
