import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowSchema as FlowSchemaObject } from '#api/flowcontrol/flow-schema.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import type { PriorityLevelConfiguration as LevelObject } from '#api/flowcontrol/priority-level-configuration.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { errorsOf } from '#api/kind-probe.ts';
import { flowControlObjects } from '../bootstrap/flow-control.ts';
import { defaultConfiguration } from './keep-configuration.ts';
import { autoUpdate, planConditions, planDefaults } from './plan-defaults.ts';
import { RetryAfter } from './retry-after.ts';

const { schemas, levels } = defaultConfiguration(flowControlObjects('2026-01-01T00:00:00Z'));

/** The default schemas, one of them as given. */
function withSchema(name: string, change: { readonly annotation?: string | undefined; readonly generation?: number; readonly matchingPrecedence?: number }): FlowSchemaObject[] {
  return schemas.map((each) => (each.metadata.name !== name ? each : {
    ...each,
    metadata: { ...each.metadata, generation: change.generation ?? 2, annotations: change.annotation === undefined ? {} : { [autoUpdate]: change.annotation } },
    spec: { ...each.spec, matchingPrecedence: change.matchingPrecedence ?? each.spec.matchingPrecedence },
  }));
}
function stepsFor(found: readonly FlowSchemaObject[]): unknown {
  return planDefaults<FlowSchemaObject>(FlowSchema, schemas, found).map((step) => [step.is, step.object.metadata.name, step.object.metadata.annotations?.[autoUpdate], step.object.spec.matchingPrecedence]);
}

test('the default objects are in order, the mandatory ones as they have to be', () => {
  for (const each of schemas) assert.deepEqual(errorsOf(FlowSchema, each), []);
  for (const each of levels) assert.deepEqual(errorsOf(PriorityLevelConfiguration, each), []);
});

test('what is as it should be is left alone, what is missing is made', () => {
  assert.deepEqual(stepsFor(schemas), []);
  assert.deepEqual(stepsFor(schemas.filter(({ metadata }) => metadata.name !== 'probes')), [['create', 'probes', 'true', 2]]);
});

test('suggested objects are brought up to date unless their owner does not want it', () => {
  assert.deepEqual(stepsFor(withSchema('probes', { annotation: 'true', matchingPrecedence: 7 })), [['update', 'probes', 'true', 2]]);
  assert.deepEqual(stepsFor(withSchema('probes', { annotation: 'false', matchingPrecedence: 7 })), []);
  // Without a word: who has changed it wants it so.
  assert.deepEqual(stepsFor(withSchema('probes', { matchingPrecedence: 7 })), [['update', 'probes', 'false', 7]]);
  assert.deepEqual(stepsFor(withSchema('probes', { matchingPrecedence: 7, generation: 1 })), [['update', 'probes', 'true', 2]]);
});

test('mandatory objects are as they are, but for how much the exempt level counts', () => {
  assert.deepEqual(stepsFor(withSchema('catch-all', { annotation: 'false', matchingPrecedence: 7 })), [['update', 'catch-all', 'true', 10_000]]);
  const lending = levels.map((each) => (each.metadata.name !== 'exempt' ? each : { ...each, spec: { ...each.spec, exempt: { nominalConcurrencyShares: 5, lendablePercent: 50 } } }));
  assert.deepEqual(planDefaults<LevelObject>(PriorityLevelConfiguration, levels, lending), []);
});

test('objects that an older version came with go, those of others stay', () => {
  const [first] = schemas;
  assert.ok(first !== undefined);
  const named = (name: string, annotations: Record<string, string>): FlowSchemaObject => ({ ...first, metadata: { ...first.metadata, name, annotations } });
  assert.deepEqual(stepsFor([...schemas, named('old', { [autoUpdate]: 'true' }), named('mine', {})]), [['delete', 'old', 'true', 1]]);
});

test('a condition says whether the level of a schema exists', () => {
  const all = new Set(levels.map(({ metadata }) => metadata.name));
  assert.deepEqual(planConditions(schemas, all), []);
  assert.deepEqual(planConditions(schemas.map((each) => ({ ...each, status: {} })), all).map(({ condition }) => condition.status), schemas.map(() => 'False'));
  const [step] = planConditions(schemas.filter(({ metadata }) => metadata.name === 'probes'), new Set());
  assert.deepEqual(step, { name: 'probes', condition: { type: 'Dangling', status: 'True', reason: 'NotFound', message: 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" but there is no such object' } });
});

test('who is refused is asked to stay away longer and longer, and shorter again when few are refused', () => {
  const retryAfter = new RetryAfter();
  const refuse = (second: number, times: number): number => {
    for (let index = 0; index < times; index++) retryAfter.note(second);
    return retryAfter.seconds;
  };
  assert.deepEqual([100, 101, 102, 103, 104, 105, 106, 107].map((second) => refuse(second, 10)), [1, 2, 2, 4, 4, 4, 4, 8]);
  for (let second = 200; second < 230; second += 10) refuse(second, 1);
  assert.equal(retryAfter.seconds, 5);
});
