import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { describeFieldError } from './field-error.ts';
import type { LabelQuery } from './selector.ts';
import {
  formatFieldQuery, formatLabelQuery, labelSelectorFrom, matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, requiredField,
  requiredValue, selectorFromMap, validateLabelSelector,
} from './selector.ts';
import { StatusError } from './status-error.ts';

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError && error.code === 400) return error.message;
    throw error;
  }
  return '';
}

test('every form of a label query is read and printed again', () => {
  const cases: Readonly<Record<string, string>> = {
    '': '', 'x=a,y=b,z=c': 'x=a,y=b,z=c', 'b=1,a=2': 'a=2,b=1', 'x!=a': 'x!=a', 'x==a': 'x==a', 'x=': 'x=', 'x= ,z= ': 'x=,z=', '!x': '!x', 'x': 'x',
    'x>1,z<5': 'x>1,z<5', 'x in (b,a)': 'x in (a,b)', 'x notin ( a , b )': 'x notin (a,b)', 'x in ()': 'x in ()', 'x in (a,,b)': 'x in (,a,b)',
    'x in (a,)': 'x in (,a)', 'in=notin': 'in=notin', 'a.b/c = d': 'a.b/c=d', 'in in (in)': 'in in (in)', '! x': '!x',
  };
  for (const [text, printed] of Object.entries(cases)) assert.equal(formatLabelQuery(parseLabelSelector(text)), printed, text);
});

test('a bad label query is refused in Kubernetes words', () => {
  const cases: Readonly<Record<string, string>> = {
    'x=a||y=b': 'unable to parse requirement: values[0][x]: Invalid value: "a||y": a valid label must be',
    'x==a==b': "found '==', expected: ',' or 'end of string'",
    'x a': "unable to parse requirement: found 'a', expected: in, notin, =, ==, !=, gt, lt",
    '!x=a': "found '=', expected: ',' or 'end of string'",
    ',x': "found ',', expected: !, identifier, or 'end of string'",
    'x,': "found '', expected: identifier after ','",
    'x in a': "unable to parse requirement: found 'a' expected: '('",
    'x in (a': "unable to parse requirement: found '', expected: ',' or ')'",
    'x=(a': "unable to parse requirement: found '(', expected: identifier",
    'x<a': `unable to parse requirement: values[0]: Invalid value: "a": for 'Gt', 'Lt' operators, the value must be an integer`,
    'a b/c': "unable to parse requirement: found 'b/c', expected: in",
    '-x=a': 'unable to parse requirement: <nil>: Invalid value: "-x": name part must consist',
  };
  for (const [text, start] of Object.entries(cases)) {
    const message = messageOf(() => parseLabelSelector(text));
    assert.ok(message.startsWith(start), `${text}: ${message}`);
  }
});

test('labels match as the operators say', () => {
  const labels = { app: 'web', tier: 'front', size: '7' };
  const matching = ['', 'app=web', 'app in (web,api)', 'app!=api', 'other!=x', 'other notin (x)', '!other', 'app', 'size>6', 'size<8'];
  const others = ['app=api', 'app in (api)', 'app!=web', 'app notin (web)', '!app', 'other', 'other=', 'size>7', 'app>1', 'other>1'];
  assert.equal(matchesLabels(parseLabelSelector('constructor'), labels), false);
  for (const text of matching) assert.equal(matchesLabels(parseLabelSelector(text), labels), true, text);
  for (const text of others) assert.equal(matchesLabels(parseLabelSelector(text), labels), false, text);
});

test('without a selector nothing matches, with an empty one everything', () => {
  assert.equal(matchesLabels(labelSelectorFrom(undefined), { a: 'b' }), false);
  assert.equal(matchesLabels(labelSelectorFrom({}), undefined), true);
  assert.equal(matchesLabels(selectorFromMap(undefined), { a: 'b' }), true);
  const query = labelSelectorFrom({ matchLabels: { b: '1' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }, { key: 'c', operator: 'DoesNotExist' }] });
  assert.equal(formatLabelQuery(query), 'a in (x,y),b=1,!c');
  assert.equal(matchesLabels(query, { a: 'x', b: '1' }), true);
  assert.equal(matchesLabels(query, { a: 'x', b: '1', c: '' }), false);
  assert.equal(requiredValue(query, 'b'), '1');
  assert.equal(requiredValue(query, 'a'), undefined);
});

test('a selector in an object is validated', () => {
  const selector = {
    matchLabels: { 'a b': 'c' },
    matchExpressions: [{ key: 'a', operator: 'In' }, { key: 'a', operator: 'Exists', values: ['x'] }, { key: 'a', operator: 'Is', values: ['-'] }],
  };
  const found = [...validateLabelSelector('spec.selector', selector)].map(describeFieldError);
  assert.equal(found.length, 5);
  assert.match(found[0] ?? '', /^spec\.selector\.matchLabels: Invalid value: "a b": name part must/);
  assert.equal(found[1], "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'");
  assert.equal(found[2], "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  assert.equal(found[3], 'spec.selector.matchExpressions[2].operator: Invalid value: "Is": not a valid selector operator');
});

test('field queries know =, ==, != and escapes', () => {
  const query = parseFieldSelector('metadata.name=a,spec.nodeName!=n1,,status.phase==R\\,u\\=n\\\\');
  assert.deepEqual(query.terms, [
    { field: 'metadata.name', negated: false, value: 'a' },
    { field: 'spec.nodeName', negated: true, value: 'n1' },
    { field: 'status.phase', negated: false, value: 'R,u=n\\' },
  ]);
  assert.equal(formatFieldQuery(query), 'metadata.name=a,spec.nodeName!=n1,status.phase=R\\,u\\=n\\\\');
  const values: Readonly<Record<string, string>> = { 'metadata.name': 'a', 'status.phase': 'R,u=n\\' };
  assert.equal(matchesFields(query, (field) => values[field] ?? ''), true);
  assert.equal(matchesFields(query, () => 'n1'), false);
  assert.equal(requiredField(query, 'metadata.name'), 'a');
  assert.equal(messageOf(() => parseFieldSelector('a=b,c')), "invalid selector: 'a=b,c'; can't understand 'c'");
  assert.equal(messageOf(() => parseFieldSelector('a=b=c')), 'invalid field selector: unescaped character in value: 61');
  assert.equal(messageOf(() => parseFieldSelector('a=b\\c')), 'invalid field selector: invalid escape sequence: \\c');
  assert.equal(messageOf(() => parseFieldSelector('a=b\\')), 'invalid field selector: invalid escape sequence: \\');
});

const word = fc.stringMatching(/^[a-z]([a-z0-9-]{0,5}[a-z0-9])?$/);
const requirements = fc.oneof(
  fc.tuple(word, fc.constantFrom('=', '!=', '=='), word).map(([key, operator, value]) => `${key}${operator}${value}`),
  fc.tuple(word, fc.constantFrom(' in ', ' notin '), fc.array(word, { maxLength: 3 })).map(([key, operator, values]) => `${key}${operator}(${values.join(',')})`),
  fc.tuple(fc.constantFrom('', '!'), word).map(([negation, key]) => `${negation}${key}`),
);

test('what is printed reads back to the same query', () => {
  fc.assert(fc.property(fc.array(requirements, { maxLength: 4 }), (parts) => {
    const query: LabelQuery = parseLabelSelector(parts.join(','));
    assert.deepEqual(parseLabelSelector(formatLabelQuery(query)), query);
  }));
});

test('a field value survives escaping', () => {
  fc.assert(fc.property(fc.string(), (value) => {
    const query = { terms: [{ field: 'a.b', negated: false, value }] };
    assert.deepEqual(parseFieldSelector(formatFieldQuery(query)), query);
  }));
});
