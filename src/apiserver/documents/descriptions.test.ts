import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSchema, placeOf, readDescriptions } from './descriptions.ts';

const source = `import { Time } from "../meta/v1";
/** A boat. */
export interface Boat {
    /** How many rows.
     *
     * At least one. */
    rows: number;
    crew?: string;
    /** When it left. */
    readonly "left-at"?: Time;
}
/**
 * A number
 * with a unit.
 */
export type Quantity = string;
`;

test('comments above interfaces, types and fields are their descriptions', () => {
  const found = readDescriptions(source);
  assert.deepEqual([...found.keys()], ['Boat', 'Quantity']);
  assert.equal(found.get('Boat')?.text, 'A boat.');
  assert.deepEqual([...found.get('Boat')?.fields ?? []], [['rows', 'How many rows.\n\nAt least one.'], ['left-at', 'When it left.']]);
  assert.equal(found.get('Quantity')?.text, 'A number\nwith a unit.');
});

test('a schema gets the descriptions of its properties, and keeps what it says itself', () => {
  const boat = readDescriptions(source).get('Boat');
  assert.ok(boat !== undefined);
  const schema = { type: 'object', properties: { rows: { type: 'integer' }, crew: { type: 'string' }, 'left-at': { description: 'own', type: 'string' } } };
  assert.deepEqual(describeSchema(schema, boat), {
    description: 'A boat.', type: 'object',
    properties: { rows: { description: 'How many rows.\n\nAt least one.', type: 'integer' }, crew: { type: 'string' }, 'left-at': { description: 'own', type: 'string' } },
  });
});

test('schemas of Kubernetes have their place in the package, those of custom resources none', () => {
  assert.deepEqual(placeOf('io.k8s.api.apps.v1.Deployment'), { file: 'apps/v1.d.ts', name: 'Deployment' });
  assert.deepEqual(placeOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'), { file: 'meta/v1.d.ts', name: 'ObjectMeta' });
  assert.equal(placeOf('com.example.v1.Boat'), undefined);
});
