import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { planRules, planServiceRules } from './plan-rules.ts';
import type { ServiceRules } from './plan-rules.ts';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';
import { RuleBook } from './rule-book.ts';
import { planReplacement } from './rule-set.ts';

const options = { node: { name: 'n1' }, clusterName: 't', clusterCidrs: ['10.244.0.0/16'] };

const service = (name: string) => serviceOf(name, { clusterIP: `10.96.0.${name.slice(1)}`, clusterIPs: [`10.96.0.${name.slice(1)}`] });
const rulesOf = (name: string, pods: readonly number[]): ServiceRules => planServiceRules(service(name), [sliceOf(name, pods.map((pod) => endpoint(`10.244.0.${pod}`)))], options);

test('a change writes what belongs to that service and nothing else', () => {
  const book = new RuleBook(options);
  book.change(new Map([['default/s1', rulesOf('s1', [1, 2])], ['default/s2', rulesOf('s2', [3])]]));
  const script = book.change(new Map([['default/s1', rulesOf('s1', [1, 4])]]));
  assert.match(script, /10\.244\.0\.4/);
  assert.doesNotMatch(script, /s2|10\.244\.0\.3/);
  assert.equal(book.change(new Map([['default/s1', rulesOf('s1', [1, 4])]])), '');
});

test('what two services share goes with the last of them', () => {
  const book = new RuleBook(options);
  book.change(new Map([['default/s1', rulesOf('s1', [1])], ['default/s2', rulesOf('s2', [1])]]));
  assert.doesNotMatch(book.change(new Map([['default/s1', undefined]])), /delete element ip skiff-t hairpin/);
  assert.match(book.change(new Map([['default/s2', undefined]])), /delete element ip skiff-t hairpin-connections \{ 10\.244\.0\.1 \. 10\.244\.0\.1 \}/);
});

test('after any changes the book says the same as a plan from the beginning', () => {
  const change = fc.record({ name: fc.constantFrom('s1', 's2', 's3'), pods: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })) });
  fc.assert(fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
    const book = new RuleBook(options);
    const state = new Map<string, readonly number[]>();
    for (const { name, pods } of changes) {
      if (pods === null) state.delete(name);
      else state.set(name, pods);
      book.change(new Map([[`default/${name}`, pods === null ? undefined : rulesOf(name, pods)]]));
    }
    const names = [...state.keys()];
    const whole = planRules(names.map(service), names.map((name) => sliceOf(name, (state.get(name) ?? []).map((pod) => endpoint(`10.244.0.${pod}`)))), options);
    const words = (script: string): string[] => script.split(/[\n,{}]/).map((part) => part.trim()).sort();
    assert.deepEqual(words(book.replacement()), words(planReplacement(whole)));
  }));
});
