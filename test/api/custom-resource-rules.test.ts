/** Rules of custom resources (`x-kubernetes-validations`), over HTTPS. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const group = 'rules.example.com';
const merge = { 'content-type': 'application/merge-patch+json' };
const rule = (text: string, more: object = {}): object => ({ rule: text, ...more });

before(async () => {
  api = await startApiServer();
  const spec = {
    type: 'object',
    'x-kubernetes-validations': [
      rule('self.minReplicas <= self.maxReplicas', { message: 'min must not exceed max' }),
      rule("self.minReplicas != 7", { messageExpression: '"%d is not allowed".format([self.minReplicas])', reason: 'FieldValueForbidden', fieldPath: '.minReplicas' }),
      rule("!has(self.quota) || quantity(self.quota).isLessThan(quantity('10Gi'))"),
    ],
    required: ['minReplicas', 'maxReplicas'],
    properties: {
      minReplicas: { type: 'integer' },
      maxReplicas: { type: 'integer' },
      name: { type: 'string', 'x-kubernetes-validations': [rule('self == oldSelf', { message: 'name is immutable' })] },
      once: { type: 'string', 'x-kubernetes-validations': [rule('!oldSelf.hasValue() || oldSelf.value() == self', { optionalOldSelf: true, message: 'set once' })] },
      quota: { type: 'string' },
      hosts: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 100, 'x-kubernetes-validations': [rule("self.matches('^[a-z.]+$')", { message: 'bad host' })] } },
      limits: { type: 'object', maxProperties: 10, additionalProperties: { type: 'integer', 'x-kubernetes-validations': [rule('self >= 0')] } },
      since: { type: 'string', format: 'date-time', 'x-kubernetes-validations': [rule("self > timestamp('2000-01-01T00:00:00Z')", { message: 'too old' })] },
      'with-dash': { type: 'integer', 'x-kubernetes-validations': [rule('10 / self > 1')] },
      ref: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-validations': [rule("type(self) == int ? self < 100 : self.endsWith('%')", { message: 'less than 100 or a share' })] },
      ports: {
        type: 'array', maxItems: 10, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 20 }, port: { type: 'integer', 'x-kubernetes-validations': [rule('self >= oldSelf', { message: 'ports only grow' })] } } },
        'x-kubernetes-validations': [rule('self.all(p, p.port > 0)', { message: 'ports are positive' })],
      },
    },
  };
  const made = await api.request('POST', definitionsPath, { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `scalers.${group}` },
    spec: {
      group, scope: 'Namespaced', names: { plural: 'scalers', kind: 'Scaler' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec }, 'x-kubernetes-validations': [rule("self.metadata.name != 'forbidden'", { message: 'not this name' })] } } }],
    },
  } });
  assert.equal(made.code, 201, made.text);
  for (let attempt = 0; attempt < 1000; attempt++) if ((await api.request('GET', `/apis/${group}/v1`)).code === 200) return;
});
after(() => api.close());

const path = `/apis/${group}/v1/namespaces/default/scalers`;
function create(name: string, spec: object): Promise<RawAnswer> {
  return api.request('POST', path, { body: { apiVersion: `${group}/v1`, kind: 'Scaler', metadata: { name }, spec: { minReplicas: 1, maxReplicas: 3, ...spec } } });
}
function patch(name: string, spec: object): Promise<RawAnswer> {
  return api.request('PATCH', `${path}/${name}`, { body: { spec }, headers: merge });
}
function messageOf(answer: RawAnswer): string {
  return String(answer.json()['message']).replace(/^Scaler\.rules\.example\.com "[^"]*" is invalid: /, '');
}

test('an object that meets all rules is taken', async () => {
  const answer = await create('good', { hosts: ['a.b'], limits: { cpu: 1 }, quota: '1Gi', since: '2024-01-01T00:00:00Z', 'with-dash': 2, ref: '5%', ports: [{ name: 'a', port: 1 }] });
  assert.equal(answer.code, 201, answer.text);
});

test('what a rule refuses is told in the words of the original', async () => {
  const refused: readonly [object, string][] = [
    [{ minReplicas: 5 }, 'spec: Invalid value: min must not exceed max'],
    [{ minReplicas: 7, maxReplicas: 9 }, 'spec.minReplicas: Forbidden: 7 is not allowed'],
    [{ quota: '20Gi' }, "spec: Invalid value: failed rule: !has(self.quota) || quantity(self.quota).isLessThan(quantity('10Gi'))"],
    [{ quota: 'much' }, 'spec: Invalid value: "object": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\' evaluating rule: !has(self.quota) || quantity(self.quota).isLessThan(quantity(\'10Gi\'))'],
    [{ hosts: ['ok', 'NO'] }, 'spec.hosts[1]: Invalid value: "NO": bad host'],
    [{ limits: { cpu: -1 } }, 'spec.limits[cpu]: Invalid value: -1: failed rule: self >= 0'],
    [{ since: '1999-01-01T00:00:00Z' }, 'spec.since: Invalid value: "1999-01-01T00:00:00Z": too old'],
    [{ 'with-dash': 0 }, 'spec.with-dash: Invalid value: "integer": division by zero evaluating rule: 10 / self > 1'],
    [{ ref: 100 }, 'spec.ref: Invalid value: 100: less than 100 or a share'],
    [{ ref: 'x' }, 'spec.ref: Invalid value: "x": less than 100 or a share'],
    [{ ports: [{ name: 'a', port: 0 }] }, 'spec.ports: Invalid value: ports are positive'],
  ];
  for (const [spec, message] of refused) {
    const answer = await create('bad', spec);
    assert.equal(answer.code, 422, answer.text);
    assert.equal(messageOf(answer), message);
  }
  assert.equal(messageOf(await create('forbidden', {})), '<nil>: Invalid value: not this name');
});

test('rules are not run on what the schema refuses already', async () => {
  const answer = await create('bad', { minReplicas: 'one' });
  assert.equal(messageOf(answer), '[spec.minReplicas: Invalid value: "string": spec.minReplicas in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]');
});

test('transition rules compare with what was there, where there was something', async () => {
  await create('moving', { ports: [{ name: 'a', port: 5 }, { name: 'b', port: 9 }] });
  assert.equal((await patch('moving', { name: 'first' })).code, 200);
  assert.equal(messageOf(await patch('moving', { name: 'second' })), 'spec.name: Invalid value: "second": name is immutable');
  assert.equal((await patch('moving', { once: 'x' })).code, 200);
  assert.equal(messageOf(await patch('moving', { once: 'y' })), 'spec.once: Invalid value: "y": set once');
  // Items of keyed lists are found by their key, wherever they stand.
  assert.equal((await patch('moving', { ports: [{ name: 'b', port: 9 }, { name: 'a', port: 6 }, { name: 'c', port: 1 }] })).code, 200);
  assert.equal(messageOf(await patch('moving', { ports: [{ name: 'b', port: 8 }] })), 'spec.ports[0].port: Invalid value: 8: ports only grow');
});

test('an old fault does not hold up an update of something else', async () => {
  await create('ratchet', {});
  const stricter = await api.request('PATCH', `${definitionsPath}/scalers.${group}`, {
    body: '[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/maxReplicas/x-kubernetes-validations","value":[{"rule":"self > 10"}]}]',
    headers: { 'content-type': 'application/json-patch+json' },
  });
  assert.equal(stricter.code, 200, stricter.text);
  for (let attempt = 0; attempt < 1000; attempt++) if ((await create(`probe-${attempt}`, {})).code === 422) break;
  assert.equal((await patch('ratchet', { quota: '2Gi' })).code, 200);
  assert.equal(messageOf(await patch('ratchet', { maxReplicas: 4 })), 'spec.maxReplicas: Invalid value: 4: failed rule: self > 10');
});
