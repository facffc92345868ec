import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { publishSchema } from './publish-schema.ts';

const meta = { $ref: '#/ObjectMeta' };
const ofEveryKind = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: meta };

function published(schema: JSONSchemaProps | undefined, version: 2 | 3, selectableFields: readonly string[] = []): JsonObject {
  return publishSchema({ schema, selectableFields }, version, () => meta);
}
/** What becomes of one property. */
function property(schema: JSONSchemaProps, version: 2 | 3): unknown {
  return (published({ type: 'object', properties: { it: schema } }, version)['properties'] as JsonObject)['it'];
}
/** In version 2, then in version 3. */
function both(schema: JSONSchemaProps): readonly unknown[] {
  return [property(schema, 2), property(schema, 3)];
}

test('a kind has its apiVersion, kind and metadata, in place of what its definition says of them', () => {
  for (const version of [2, 3] as const) {
    assert.deepEqual(published({ type: 'object', description: 'A boat.', required: ['rows'], properties: { rows: { type: 'integer' }, metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } } } }, version), {
      type: 'object', description: 'A boat.', required: ['rows'], properties: { rows: { type: 'integer' }, ...ofEveryKind },
    });
  }
});

test('without a schema anything goes; so it does in version 2 where unknown fields are kept at the root', () => {
  const open: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { rows: { type: 'integer' } } };
  assert.deepEqual(published(undefined, 3), { type: 'object' });
  assert.deepEqual(published(open, 2), { type: 'object' });
  assert.deepEqual(published(open, 3), { ...open, properties: { rows: { type: 'integer' }, ...ofEveryKind } });
});

test('the fields that can be selected by stand at the kind', () => {
  const fields = { 'x-kubernetes-selectable-fields': [{ fieldPath: 'spec.rows' }] };
  assert.deepEqual(published(undefined, 2, ['spec.rows']), { type: 'object', ...fields });
  assert.deepEqual(published({ type: 'object' }, 3, ['spec.rows']), { type: 'object', properties: ofEveryKind, ...fields });
});

test('alternatives and defaults are for version 3 alone', () => {
  const [second, third] = both({ type: 'string', default: 'a', enum: ['a', 'b'], pattern: '^.$', oneOf: [{ minLength: 1 }], anyOf: [{ maxLength: 1 }], allOf: [{ format: 'x' }], not: { enum: ['c'] } });
  assert.deepEqual(second, { type: 'string', enum: ['a', 'b'], pattern: '^.$' });
  assert.deepEqual(third, { type: 'string', default: 'a', enum: ['a', 'b'], pattern: '^.$', oneOf: [{ minLength: 1 }], anyOf: [{ maxLength: 1 }], allOf: [{ format: 'x' }], not: { enum: ['c'] } });
});

test('extensions, bounds and rules are in both versions; flags that are off in none', () => {
  const said: JSONSchemaProps = {
    type: 'array', items: { type: 'object', properties: { name: { type: 'string' } }, 'x-kubernetes-map-type': 'atomic' }, minItems: 0,
    'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], 'x-kubernetes-validations': [{ rule: 'true' }],
  };
  assert.deepEqual(both({ ...said, nullable: false, uniqueItems: false, 'x-kubernetes-embedded-resource': false, required: [] }), [said, said]);
});

test('what may be null has no type in version 2, nothing below it, and is not required', () => {
  assert.deepEqual(both({ type: 'object', nullable: true, properties: { a: { type: 'string' } }, required: ['a'] }), [
    { required: ['a'] }, { type: 'object', nullable: true, properties: { a: { type: 'string' } }, required: ['a'] },
  ]);
  assert.deepEqual(property({ type: 'object', properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } }, required: ['a', 'b'] }, 2), {
    type: 'object', properties: { a: {}, b: { type: 'string' } }, required: ['b'],
  });
  assert.deepEqual(property({ type: 'object', required: ['a'], additionalProperties: { type: 'string', nullable: true } }, 2), { type: 'object', additionalProperties: {} });
});

test('where unknown fields are kept, version 2 names no known ones', () => {
  const keeps = { 'x-kubernetes-preserve-unknown-fields': true } as const;
  assert.deepEqual(property({ type: 'object', properties: { a: { type: 'string' } }, ...keeps }, 2), keeps);
  assert.deepEqual(property({ type: 'array', items: { type: 'string' }, ...keeps }, 2), keeps);
  assert.deepEqual(property({ ...keeps }, 3), keeps);
});

test('int-or-string is spelt out in version 3, once', () => {
  const flag = { 'x-kubernetes-int-or-string': true } as const;
  const types = [{ type: 'integer' }, { type: 'string' }];
  const least = [{ minimum: 42 }];
  assert.deepEqual(both(flag), [flag, { ...flag, anyOf: types }]);
  assert.deepEqual(both({ ...flag, anyOf: types, allOf: [{ anyOf: least }] }), [flag, { ...flag, anyOf: types, allOf: [{ anyOf: least }] }]);
  assert.deepEqual(both({ ...flag, allOf: [{ anyOf: types }, { anyOf: least }] }), [flag, { ...flag, allOf: [{ anyOf: types }, { anyOf: least }] }]);
  assert.deepEqual(both({ ...flag, anyOf: least }), [flag, { ...flag, anyOf: least, allOf: [{ anyOf: types }] }]);
  assert.deepEqual(both({ ...flag, anyOf: least, allOf: least }), [flag, { ...flag, anyOf: least, allOf: [{ anyOf: types }, ...least] }]);
});

test('an object within has what every object has, unless version 2 may name none of it', () => {
  const embedded: JSONSchemaProps = { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } }, required: ['spec', 'kind'] };
  const whole = { ...embedded, properties: { spec: { type: 'object' }, ...ofEveryKind }, required: ['spec', 'kind', 'apiVersion'] };
  assert.deepEqual(both(embedded), [whole, whole]);
  const open: JSONSchemaProps = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
  assert.deepEqual(both(open), [
    { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    { ...open, properties: ofEveryKind, required: ['kind', 'apiVersion'] },
  ]);
});
