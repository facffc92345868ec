/**
 * `x-kubernetes-validations` of a whole schema: compiled once, run against objects within a budget.
 *
 * Source: Kubernetes documentation, "Validation rules"; KEP-2876, KEP-4008 (ratcheting); wording as the API server's.
 */
import type { ValidationRule } from '#api/apiextensions/json-schema-props.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';
import { CostLimitError } from '#cel/cost.ts';
import { perCallLimit, perObjectBudget } from '#cel/kubernetes.ts';
import type { CelType } from '#cel/types.ts';
import { none, Optional } from '#cel/values.ts';
import type { RuleCheck } from '../custom-kind.ts';
import { correlation } from '../schema/check-value.ts';
import type { SchemaNode } from '../schema/schema-node.ts';
import type { CompiledRule } from './compile-rule.ts';
import { compileRule } from './compile-rule.ts';
import { declaredType, escapedName } from './declared-type.ts';
import { fieldPathText } from './field-path.ts';

/** The rules of one place in a schema and of those below it. */
interface Rules {
  readonly node: SchemaNode;
  readonly own: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Rules>;
  readonly additional: Rules | undefined;
  readonly items: Rules | undefined;
  readonly correlate: ReturnType<typeof correlation>;
}

/** Compiles with the first object that is written: a server that starts with many definitions reads most of them only. */
export function ruleCheck(schema: SchemaNode): RuleCheck {
  let rules: Rules | undefined;
  return {
    run(object, old) {
      rules ??= rulesOf(schema, declaredType(schema, true)?.type);
      if (rules === undefined) return [];
      const walk: Walk = { errors: [], budget: perObjectBudget };
      check(rules, object, old, '', { old, isKnown: old !== undefined }, walk);
      return walk.errors;
    },
  };
}

/** What the rules of one place and of those below it say of a value that was not there before. */
export function checkValue(node: SchemaNode, type: CelType | undefined, value: unknown, { path, budget }: { readonly path: string; readonly budget: number }): readonly FieldError[] {
  const rules = rulesOf(node, type);
  if (rules === undefined) return [];
  const walk: Walk = { errors: [], budget };
  check(rules, value, undefined, path, { old: undefined, isKnown: false }, walk);
  return walk.errors;
}

function rulesOf(node: SchemaNode, type: CelType | undefined): Rules | undefined {
  if (!node.holds.rules || type === undefined) return undefined;
  const own = (node.source['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, type));
  const element = type.is === 'list' ? type.element : type.is === 'map' ? type.value : undefined;
  const properties = new Map<string, Rules>();
  for (const [key, property] of node.properties) {
    const name = escapedName(key);
    const ofField = name !== undefined && type.is === 'object' ? type.fields.get(name)?.type : declaredType(property, property.isEmbedded)?.type;
    const below = rulesOf(property, ofField);
    if (below !== undefined) properties.set(key, below);
  }
  return {
    node, own, properties,
    items: node.items === undefined ? undefined : rulesOf(node.items, element),
    additional: typeof node.additional === 'object' ? rulesOf(node.additional, element) : undefined,
    correlate: correlation(node.source),
  };
}

interface Walk {
  readonly errors: FieldError[];
  /** What the rules that are still to come may cost together; below 0: no more are run. */
  budget: number;
}
/** What stood at the nearest place above or here that can be found in the old object. */
interface Before {
  readonly old: unknown;
  readonly isKnown: boolean;
  /** Whether what is looked at, or what it is part of, is as it was. */
  readonly isUnchanged?: () => boolean;
}

function check(rules: Rules, value: unknown, old: unknown, path: string, before: Before, walk: Walk): void {
  if (value === null || value === undefined || walk.budget < 0) return;
  const isUnchanged = before.isKnown ? lazily(() => sameJson(value, before.old)) : (before.isUnchanged ?? (() => false));
  for (const rule of rules.own) {
    runRule(rules, rule, value, old ?? undefined, path, isUnchanged, walk);
    if (walk.budget < 0) return;
  }
  const below = (child: Rules, item: unknown, oldItem: unknown, at: string, canBeFound: boolean): void => {
    const isKnown = canBeFound && oldItem !== undefined;
    check(child, item, oldItem, at, { old: oldItem, isKnown, isUnchanged }, walk);
  };
  if (Array.isArray(value)) {
    const { items } = rules;
    if (items === undefined) return;
    const find = old === undefined ? undefined : rules.correlate?.(old);
    for (const [index, item] of (value as readonly unknown[]).entries()) below(items, item, find?.(item), `${path}[${index}]`, find !== undefined);
  } else if (isJsonObject(value)) {
    const olds = isJsonObject(old) ? old : undefined;
    for (const key of Object.keys(value)) {
      const named = rules.properties.get(key);
      if (named !== undefined) below(named, value[key], olds?.[key], path === '' ? key : `${path}.${key}`, true);
      else if (rules.additional !== undefined && !rules.node.properties.has(key)) below(rules.additional, value[key], olds?.[key], `${path}[${key}]`, true);
    }
  }
}

function runRule({ node }: Rules, { rule, program, error, message, usesOldSelf }: CompiledRule, value: unknown, old: unknown, path: string, isUnchanged: () => boolean, walk: Walk): void {
  const at = path === '' ? '<nil>' : path;
  const fail = (detail: string, isLast: boolean): void => {
    walk.errors.push(invalidValue(at, node.type, detail));
    if (isLast) walk.budget = -1;
  };
  if (error !== undefined) return fail(`rule compile error: ${error}`, false);
  if (program === undefined) return;
  if (walk.budget <= 0) return fail('validation failed due to running out of cost budget, no further validation rules will be run', true);
  const isOptional = rule.optionalOldSelf === true;
  // There is nothing to compare with.
  if (usesOldSelf && old === undefined && !isOptional) return;
  const variables = { self: value, oldSelf: isOptional ? (old === undefined ? none : new Optional(true, old)) : old };
  const outcome = program.run(variables, perCallLimit);
  if (outcome.cost > walk.budget) return fail('validation failed due to running out of cost budget, no further validation rules will be run', true);
  walk.budget -= outcome.cost;
  if (!outcome.ok) {
    const { error: failure } = outcome;
    if (failure instanceof CostLimitError) return fail(`'${failure.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown(rule)}`, true);
    if (failure.message.startsWith('no such overload')) return fail(`'${failure.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown(rule)}`, false);
    return fail(`${failure.message} evaluating rule: ${shown(rule)}`, false);
  }
  if (outcome.value === true) return;
  // A rule that looks at nothing new does not hold up an update of something else.
  if (!usesOldSelf && isUnchanged()) return;
  let detail = rule.message === undefined || rule.message === '' ? `failed rule: ${shown(rule)}` : rule.message.trim();
  if (message !== undefined) {
    const text = message.run(variables, perCallLimit);
    walk.budget -= text.cost;
    if (!text.ok && text.error instanceof CostLimitError) return fail(`no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`, true);
    if (text.ok && isMessage(text.value)) detail = text.value.trim();
  }
  const isScalar = node.type !== 'object' && node.type !== 'array';
  const field = fieldPathText(rule.fieldPath);
  walk.errors.push(errorFor(rule, path === '' ? field.replace(/^\./, '') || at : `${path}${field}`, isScalar ? value : undefined, detail));
}

/** At most so many bytes of what an expression says are told. */
const maxMessageBytes = 5 * 1024;

function isMessage(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && !value.trim().includes('\n') && value.length <= maxMessageBytes;
}

function shown({ rule, message }: ValidationRule): string {
  return (message === undefined || message === '' ? rule : message).trim();
}

function errorFor({ reason }: ValidationRule, path: string, value: unknown, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden': return forbiddenField(path, detail);
    case 'FieldValueRequired': return required(path, detail);
    case 'FieldValueDuplicate': return duplicate(path, value);
    default: return invalidValue(path, value, detail);
  }
}

function lazily(compute: () => boolean): () => boolean {
  let known: boolean | undefined;
  return () => (known ??= compute());
}
