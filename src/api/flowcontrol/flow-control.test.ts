import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf, given, statusErrorsOf } from '../kind-probe.ts';
import type { FlowSchema as FlowSchemaObject } from './flow-schema.ts';
import { FlowSchema } from './flow-schema.ts';
import type { PriorityLevelConfiguration as LevelObject } from './priority-level-configuration.ts';
import { PriorityLevelConfiguration } from './priority-level-configuration.ts';

function schemaErrors(spec: object, name = 'mine'): readonly string[] {
  const rules = [{ subjects: [{ kind: 'User', user: { name: 'anna' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }];
  return errorsOf(FlowSchema, given(FlowSchema, { metadata: { name }, spec: { priorityLevelConfiguration: { name: 'level' }, rules, ...spec } }) as unknown as FlowSchemaObject);
}
function ruleErrors(rule: object): readonly string[] {
  return schemaErrors({ rules: [{ subjects: [{ kind: 'Group', group: { name: 'g' } }], ...rule }] });
}
function levelErrors(spec: object, name = 'mine'): readonly string[] {
  return errorsOf(PriorityLevelConfiguration, given(PriorityLevelConfiguration, { metadata: { name }, spec }) as unknown as LevelObject);
}
const queue = (queuing: object): object => ({ type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } });

test('what is wrong with a flow schema is said with its path', () => {
  assert.deepEqual(schemaErrors({}), []);
  assert.deepEqual(schemaErrors({ matchingPrecedence: -1 }), ['spec.matchingPrecedence: Invalid value: -1: must be a positive value']);
  assert.deepEqual(schemaErrors({ matchingPrecedence: 1 }), ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]);
  assert.deepEqual(schemaErrors({ distinguisherMethod: { type: 'ByMood' } }), ['spec.distinguisherMethod.type: Unsupported value: {"Type":"ByMood"}: supported values: "ByNamespace", "ByUser"']);
  assert.match(schemaErrors({}, 'catch-all').join(), /^spec: Invalid value: .*: spec of 'catch-all' must equal the fixed value$/);
});

test('what is wrong with its rules is said with their path', () => {
  const resources = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] };
  assert.deepEqual(ruleErrors({ resourceRules: [resources] }), []);
  assert.deepEqual(ruleErrors({}), ['spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty']);
  assert.deepEqual(ruleErrors({ resourceRules: [{ ...resources, verbs: ['*', 'get'] }] }), ["spec.rules[0].resourceRules[0].verbs: Invalid value: [\"*\",\"get\"]: if '*' is present, must not specify other verbs"]);
  assert.deepEqual(ruleErrors({ resourceRules: [{ ...resources, namespaces: [] }] }), ['spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace']);
  assert.deepEqual(ruleErrors({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*', 'b'] }] }), [
    'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
    'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "b": must start with slash',
  ]);
  assert.deepEqual(ruleErrors({ subjects: [{ kind: 'User', group: { name: 'g' } }], resourceRules: [resources] }), [
    "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
  ]);
});

test('what is wrong with a priority level is said with its path', () => {
  const at = 'spec.limited.limitResponse.queuing';
  assert.deepEqual(levelErrors(queue({})), []);
  assert.deepEqual(levelErrors({ type: 'Exempt' }), ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"]);
  assert.deepEqual(levelErrors({ type: 'Limited' }), ['spec.limited: Required value: must not be empty when type is Limited']);
  assert.deepEqual(levelErrors(queue({ queues: 4, handSize: 5 })), [`${at}.handSize: Invalid value: 5: should not be greater than queues (4)`]);
  assert.deepEqual(levelErrors(queue({ queues: 1024, handSize: 7 })), [`${at}.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60`]);
  assert.deepEqual(levelErrors(queue({ queueLengthLimit: -1 })), [`${at}.queueLengthLimit: Invalid value: -1: must be positive`]);
  assert.match(levelErrors(queue({}), 'catch-all').join(), /spec of 'catch-all' must equal the fixed value$/);
});

test('shares and percents are in their ranges, and conditions have types of their own', () => {
  assert.deepEqual(levelErrors({ type: 'Limited', limited: { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1, limitResponse: { type: 'Reject' } } }), [
    'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer', 'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
  ]);
  assert.deepEqual(levelErrors({ type: 'Exempt', exempt: { lendablePercent: -1 } }, 'exempt'), ['spec.exempt.lendablePercent: Invalid value: -1: must be between 0 and 100, inclusive']);
  const status = { conditions: [{ type: 'Dangling' }, { type: 'Dangling' }, {}] };
  assert.deepEqual(statusErrorsOf(FlowSchema, given(FlowSchema, { metadata: { name: 'a' }, status }) as unknown as FlowSchemaObject), ['status.conditions[1].type: Duplicate value: "Dangling"', 'status.conditions[2].type: Required value: must not be empty']);
});
