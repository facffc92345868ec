import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSchema, placeOf, readDescription } from './descriptions.ts';

const source = `import { ModelData, Model } from "@kubernetes-models/base";
/**
 * A boat.
 * @deprecated
 */
export interface IBoat extends TypeMeta {
    "apiVersion": "v1";
    /**
     * How many rows: 1 \\*\\/ 2.
     *
     * At least one.
     */
    "rows": number;
    "crew"?: string;
    /**
     * When it left.
     *
     * Possible enum values:
     *  - \`"Now"\` just now
     */
    "left-at"?: ITime;
}
/**
 * Another.
 */
export declare class Boat {
    "rows": number;
}
`;

test('comments above an interface and its fields are their descriptions', () => {
  const found = readDescription(source);
  assert.equal(found?.text, 'A boat.');
  assert.deepEqual([...found.fields], [['rows', 'How many rows: 1 */ 2.\n\nAt least one.'], ['left-at', 'When it left.']]);
  assert.equal(readDescription('/**\n * A number\n * with a unit.\n */\nexport type IQuantity = string;\n')?.text, 'A number\nwith a unit.');
  assert.equal(readDescription('export {};\n'), undefined);
});

test('a schema gets the descriptions of its properties, and keeps what it says itself', () => {
  const boat = readDescription(source);
  assert.ok(boat !== undefined);
  const schema = { type: 'object', properties: { rows: { type: 'integer' }, crew: { type: 'string' }, 'left-at': { description: 'own', type: 'string' } } };
  assert.deepEqual(describeSchema(schema, boat), {
    description: 'A boat.', type: 'object',
    properties: { rows: { description: 'How many rows: 1 */ 2.\n\nAt least one.', type: 'integer' }, crew: { type: 'string' }, 'left-at': { description: 'own', type: 'string' } },
  });
});

test('in version 3 a reference with a description is wrapped, in version 2 it is not', () => {
  const boat = { text: '', fields: new Map([['rows', 'How many.']]) };
  const referring = (to: string): object => describeSchema({ properties: { rows: { $ref: to }, crew: { $ref: to } } }, boat);
  const [third, second] = ['#/components/schemas/Rows', '#/definitions/Rows'];
  assert.deepEqual(referring(third), { properties: { rows: { description: 'How many.', allOf: [{ $ref: third }] }, crew: { $ref: third } } });
  assert.deepEqual(referring(second), { properties: { rows: { description: 'How many.', $ref: second }, crew: { $ref: second } } });
});

test('schemas of Kubernetes have their place in the packages, those of custom resources none', () => {
  assert.deepEqual(placeOf('io.k8s.api.apps.v1.Deployment'), { package: 'kubernetes-models', file: 'apps/v1/Deployment.d.ts' });
  assert.deepEqual(placeOf('io.k8s.api.core.v1.Pod'), { package: 'kubernetes-models', file: 'v1/Pod.d.ts' });
  assert.deepEqual(placeOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'), { package: '@kubernetes-models/apimachinery', file: 'apis/meta/v1/ObjectMeta.d.ts' });
  assert.equal(placeOf('com.example.v1.Boat'), undefined);
});
