/** CustomResourceDefinitions over HTTPS: served at once, pruned, defaulted, validated, gone with their definition. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Definition {
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly finalizers?: readonly string[] };
  readonly spec: Record<string, unknown>;
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[] | null;
    readonly acceptedNames: { readonly plural: string; readonly shortNames?: readonly string[] };
    readonly storedVersions: readonly string[];
  };
}

/** A definition of `<plural>.<group>` with one version. */
function definitionOf(group: string, plural: string, kind: string, schema: object, more: { readonly version?: object; readonly spec?: object; readonly names?: object } = {}): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group, scope: 'Namespaced', names: { plural, kind, ...more.names },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more.version }],
      ...more.spec,
    },
  };
}

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  let value = await read();
  for (let attempt = 0; attempt < 1000 && !holds(value); attempt++) value = await read();
  assert.ok(holds(value), `still ${JSON.stringify(value)}`);
  return value;
}

function conditionOf(definition: Definition, type: string): string {
  const found = definition.status.conditions?.find((each) => each.type === type);
  return found === undefined ? '' : `${found.status} ${found.reason}`;
}

async function define(definition: object): Promise<Definition> {
  const answer = await api.request('POST', definitionsPath, { body: definition });
  assert.equal(answer.code, 201, answer.text);
  const { name } = answer.json<Definition>().metadata;
  return until(async () => (await api.request('GET', `${definitionsPath}/${name}`)).json<Definition>(), (each) => conditionOf(each, 'NamesAccepted') !== '');
}

const crontabSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['cronSpec'],
      properties: {
        cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
        image: { type: 'string', default: 'busybox' },
        replicas: { type: 'integer', minimum: 1, maximum: 10, default: 1 },
        suspend: { type: 'boolean', default: false },
        note: { type: 'string', nullable: true },
        port: { 'x-kubernetes-int-or-string': true },
        policy: { type: 'string', enum: ['Allow', 'Forbid'] },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set', maxItems: 3 },
        env: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, value: { type: 'string' } } } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
  },
};
const group = 'stable.example.com';
const crontabs = `/apis/${group}/v1/namespaces/default/crontabs`;
const merge = { 'content-type': 'application/merge-patch+json' };

function crontab(name: string, spec: object): object {
  return { apiVersion: `${group}/v1`, kind: 'CronTab', metadata: { name }, spec };
}
function create(object: object, query = ''): Promise<RawAnswer> {
  return api.request('POST', `${crontabs}${query}`, { body: object });
}

describe('a defined kind', () => {
  before(async () => {
    const made = await define(definitionOf(group, 'crontabs', 'CronTab', crontabSchema, {
      names: { shortNames: ['ct'], categories: ['all'] },
      version: {
        subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } },
        additionalPrinterColumns: [
          { name: 'Spec', type: 'string', jsonPath: '.spec.cronSpec' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        selectableFields: [{ jsonPath: '.spec.image' }],
      },
    }));
    assert.equal(conditionOf(made, 'NamesAccepted'), 'True NoConflicts');
    assert.equal(conditionOf(made, 'Established'), 'True InitialNamesAccepted');
    assert.deepEqual(made.status.storedVersions, ['v1']);
  });

  test('is in discovery and OpenAPI as soon as it is established', async () => {
    const groups = (await api.request('GET', '/apis')).json<{ groups: { name: string; preferredVersion: object }[] }>();
    assert.deepEqual(groups.groups.find((each) => each.name === group)?.preferredVersion, { groupVersion: `${group}/v1`, version: 'v1' });
    const { resources } = (await api.request('GET', `/apis/${group}/v1`)).json<{ resources: { name: string; shortNames?: string[]; categories?: string[] }[] }>();
    assert.deepEqual(resources.map(({ name }) => name), ['crontabs', 'crontabs/status', 'crontabs/scale']);
    assert.deepEqual([resources[0]?.shortNames, resources[0]?.categories], [['ct'], ['all']]);
    const index = (await api.request('GET', '/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
    const url = index.paths[`apis/${group}/v1`]?.serverRelativeURL ?? '';
    const document = (await api.request('GET', url.split('?')[0] ?? '')).json<{ components: { schemas: Record<string, { properties: Record<string, unknown> }> } }>();
    const schema = document.components.schemas['com.example.stable.v1.CronTab'];
    assert.deepEqual(Object.keys(schema?.properties ?? {}).sort(), ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
    assert.equal((await api.request('GET', '/openapi/v2')).json<{ definitions: Record<string, object> }>().definitions['com.example.stable.v1.CronTab'] !== undefined, true);
  });

  test('completes what is left out and drops what it does not know', async () => {
    const answer = await create(crontab('defaulted', { cronSpec: '* * * * *', unknown: 1, note: null, image: null, free: { any: { thing: [0, '', null] } } }));
    assert.equal(answer.code, 201, answer.text);
    assert.match(String(answer.headers['warning']), /unknown field \\"spec\.unknown\\"/);
    const { spec, metadata } = answer.json<{ spec: object; metadata: { generation: number } }>();
    assert.deepEqual(spec, { cronSpec: '* * * * *', note: null, image: 'busybox', free: { any: { thing: [0, '', null] } }, replicas: 1, suspend: false });
    assert.equal(metadata.generation, 1);
    assert.deepEqual((await api.request('GET', `${crontabs}/defaulted`)).json<{ spec: object }>().spec, spec);
  });

  test('refuses unknown fields when asked to', async () => {
    const answer = await create(crontab('strict', { cronSpec: '* * * * *', foo: 1, env: [{ name: 'a', bar: 2 }] }), '?fieldValidation=Strict');
    assert.equal(answer.code, 400);
    assert.equal(answer.json()['message'], 'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field "spec.env[0].bar", unknown field "spec.foo"');
  });

  test('refuses values that the schema does not allow, in the words of the original', async () => {
    const refused: readonly [object, string][] = [
      [{ cronSpec: '* * * * *', suspend: 'no' }, 'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"'],
      [{ replicas: 1 }, 'spec.cronSpec: Required value'],
      [{ cronSpec: 'never' }, `spec.cronSpec: Invalid value: "never": spec.cronSpec in body should match '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'`],
      [{ cronSpec: '* * * * *', replicas: 11 }, 'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10'],
      [{ cronSpec: '* * * * *', policy: 'Maybe' }, 'spec.policy: Unsupported value: "Maybe": supported values: "Allow", "Forbid"'],
      [{ cronSpec: '* * * * *', tags: ['a', 'a'] }, 'spec.tags[1]: Duplicate value: "a"'],
      [{ cronSpec: '* * * * *', tags: ['a', 'b', 'c', 'd'] }, 'spec.tags: Too many: 4: must have at most 3 items'],
      [{ cronSpec: '* * * * *', env: [{ name: 'a' }, { name: 'a' }] }, 'spec.env[1]: Duplicate value: {"name":"a"}'],
      [{ cronSpec: '* * * * *', env: [{ value: 'a' }] }, 'spec.env[0].name: Required value'],
      [{ cronSpec: '* * * * *', port: true }, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
      [{ cronSpec: '* * * * *', template: { kind: 'Pod' } }, 'spec.template.apiVersion: Required value'],
    ];
    for (const [spec, message] of refused) {
      const answer = await create(crontab('refused', spec));
      assert.equal(answer.code, 422, answer.text);
      assert.equal(answer.json()['message'], `CronTab.${group} "refused" is invalid: ${message}`);
    }
  });

  test('keeps status and spec apart', async () => {
    await create({ ...crontab('split', { cronSpec: '* * * * *' }), status: { replicas: 7 } });
    const read = async (): Promise<{ metadata: { generation: number }; status?: object; spec: object }> => (await api.request('GET', `${crontabs}/split`)).json();
    assert.equal((await read()).status, undefined);
    await api.request('PATCH', `${crontabs}/split/status`, { body: { status: { replicas: 3 }, spec: { replicas: 9 } }, headers: merge });
    const once = await read();
    assert.deepEqual([once.status, once.metadata.generation, once.spec], [{ replicas: 3 }, 1, { cronSpec: '* * * * *', image: 'busybox', replicas: 1, suspend: false }]);
    await api.request('PATCH', `${crontabs}/split`, { body: { status: { replicas: 5 }, spec: { replicas: 2 } }, headers: merge });
    const later = await read();
    assert.deepEqual([later.status, later.metadata.generation], [{ replicas: 3 }, 2]);
  });

  test('can be scaled', async () => {
    await create(crontab('scaled', { cronSpec: '* * * * *', replicas: 3 }));
    const scale = (await api.request('GET', `${crontabs}/scaled/scale`)).json<{ kind: string; spec: object; metadata: { resourceVersion: string } }>();
    assert.deepEqual([scale.kind, scale.spec], ['Scale', { replicas: 3 }]);
    const answer = await api.request('PUT', `${crontabs}/scaled/scale`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled', namespace: 'default' }, spec: { replicas: 5 } } });
    assert.equal(answer.code, 200, answer.text);
    assert.equal((await api.request('GET', `${crontabs}/scaled`)).json<{ spec: { replicas: number } }>().spec.replicas, 5);
    const refused = await api.request('PATCH', `${crontabs}/scaled/scale`, { body: { spec: { replicas: 11 } }, headers: merge });
    assert.equal(refused.code, 422, refused.text);
  });

  test('is shown in its columns and selected by its fields', async () => {
    await create(crontab('columns', { cronSpec: '1 * * * *', image: 'special' }));
    const answer = await api.request('GET', `${crontabs}?fieldSelector=spec.image%3Dspecial`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    const table = answer.json<{ columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] }>();
    assert.deepEqual(table.columnDefinitions.map(({ name }) => name), ['Name', 'Spec', 'Replicas', 'Age']);
    assert.deepEqual(table.rows.map(({ cells }) => cells.slice(0, 3)), [['columns', '1 * * * *', 1]]);
    const unknown = await api.request('GET', `${crontabs}?fieldSelector=spec.cronSpec%3Dx`);
    assert.equal(unknown.code, 400);
  });

  test('takes JSON, merge and apply patches, and no strategic ones', async () => {
    await create(crontab('patched', { cronSpec: '* * * * *', tags: ['a'] }));
    const strategic = await api.request('PATCH', `${crontabs}/patched`, { body: { spec: {} }, headers: { 'content-type': 'application/strategic-merge-patch+json' } });
    assert.equal(strategic.code, 415);
    const patched = await api.request('PATCH', `${crontabs}/patched`, { body: '[{"op":"add","path":"/spec/tags/-","value":"b"}]', headers: { 'content-type': 'application/json-patch+json' } });
    assert.deepEqual(patched.json<{ spec: { tags: string[] } }>().spec.tags, ['a', 'b']);
  });

  test('has owners of its fields, by the list types of its schema', async () => {
    const apply = (manager: string, spec: object, query = ''): Promise<RawAnswer> => api.request('PATCH', `${crontabs}/owned?fieldManager=${manager}${query}`, {
      body: crontab('owned', spec), headers: { 'content-type': 'application/apply-patch+yaml' },
    });
    assert.equal((await apply('one', { cronSpec: '* * * * *', env: [{ name: 'a', value: '1' }], tags: ['x'] })).code, 201);
    const second = await apply('two', { env: [{ name: 'b', value: '2' }], tags: ['y'] });
    assert.equal(second.code, 200, second.text);
    const { spec, metadata } = second.json<{ spec: { env: object[]; tags: string[] }; metadata: { managedFields: { manager: string; fieldsV1: object }[] } }>();
    assert.deepEqual([spec.env, spec.tags], [[{ name: 'a', value: '1' }, { name: 'b', value: '2' }], ['x', 'y']]);
    assert.deepEqual(metadata.managedFields.find(({ manager }) => manager === 'two')?.fieldsV1, {
      'f:spec': { 'f:env': { 'k:{"name":"b"}': { '.': {}, 'f:name': {}, 'f:value': {} } }, 'f:tags': { 'v:"y"': {} } },
    });
    const conflict = await apply('two', { env: [{ name: 'a', value: '9' }] });
    assert.equal(conflict.code, 409);
    assert.equal(conflict.json()['message'], 'Apply failed with 1 conflict: conflict with "one": .spec.env[name="a"].value');
    const taken = await apply('two', { env: [{ name: 'a', value: '9' }] }, '&force=true');
    assert.deepEqual(taken.json<{ spec: { env: object[] } }>().spec.env, [{ name: 'a', value: '9' }]);
  });

  test('is replaced only by who names the version he replaces', async () => {
    await create(crontab('replaced', { cronSpec: '* * * * *' }));
    const answer = await api.request('PUT', `${crontabs}/replaced`, { body: crontab('replaced', { cronSpec: '0 * * * *' }) });
    assert.equal(answer.code, 422);
    assert.equal(answer.json()['message'], `crontabs.${group} "replaced" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`);
  });

  test('lets old faults be while they are not touched', async () => {
    const made = await define(definitionOf('ratchet.example.com', 'dials', 'Dial', { type: 'object', properties: { spec: { type: 'object', properties: { level: { type: 'integer' }, note: { type: 'string' } } } } }));
    const dials = '/apis/ratchet.example.com/v1/namespaces/default/dials';
    await api.request('POST', dials, { body: { apiVersion: 'ratchet.example.com/v1', kind: 'Dial', metadata: { name: 'a' }, spec: { level: 50 } } });
    const stricter = await api.request('PATCH', `${definitionsPath}/${made.metadata.name}`, {
      body: '[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/level/maximum","value":10},{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/unit","value":{"type":"string","default":"dB"}}]',
      headers: { 'content-type': 'application/json-patch+json' },
    });
    assert.equal(stricter.code, 200, stricter.text);
    // What is stored is completed by the newer schema when it is read.
    await until(async () => (await api.request('GET', `${dials}/a`)).json<{ spec: { unit?: string } }>().spec.unit, (unit) => unit === 'dB');
    const listed = (await api.request('GET', dials)).json<{ items: { spec: object }[] }>();
    assert.deepEqual(listed.items.map(({ spec }) => spec), [{ level: 50, unit: 'dB' }]);
    assert.equal((await api.request('PATCH', `${dials}/a`, { body: { spec: { note: 'fine' } }, headers: merge })).code, 200);
    const refused = await api.request('PATCH', `${dials}/a`, { body: { spec: { level: 60 } }, headers: merge });
    assert.equal(refused.json()['message'], 'Dial.ratchet.example.com "a" is invalid: spec.level: Invalid value: 60: spec.level in body should be less than or equal to 10');
  });
});

test('names are given to who asks first, and on when he goes', async () => {
  const simple = { type: 'object' };
  await define(definitionOf('names.example.com', 'ants', 'Ant', simple, { names: { shortNames: ['aa'] } }));
  const second = await define(definitionOf('names.example.com', 'apes', 'Ant', simple, { names: { shortNames: ['ap'] } }));
  assert.equal(conditionOf(second, 'NamesAccepted'), 'False ListKindConflict');
  assert.equal(conditionOf(second, 'Established'), 'False NotAccepted');
  assert.equal((await api.request('GET', '/apis/names.example.com/v1/apes')).code, 404);
  await api.request('DELETE', `${definitionsPath}/ants.names.example.com`);
  await until(async () => (await api.request('GET', `${definitionsPath}/apes.names.example.com`)).json<Definition>(), (each) => conditionOf(each, 'Established') === 'True InitialNamesAccepted');
  assert.equal((await api.request('GET', '/apis/names.example.com/v1/apes')).code, 200);
});

test('a definition takes its objects with it', async () => {
  await define(definitionOf('gone.example.com', 'leaves', 'Leaf', { type: 'object' }));
  const leaves = '/apis/gone.example.com/v1/namespaces/default/leaves';
  for (const [name, finalizers] of [['free', undefined], ['held', ['example.com/hold']]] as const) {
    await api.request('POST', leaves, { body: { apiVersion: 'gone.example.com/v1', kind: 'Leaf', metadata: { name, ...(finalizers !== undefined && { finalizers }) } } });
  }
  const path = `${definitionsPath}/leaves.gone.example.com`;
  const deleted = await api.request('DELETE', path);
  assert.deepEqual(deleted.json<Definition>().metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
  const terminating = await until(async () => (await api.request('GET', path)).json<Definition>(), (each) => conditionOf(each, 'Terminating') === 'True InstanceDeletionInProgress');
  assert.equal(conditionOf(terminating, 'Established'), 'True InitialNamesAccepted');
  assert.equal((await api.request('GET', `${leaves}/free`)).code, 404);
  const late = await api.request('POST', leaves, { body: { apiVersion: 'gone.example.com/v1', kind: 'Leaf', metadata: { name: 'late' } } });
  assert.equal(late.json()['message'], 'leaves.gone.example.com "late" is forbidden: create not allowed while custom resource definition is terminating');
  await api.request('PATCH', `${leaves}/held`, { body: { metadata: { finalizers: null } }, headers: merge });
  await until(() => api.request('GET', path), ({ code }) => code === 404);
  assert.equal((await api.request('GET', leaves)).code, 404);
});

test('several versions show the same objects', async () => {
  const v = (name: string, storage: boolean, more: object = {}): object => ({ name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { [`only${name}`]: { type: 'string' }, both: { type: 'string' } } } } } }, ...more });
  await define(definitionOf('many.example.com', 'things', 'Thing', {}, { spec: { versions: [v('v1', true), v('v1beta1', false, { deprecated: true })] } }));
  const at = (version: string): string => `/apis/many.example.com/${version}/namespaces/default/things`;
  const made = await api.request('POST', at('v1beta1'), { body: { apiVersion: 'many.example.com/v1beta1', kind: 'Thing', metadata: { name: 'a' }, spec: { both: 'x', onlyv1: 'no', onlyv1beta1: 'yes' } } });
  assert.equal(made.code, 201, made.text);
  assert.match(String(made.headers['warning']), /many\.example\.com\/v1beta1 Thing is deprecated/);
  const read = (await api.request('GET', `${at('v1')}/a`)).json<{ apiVersion: string; spec: object }>();
  assert.deepEqual([read.apiVersion, read.spec], ['many.example.com/v1', { both: 'x' }]);
  const listed = (await api.request('GET', at('v1beta1'))).json<{ apiVersion: string; items: { apiVersion: string }[] }>();
  assert.deepEqual([listed.apiVersion, listed.items.map(({ apiVersion }) => apiVersion)], ['many.example.com/v1beta1', ['many.example.com/v1beta1']]);
});

test('a server that starts on a store serves what is defined there, completed by its schema', async () => {
  await define(definitionOf('restart.example.com', 'seeds', 'Seed', { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer', default: 2 } } } } }));
  const seeds = '/apis/restart.example.com/v1/namespaces/default/seeds';
  await api.request('POST', seeds, { body: { apiVersion: 'restart.example.com/v1', kind: 'Seed', metadata: { name: 'a' }, spec: { a: 1 } } });
  // As it would lie there had it been written before there was a default, or by a newer schema.
  const key = '/registry/restart.example.com/seeds/default/a';
  const { entry } = await api.store.get(key);
  const text = Buffer.from(entry?.value ?? []).toString().replace('"b":2', '"gone":3');
  await api.store.put(key, Buffer.from(text), { any: true });
  const random = seededRandom(2);
  const second = await createApiServer({ store: api.store, clock: systemClock, random, log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
  const transport = second.transport(inProcessAdmin, 'test');
  const read = (await transport.request({ method: 'GET', path: `${seeds}/a` })) as { spec: object };
  assert.deepEqual(read.spec, { a: 1, b: 2 });
  assert.deepEqual((await api.request('GET', `${seeds}/a`)).json<{ spec: object }>().spec, { a: 1, b: 2 });
  await second.close();
});

test('formats that nobody knows are warned of', async () => {
  const answer = await api.request('POST', definitionsPath, { body: definitionOf('formats.example.com', 'forms', 'Form', { type: 'object', properties: { a: { type: 'string', format: 'roman-numeral' }, b: { type: 'string', format: 'date-time' } } }) });
  assert.match(String(answer.headers['warning']), /unrecognized format \\"roman-numeral\\"/);
  assert.doesNotMatch(String(answer.headers['warning']), /date-time/);
});

test('what has no replicas cannot be asked for them', async () => {
  await define(definitionOf('bare.example.com', 'bares', 'Bare', { type: 'object', properties: { spec: { type: 'object', properties: { replicas: { type: 'integer' } } } } }, { version: { subresources: { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } } } }));
  const bares = '/apis/bare.example.com/v1/namespaces/default/bares';
  await api.request('POST', bares, { body: { apiVersion: 'bare.example.com/v1', kind: 'Bare', metadata: { name: 'a' } } });
  const answer = await api.request('GET', `${bares}/a/scale`);
  assert.deepEqual([answer.code, answer.json()['message']], [500, 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist']);
  const set = await api.request('PUT', `${bares}/a/scale`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' }, spec: { replicas: 2 } } });
  assert.deepEqual([set.code, (await api.request('GET', `${bares}/a`)).json()['spec']], [200, { replicas: 2 }]);
});

test('finalizers that may be taken for somebody else\'s are warned of, once', async () => {
  await define(definitionOf('kept.example.com', 'keeps', 'Keep', { type: 'object' }));
  const keeps = '/apis/kept.example.com/v1/namespaces/default/keeps';
  const finalizers = ['example.com', 'example.com/fine', 'orphan'];
  const made = await api.request('POST', keeps, { body: { apiVersion: 'kept.example.com/v1', kind: 'Keep', metadata: { name: 'a', finalizers } } });
  assert.equal(String(made.headers['warning']), '299 - "metadata.finalizers: \\"example.com\\": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"');
  const labelled = await api.request('PATCH', `${keeps}/a`, { body: { metadata: { labels: { a: 'b' } } }, headers: { 'content-type': 'application/merge-patch+json' } });
  assert.deepEqual([labelled.code, labelled.headers['warning']], [200, undefined]);
});

test('watches of a kind end when its definition changes, and go on from there', async () => {
  const made = await define(definitionOf('watched.example.com', 'birds', 'Bird', { type: 'object', properties: { wings: { type: 'integer' } } }));
  const birds = '/apis/watched.example.com/v1/namespaces/default/birds';
  const stream = api.watch(`${birds}?watch=true`);
  await api.request('POST', birds, { body: { apiVersion: 'watched.example.com/v1', kind: 'Bird', metadata: { name: 'a' }, wings: 2 } });
  assert.equal((await stream.next()).value?.type, 'ADDED');
  await api.request('PATCH', `${definitionsPath}/${made.metadata.name}`, { body: '[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/song","value":{"type":"string","default":"tweet"}}]', headers: { 'content-type': 'application/json-patch+json' } });
  assert.equal((await stream.next()).done, true);
  const again = api.watch<{ object: { song: string } }>(`${birds}?watch=true`);
  assert.equal(((await again.next()).value as { object: { song: string } }).object.song, 'tweet');
  await again.return();
});
