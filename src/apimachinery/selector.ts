/**
 * Queries over labels and fields: their text in query strings, their form in objects, and matching.
 *
 * Source: Kubernetes documentation "Labels and Selectors", "Field Selectors".
 */
import type { FieldError } from './field-error.ts';
import { forbiddenField, invalidValue, required } from './field-error.ts';
import { LabelQueryError, parseLabelRequirements } from './label-query-parser.ts';
import type { LabelSelector } from './label-selector.ts';
import { labelValue, qualifiedName, validateLabels } from './names.ts';
import { badRequest } from './status-error.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without duplicates. One for `=`, `!=`, `>`, `<`; none for `exists` and `!`. */
  readonly values: readonly string[];
}

/** All requirements must hold. */
export interface LabelQuery {
  readonly requirements: readonly LabelRequirement[];
  /** Set on the query that nothing matches. */
  readonly matchesNothing?: true;
}

type Labels = Readonly<Record<string, string>>;

export const everything: LabelQuery = Object.freeze({ requirements: [] });
export const nothing: LabelQuery = Object.freeze({ requirements: [], matchesNothing: true });

/** Reads a `labelSelector` of a query string; the empty text asks for everything. @throws StatusError 400 */
export function parseLabelSelector(text: string): LabelQuery {
  if (text === '') return everything;
  try {
    return { requirements: parseLabelRequirements(text).sort(byKey) };
  } catch (error) {
    throw error instanceof LabelQueryError ? badRequest(error.message) : error;
  }
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Labels that must all be there with these values. None given: everything. Not checked. */
export function selectorFromMap(labels: Labels | undefined): LabelQuery {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return everything;
  return { requirements: entries.map(([key, value]) => ({ key, operator: '=' as const, values: [value] })).sort(byKey) };
}

const operators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/**
 * The query of a selector in an object: without a selector nothing matches, with an empty one everything.
 *
 * @throws StatusError 400 when an operator is unknown; validated objects have none
 */
export function labelSelectorFrom(selector: LabelSelector | undefined): LabelQuery {
  if (selector === undefined) return nothing;
  const requirements: LabelRequirement[] = [...selectorFromMap(selector.matchLabels).requirements];
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = operators[operator];
    if (known === undefined) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push({ key, operator: known, values: [...new Set(values)].sort() });
  }
  return requirements.length === 0 ? everything : { requirements: requirements.sort(byKey) };
}

/** Whether all requirements hold. Missing labels are no labels. */
export function matchesLabels(query: LabelQuery, labels: Labels | undefined): boolean {
  if (query.matchesNothing === true) return false;
  for (const requirement of query.requirements) {
    if (!holds(requirement, labels === undefined ? undefined : ownLabel(labels, requirement.key))) return false;
  }
  return true;
}

/** A label may be called `constructor`. */
function ownLabel(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function holds({ operator, values }: LabelRequirement, label: string | undefined): boolean {
  switch (operator) {
    case '=':
    case '==':
      return label === values[0];
    case 'in':
      return label !== undefined && values.includes(label);
    case '!=':
      return label !== values[0];
    case 'notin':
      return label === undefined || !values.includes(label);
    case 'exists':
      return label !== undefined;
    case '!':
      return label === undefined;
    case '>':
    case '<': {
      const bound = values[0];
      if (label === undefined || bound === undefined || !/^[+-]?[0-9]+$/.test(label)) return false;
      return operator === '>' ? BigInt(label) > BigInt(bound) : BigInt(label) < BigInt(bound);
    }
  }
}

/** The one value of `key` that the query asks for, if it asks for one: what an index by that label can answer. */
export function requiredValue(query: LabelQuery, key: string): string | undefined {
  const requirement = query.requirements.find((each) => each.key === key);
  if (requirement === undefined || requirement.values.length !== 1) return undefined;
  return requirement.operator === '=' || requirement.operator === '==' || requirement.operator === 'in' ? requirement.values[0] : undefined;
}

/** The query's text, as `parseLabelSelector` reads it: `app=web,tier in (a,b),!old`. */
export function formatLabelQuery(query: LabelQuery): string {
  return query.requirements.map(formatRequirement).join(',');
}
function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case '=':
    case '==':
    case '!=':
    case '>':
    case '<':
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

/** What is wrong with a selector in an object. */
export function* validateLabelSelector(path: string, selector: LabelSelector | undefined): Iterable<FieldError> {
  if (selector === undefined) return;
  yield* validateLabels(selector.matchLabels ?? {}, `${path}.matchLabels`);
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) yield required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) yield forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      yield invalidValue(`${at}.operator`, operator, 'not a valid selector operator');
    }
    for (const message of qualifiedName(key)) yield invalidValue(`${at}.key`, key, message);
    for (const [position, value] of values.entries()) {
      for (const message of labelValue(value)) yield invalidValue(`${at}.values[${position}]`, value, message);
    }
  }
}

export interface FieldTerm {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}
/** All terms must hold. */
export interface FieldQuery {
  readonly terms: readonly FieldTerm[];
}

export const everyField: FieldQuery = Object.freeze({ terms: [] });

/** Reads a `fieldSelector` of a query string. Which fields there are is the kind's business. @throws StatusError 400 */
export function parseFieldSelector(text: string): FieldQuery {
  if (text === '') return everyField;
  const terms: FieldTerm[] = [];
  for (const part of text.match(/(?:\\[^]|[^,\\]|\\$)+/g) ?? []) {
    const match = /^(.*?)(!=|==?)([^]*)$/s.exec(part);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', operator, value = ''] = match;
    terms.push({ field, negated: operator === '!=', value: unescapeFieldValue(value) });
  }
  return { terms };
}

function unescapeFieldValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  return text.replace(/\\([^]?)|([,=])/g, (_, escaped: string | undefined, bare: string | undefined) => {
    if (bare !== undefined) throw badRequest(`invalid field selector: unescaped character in value: ${bare.charCodeAt(0)}`);
    if (escaped === '\\' || escaped === ',' || escaped === '=') return escaped;
    throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped ?? ''}`);
  });
}

/** Whether all terms hold; `valueOf` gives a field's value, the empty string where it is not set. */
export function matchesFields(query: FieldQuery, valueOf: (field: string) => string): boolean {
  for (const { field, negated, value } of query.terms) {
    if ((valueOf(field) === value) === negated) return false;
  }
  return true;
}

/** The value that the query requires `field` to have, if it requires one. */
export function requiredField(query: FieldQuery, field: string): string | undefined {
  return query.terms.find((term) => term.field === field && !term.negated)?.value;
}

/** The query's text, as `parseFieldSelector` reads it. */
export function formatFieldQuery(query: FieldQuery): string {
  return query.terms.map(({ field, negated, value }) => `${field}${negated ? '!=' : '='}${value.replace(/[\\,=]/g, '\\$&')}`).join(',');
}
