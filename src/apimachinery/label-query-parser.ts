/** Reads the text of a label query: `app=web,tier in (a,b),!old`. Used by `selector.ts` only. */
import { describeFieldError, invalidValue } from './field-error.ts';
import { labelValue, qualifiedName } from './names.ts';
import type { LabelOperator, LabelRequirement } from './selector.ts';

/** Why the text is no label query, in Kubernetes' words. */
export class LabelQueryError extends Error {
  override readonly name = 'LabelQueryError';
}

const token = /[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+)/y;
const symbols: ReadonlySet<string> = new Set(['==', '!=', '=', '!', '(', ')', ',', '<', '>']);
const exactOperators: ReadonlySet<string> = new Set(['=', '==', '!=', '<', '>']);

/** The requirements in the order of the text. @throws LabelQueryError */
export function parseLabelRequirements(text: string): LabelRequirement[] {
  const tokens = tokenize(text);
  const found: LabelRequirement[] = [];
  let position = 0;
  /** The empty string stands for the end. */
  const peek = (): string => tokens[position] ?? '';
  const next = (): string => tokens[position++] ?? '';

  while (peek() !== '') {
    if (peek() !== '!' && symbols.has(peek())) throw new LabelQueryError(`found '${peek()}', expected: !, identifier, or 'end of string'`);
    found.push(requirement());
    const separator = next();
    if (separator === '') break;
    if (separator !== ',') throw new LabelQueryError(`found '${separator}', expected: ',' or 'end of string'`);
    if (peek() === '' || (peek() !== '!' && symbols.has(peek()))) throw new LabelQueryError(`found '${peek()}', expected: identifier after ','`);
  }
  return found;

  function requirement(): LabelRequirement {
    const negated = peek() === '!';
    if (negated) next();
    const key = next();
    if (key === '' || symbols.has(key)) throw unreadable(`found '${key}', expected: identifier`);
    const problems = qualifiedName(key);
    if (problems.length > 0) throw unreadable(describeFieldError(invalidValue('<nil>', key, problems.join('; '))));
    if (negated || peek() === '' || peek() === ',') return { key, operator: negated ? '!' : 'exists', values: [] };
    const operator = next();
    const isSet = operator === 'in' || operator === 'notin';
    if (!isSet && !exactOperators.has(operator)) throw unreadable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = isSet ? valueSet() : [exactValue()];
    checkValues(key, operator, values);
    return { key, operator: operator as LabelOperator, values };
  }

  function exactValue(): string {
    if (peek() === '' || peek() === ',') return '';
    const value = next();
    if (symbols.has(value)) throw unreadable(`found '${value}', expected: identifier`);
    return value;
  }

  function valueSet(): string[] {
    const opening = next();
    if (opening !== '(') throw unreadable(`found '${opening}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const value = peek();
      if (value === ',' || value === ')') values.add('');
      else if (value === '' || symbols.has(value)) throw unreadable(`found '${value}', expected: ',', or identifier`);
      else values.add(next());
      const separator = next();
      if (separator === ')') return [...values].sort();
      if (separator !== ',') throw unreadable(`found '${separator}', expected: ',' or ')'`);
    }
  }
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) tokens.push(match[1] ?? '');
  return tokens;
}

function checkValues(key: string, operator: string, values: readonly string[]): void {
  const problems: string[] = [];
  for (const [index, value] of values.entries()) {
    if ((operator === '<' || operator === '>') && !/^[+-]?[0-9]+$/.test(value)) {
      problems.push(describeFieldError(invalidValue(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")));
    }
    const wrong = labelValue(value);
    if (wrong.length > 0) problems.push(describeFieldError(invalidValue(`values[${index}][${key}]`, value, wrong.join('; '))));
  }
  if (problems.length > 0) throw unreadable(problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
}

function unreadable(why: string): LabelQueryError {
  return new LabelQueryError(`unable to parse requirement: ${why}`);
}
