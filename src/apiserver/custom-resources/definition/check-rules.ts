/**
 * Rules must compile, and by estimate not cost too much.
 *
 * Source: Kubernetes documentation, "Resource use by validation functions"; wording as the API server's.
 */
import type { ValidationRule } from '#api/apiextensions/json-schema-props.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { unbounded } from '#cel/cost.ts';
import { maxRequestBytes, perRuleEstimateLimit, perSchemaEstimateLimit } from '#cel/kubernetes.ts';
import { compileRule } from '../rules/compile-rule.ts';
import type { Declared } from '../rules/declared-type.ts';
import { declaredType, escapedName } from '../rules/declared-type.ts';
import { fieldPath, FieldPathError } from '../rules/field-path.ts';
import type { SchemaNode } from '../schema/schema-node.ts';

interface Place {
  readonly path: string;
  readonly declared: Declared | undefined;
  /** How often the value can be there at most; undefined: as often as fits into a request. */
  readonly times: number | undefined;
  /** The nearest place above from which on nothing can be compared with what was there before. */
  readonly uncorrelated: string | undefined;
}
interface Total {
  cost: number;
  readonly expensive: { readonly path: string; readonly cost: number }[];
}

/** `known` are the rules that were there before: their cost was accepted then. */
export function checkRules(node: SchemaNode, path: string, known: ReadonlySet<string>): readonly FieldError[] {
  if (!node.holds.rules) return [];
  const total: Total = { cost: 0, expensive: [] };
  const errors = [...checkNode(node, { path, declared: declaredType(node, true), times: 1, uncorrelated: undefined }, total, known)];
  if (total.cost > perSchemaEstimateLimit) {
    for (const each of total.expensive.sort((a, b) => b.cost - a.cost).slice(0, 4)) errors.push(forbiddenField(each.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'));
    errors.push(forbiddenField(path, costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total.cost, perSchemaEstimateLimit)));
  }
  return errors;
}

function* checkNode(node: SchemaNode, place: Place, total: Total, known: ReadonlySet<string>): Iterable<FieldError> {
  if (!node.holds.rules) return;
  for (const [index, rule] of (node.source['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${place.path}.x-kubernetes-validations[${index}]`;
    const faults = [...checkForm(rule, node, at)];
    yield* faults;
    if (faults.length === 0) yield* checkExpressions(rule, at, place, total, known);
  }
  const { source } = node;
  const inside = (size: number | undefined): number | undefined => (place.times === undefined || size === undefined ? undefined : place.times * size);
  const type = place.declared?.type;
  const element = type?.is === 'list' ? type.element : type?.is === 'map' ? type.value : undefined;
  if (node.items !== undefined) {
    const declared = element === undefined ? undefined : declaredType(node.items, node.items.isEmbedded);
    yield* checkNode(node.items, { path: `${place.path}.items`, declared, times: inside(source.maxItems), uncorrelated: place.uncorrelated ?? (node.listType === 'map' ? undefined : place.path) }, total, known);
  }
  if (typeof node.additional === 'object') {
    const declared = element === undefined ? undefined : declaredType(node.additional, node.additional.isEmbedded);
    yield* checkNode(node.additional, { path: `${place.path}.additionalProperties`, declared, times: inside(source.maxProperties), uncorrelated: place.uncorrelated }, total, known);
  }
  for (const [key, property] of node.properties) {
    const name = escapedName(key);
    const isKnown = name === undefined || (type?.is === 'object' && type.fields.has(name));
    yield* checkNode(property, { path: `${place.path}.properties[${key}]`, declared: isKnown ? declaredType(property, property.isEmbedded) : undefined, times: place.times, uncorrelated: place.uncorrelated }, total, known);
  }
}

const lineBreak = /[\n\r]/;
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

function* checkForm(rule: ValidationRule, node: SchemaNode, at: string): Iterable<FieldError> {
  const { message = '', messageExpression = '', fieldPath: path = '', reason } = rule;
  if (rule.rule.trim() === '') yield required(`${at}.rule`, 'rule is not specified');
  else if (message !== '' && message.trim() === '') yield invalidValue(`${at}.message`, message, 'must be non-empty if specified');
  else if (lineBreak.test(message.trim())) yield invalidValue(`${at}.message`, message, 'must not contain line breaks');
  else if (lineBreak.test(rule.rule.trim()) && message.trim() === '') yield required(`${at}.message`, 'message must be specified if rule contains line breaks');
  if (messageExpression !== '' && messageExpression.trim() === '') yield required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified');
  if (reason !== undefined && !reasons.includes(reason)) yield notSupported(`${at}.reason`, reason, reasons);
  if (path === '') return;
  if (path.trim() === '') yield invalidValue(`${at}.fieldPath`, path, 'must be non-empty if specified');
  if (lineBreak.test(path)) yield invalidValue(`${at}.fieldPath`, path, 'must not contain line breaks');
  try {
    fieldPath(path, node, { brackets: true });
  } catch (error) {
    if (!(error instanceof FieldPathError)) throw error;
    yield invalidValue(`${at}.fieldPath`, path, 'must be a valid path');
  }
}

function* checkExpressions(rule: ValidationRule, at: string, { declared, times, uncorrelated }: Place, total: Total, known: ReadonlySet<string>): Iterable<FieldError> {
  if (declared === undefined) return;
  const { program, error, message, messageError, usesOldSelf } = compileRule(rule, declared.type);
  const cardinality = times ?? Math.floor(maxRequestBytes / (declared.minBytes + 1));
  const observe = (path: string, cost: number): void => {
    total.cost += cost;
    if (cost >= perSchemaEstimateLimit / 100) total.expensive.push({ path, cost });
  };
  if (error !== undefined) yield invalidValue(`${at}.rule`, shownRule(rule), error);
  const cost = Math.min(unbounded, (program?.maxCost ?? 0) * cardinality);
  if (cost > perRuleEstimateLimit && !known.has(rule.rule)) yield forbiddenField(`${at}.rule`, costText('estimated rule cost', cost, perRuleEstimateLimit));
  observe(`${at}.rule`, cost);
  if (messageError !== undefined) yield invalidValue(`${at}.messageExpression`, shownRule(rule), messageError);
  else if (message !== undefined) {
    if (message.maxCost > perRuleEstimateLimit) yield forbiddenField(`${at}.messageExpression`, costText('estimated messageExpression cost', message.maxCost, perRuleEstimateLimit));
    observe(`${at}.messageExpression`, message.maxCost);
  }
  if (usesOldSelf && uncorrelated !== undefined) yield invalidValue(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`);
  if (!usesOldSelf && rule.optionalOldSelf !== undefined && error === undefined) yield invalidValue(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule');
}

/** A rule as upstream shows it in its errors. */
function shownRule({ rule, message = '', messageExpression = '', reason, fieldPath: path = '', optionalOldSelf }: ValidationRule): object {
  return { Rule: rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: path, OptionalOldSelf: optionalOldSelf ?? null };
}

function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
