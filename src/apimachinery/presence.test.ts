/** What stands in an object when nothing was given, and what OpenAPI says of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDraft } from './decode.ts';
import { structShape } from './field-shape.ts';
import { SchemaCollection } from './openapi-schema.ts';
import { bool, int32, map, object, oneOf, pointer, string, struct } from './schema.ts';

const Sail = struct('Sail', { colour: string(1) }, { atomic: true });
const Boat = struct('Boat', {
  name: string(1, { required: true }),
  port: string(2, { required: true, omitEmpty: true }),
  owner: string(3, { default: '', published: true }),
  rows: int32(4, { default: 0, published: true }),
  motor: bool(5, { pointer: true, default: false, published: true }),
  kind: oneOf(6, ['Sail', 'Row'], { default: 'Row' }),
  flag: string(7, { always: true }),
  sail: pointer(8, Sail, { atomic: false }),
  spare: pointer(9, Sail),
  cargo: map(10, 'string', { atomic: false }),
  mast: object(11, Sail),
}, { union: { discriminator: 'kind', of: ['sail', 'rows'] } });

test('zero values are left out, unless they are required or differ from nothing', () => {
  const nothing = { name: '', motor: false, kind: 'Row', flag: '', mast: {} };
  assert.deepEqual(decodeDraft(Boat, {}, { defaults: true }), nothing);
  assert.deepEqual(decodeDraft(Boat, { port: '', owner: '', rows: 0 }, { defaults: true }), nothing);
  assert.deepEqual(decodeDraft(Boat, { port: 'Oslo', owner: 'me', rows: 2 }), { name: '', port: 'Oslo', owner: 'me', rows: 2, flag: '', mast: {} });
});

test('OpenAPI tells published defaults, and the zero of what is always written', () => {
  const schemas = new SchemaCollection(3, [], []);
  schemas.refTo(Boat);
  const { properties, required, ...rest } = schemas.all()['Boat'] as { readonly properties: Readonly<Record<string, { readonly default?: unknown }>>; readonly required: readonly string[] };
  const defaults = Object.entries(properties).flatMap(([key, property]) => ('default' in property ? [[key, property.default]] : []));
  assert.deepEqual(Object.fromEntries(defaults), { name: '', owner: '', rows: 0, motor: false, flag: '', mast: {} });
  assert.deepEqual(required, ['name', 'port']);
  assert.deepEqual(rest, { type: 'object', 'x-kubernetes-unions': [{ discriminator: 'kind', 'fields-to-discriminateBy': { sail: 'Sail', rows: 'Rows' } }] });
});

test('a field may have parts with owners of their own although its struct is atomic', () => {
  const shapes = Object.fromEntries(structShape(Boat).fields.map(({ key, shape }) => [key, shape.is]));
  assert.deepEqual([shapes['sail'], shapes['spare'], shapes['cargo']], ['struct', 'leaf', 'map']);
  const schemas = new SchemaCollection(3, [], []);
  schemas.refTo(Boat);
  const { properties } = schemas.all()['Boat'] as { readonly properties: object };
  assert.deepEqual((properties as { readonly sail: object }).sail, { allOf: [{ $ref: '#/components/schemas/Sail' }], 'x-kubernetes-map-type': 'granular' });
});
