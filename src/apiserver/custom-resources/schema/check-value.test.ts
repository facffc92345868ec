import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { describeFieldError } from '#apimachinery/field-error.ts';
import { valueCheck } from './check-value.ts';

function faults(schema: JSONSchemaProps, value: unknown, old?: unknown): readonly string[] {
  const errors: FieldError[] = [];
  valueCheck(schema).run(value, 'a', errors, old);
  return errors.map(describeFieldError);
}

const none = '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found none valid';

test('of alternatives that all fail, the faults of the one that fits best are told', () => {
  const union: JSONSchemaProps = { oneOf: [
    { properties: { type: { enum: ['x'] } }, required: ['x'] },
    { properties: { type: { enum: ['y'] }, y: { minimum: 3 } }, required: ['y'] },
  ] };
  assert.deepEqual(faults(union, { type: 'y', y: 3 }), []);
  assert.deepEqual(faults(union, { type: 'y', y: 1 }), [none, 'a.y: Invalid value: 1: a.y in body should be greater than or equal to 3']);
  assert.deepEqual(faults(union, { type: 'y' }), [none, 'a.type: Unsupported value: "y": supported values: "x"', 'a.x: Required value']);
});

test('alternatives that fit, and those that fit too often', () => {
  const either: JSONSchemaProps = { oneOf: [{ required: ['x'] }, { required: ['y'] }] };
  assert.deepEqual(faults(either, { x: 1 }), []);
  assert.deepEqual(faults(either, { x: 1, y: 1 }), ['<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives']);
  assert.deepEqual(faults({ anyOf: [{ type: 'integer' }, { type: 'string' }] }, true), ['<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)', 'a: Invalid value: "boolean": a in body must be of type integer: "boolean"']);
  assert.deepEqual(faults({ not: { required: ['x'] } }, { x: 1 }), ['<nil>: Invalid value: "": "a" must not validate the schema (not)']);
});

test('what several parts of a schema say is told once', () => {
  const needed = { required: ['x'] };
  assert.deepEqual(faults({ ...needed, allOf: [needed, needed] }, {}).filter((each) => each === 'a.x: Required value').length, 1);
  assert.deepEqual(faults({ allOf: [needed, needed] }, {}), ['a.x: Required value', '<nil>: Invalid value: "": "a" must validate all the schemas (allOf). None validated']);
});

test('of an object of the wrong size nothing else is told', () => {
  const schema: JSONSchemaProps = { type: 'object', minProperties: 2, required: ['x'], properties: { y: { type: 'string' } } };
  assert.deepEqual(faults(schema, { y: 1 }), ['a: Invalid value: 1: a in body should have at least 2 properties']);
  assert.deepEqual(faults(schema, { y: 1, z: 1 }), ['a.y: Invalid value: "integer": a.y in body must be of type string: "integer"', 'a.x: Required value']);
});

test('what has not changed may stay as it was', () => {
  const schema: JSONSchemaProps = { properties: { x: { maximum: 1 }, y: { maximum: 1 } } };
  assert.deepEqual(faults(schema, { x: 5, y: 5 }, { x: 5, y: 4 }), ['a.y: Invalid value: 5: a.y in body should be less than or equal to 1']);
});
