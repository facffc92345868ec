import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiObject } from './api-operations.ts';
import { ResourceApi, ok, seen } from './api-operations.ts';
import { conformance } from './conformance.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Version { readonly name: string; readonly served: boolean; readonly storage: boolean; readonly schema: { readonly openAPIV3Schema: object }; readonly subresources?: object }
const openSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

let serial = 0;
interface Defined { readonly name: string; readonly group: string; readonly plural: string; readonly kind: string; readonly collection: string; readonly object: ApiObject }

/** Defines a kind and waits until it is served. */
async function define(schema: object = openSchema, more: { readonly labels?: Record<string, string>; readonly versions?: readonly Version[]; readonly group?: string } = {}): Promise<Defined> {
  const id = ++serial;
  const { group = `g${id}.example.com`, labels = {} } = more;
  const [plural, kind] = [`boats${id}`, `Boat${id}`];
  const name = `${plural}.${group}`;
  const versions = more.versions ?? [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } }];
  const object = ok(await api.request('POST', definitions, {
    body: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name, labels }, spec: { group, scope: 'Namespaced', names: { plural, singular: `boat${id}`, kind, listKind: `${kind}List` }, versions } },
  }), 201);
  const collection = `/apis/${group}/${versions[0]?.name}/namespaces/default/${plural}`;
  while ((await api.request('GET', collection)).code === 404) await new Promise((resolve) => setImmediate(resolve));
  return { name, group, plural, kind, collection, object };
}

function create({ collection, group, kind }: Defined, name: string, content: object, version = 'v1'): Promise<RawAnswer> {
  return api.request('POST', collection, { body: { apiVersion: `${group}/${version}`, kind, metadata: { name }, ...content } });
}
function post({ collection, group, kind }: Defined, content: string, metadata = '"name":"posted"'): Promise<RawAnswer> {
  return api.request('POST', `${collection}?fieldValidation=Strict`, { body: `{"apiVersion":"${group}/v1","kind":"${kind}","metadata":{${metadata}},${content}}` });
}

describe('conformance: custom resource definitions', { concurrency: false }, () => {
  const resource = (): ResourceApi => new ResourceApi(api, { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', kind: 'CustomResourceDefinition', make: () => ({}) });

  conformance('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works [Conformance]', async () => {
    const boat = await define();
    await resource().delete(boat.name);
    while (await resource().isThere(boat.name)) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await api.request('GET', boat.collection)).code, 404);
  });

  conformance('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works [Conformance]', async () => {
    const other = await define();
    for (let index = 0; index < 10; index++) await define(openSchema, { labels: { 'e2e-list-test-uuid': 'x' } });
    const query = 'labelSelector=e2e-list-test-uuid%3Dx';
    assert.equal((await resource().list(query)).length, 10);
    await resource().deleteCollection(query);
    while ((await resource().list(query)).length > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await resource().isThere(other.name), true);
  });

  conformance('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works [Conformance]', async () => {
    const { name } = await define();
    const status = await resource().get(name, '/status');
    const conditions = (status['status'] as { conditions: object[] }).conditions;
    const updated = await resource().update({ ...status, status: { ...(status['status'] as object), conditions: [...conditions, { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'm' }] } }, '/status');
    assert.match(JSON.stringify(updated['status']), /StatusUpdate/);
    const patched = await resource().patch(name, { status: { conditions: [{ type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'm' }] } }, '/status');
    assert.match(JSON.stringify(patched['status']), /StatusPatched/);
    assert.match(JSON.stringify((await resource().get(name))['status']), /StatusPatched/);
  });

  conformance('[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects [Conformance]', async () => {
    const boat = await define();
    const stream = api.watch(`${boat.collection}?watch=true`);
    const made = ok(await create(boat, 'a', { num: 1 }), 201);
    await seen(stream, 'ADDED', 'a');
    ok(await api.request('PUT', `${boat.collection}/a`, { body: { ...made, num: 2 } }));
    await seen(stream, 'MODIFIED', 'a');
    ok(await api.request('DELETE', `${boat.collection}/a`));
    await seen(stream, 'DELETED', 'a');
    await stream.return();
  });

  conformance('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works [Conformance]', async () => {
    const schemaWith = (defaults: Record<string, string>): object => ({ type: 'object', properties: Object.fromEntries(['a', 'b'].map((field) => [field, { type: 'string', ...(defaults[field] !== undefined && { default: defaults[field] }) }])) });
    const boat = await define(schemaWith({}));
    ok(await create(boat, 'one', {}), 201);
    const setDefaults = async (defaults: Record<string, string>): Promise<void> => {
      const patch = [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: schemaWith(defaults) }];
      ok(await api.request('PATCH', `${definitions}/${boat.name}`, { body: patch, headers: { 'content-type': 'application/json-patch+json' } }));
    };
    const until = async (name: string, field: string, value: string): Promise<ApiObject> => {
      for (;;) {
        const found = ok(await api.request('GET', `${boat.collection}/${name}`));
        if (found[field] === value) return found;
      }
    };
    await setDefaults({ a: 'A' });
    await until('one', 'a', 'A');
    const two = ok(await create(boat, 'two', {}), 201);
    assert.equal(two['a'], 'A');
    await setDefaults({ b: 'B' });
    await until('one', 'b', 'B');
    assert.deepEqual([(await until('two', 'b', 'B'))['a'], ok(await api.request('GET', `${boat.collection}/one`))['a']], ['A', undefined]);
  });

  conformance('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs [Conformance]', async () => {
    const boat = await define();
    const answer = await api.request('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } });
    assert.match(answer.text, new RegExp(`"name":"${boat.group}"`));
  });

  conformance('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs [Conformance]', async () => {
    const boat = await define();
    const { items } = (await api.request('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })).json<{ items: { metadata: { name: string }; versions: { version: string; resources: { resource: string; responseKind: { kind: string } }[] }[] }[] }>();
    const found = items.find((each) => each.metadata.name === boat.group)?.versions[0]?.resources[0];
    assert.deepEqual([found?.resource, found?.responseKind.kind], [boat.plural, boat.kind]);
  });
});

/** These are applied as YAML and refused in the words that the originals look for. */
describe('conformance: field validation of custom resources', { concurrency: false }, () => {
  const ports = { type: 'array', 'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], 'x-kubernetes-list-type': 'map', items: { type: 'object', required: ['containerPort', 'protocol'], properties: { containerPort: { format: 'int32', type: 'integer' }, hostIP: { type: 'string' }, hostPort: { format: 'int32', type: 'integer' }, name: { type: 'string' }, protocol: { type: 'string' } } } };
  const properties = { foo: { type: 'string' }, cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' }, ports };
  const schemaOf = (spec: object): object => ({ type: 'object', properties: { spec: { type: 'object', ...spec } } });
  const applyYaml = ({ collection, group, kind }: Defined, content: { readonly metadata?: string; readonly root?: string; readonly spec: string }): Promise<RawAnswer> => {
    const body = `
apiVersion: ${group}/v1
kind: ${kind}
metadata:
  name: mytest
${content.metadata ?? ''}  finalizers:
  - test-finalizer
${content.root ?? ''}spec:
${content.spec}  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP`;
    return api.request('PATCH', `${collection}/mytest?fieldManager=field_validation_mgr&fieldValidation=Strict`, { body, headers: { 'content-type': 'application/apply-patch+yaml' } });
  };
  const refused = (answer: RawAnswer, words: string): void => {
    assert.ok(answer.code >= 400 && answer.code < 600, answer.text);
    assert.ok(answer.text.includes(words), answer.text);
  };

  conformance('[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema [Conformance]', async () => {
    const answer = ok(await applyYaml(await define(), { spec: '  unknown: uk1\n' }), 201);
    assert.equal((answer['spec'] as { unknown: string }).unknown, 'uk1');
  });
  conformance('[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema [Conformance]', async () => {
    ok(await applyYaml(await define(schemaOf({ properties })), { spec: '  foo: foo1\n' }), 201);
  });
  conformance('[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema [Conformance]', async () => {
    refused(await applyYaml(await define(schemaOf({ properties })), { root: 'unknownField: unknown\n', spec: '  foo: foo1\n' }), '.unknownField: field not declared in schema');
  });
  conformance('[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields [Conformance]', async () => {
    const boat = await define(schemaOf({ 'x-kubernetes-preserve-unknown-fields': true, properties }));
    refused(await applyYaml(boat, { spec: '  unknown: uk1\n  foo: foo1\n  foo: foo2\n' }), String.raw`line 11: key \"foo\" already set in map`);
    refused(await post(boat, '"spec":{"unknown":"uk1","foo":"a","foo":"b"}'), String.raw`strict decoding error: duplicate field \"spec.foo\"`);
  });
  conformance('[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR [Conformance]', async () => {
    const template = { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { metadata: { type: 'object', properties: { name: { type: 'string' } } }, spec: { type: 'object' } } };
    const boat = await define(schemaOf({ 'x-kubernetes-preserve-unknown-fields': true, properties: { template, ...properties } }));
    const embedded = '  template:\n    apiversion: foo/v1\n    kind: Sub\n    metadata:\n        unknownSubMeta: unknown\n        name: subobject\n        namespace: default\n';
    const both = await applyYaml(boat, { metadata: '  unknownMeta: unknown\n', spec: `${embedded}  foo: foo1\n` });
    assert.ok(both.code >= 400, both.text);
    assert.match(both.text, /\.spec\.template\.metadata\.unknownSubMeta: field not declared in schema|\.metadata\.unknownMeta: field not declared in schema/);
    refused(await applyYaml(boat, { metadata: '  unknownMeta: unknown\n', spec: '  foo: foo1\n' }), '.metadata.unknownMeta: field not declared in schema');
    const posted = await post(boat, '"spec":{"template":{"apiVersion":"foo/v1","kind":"Sub","metadata":{"unknownSubMeta":"x","name":"subobject"}}}', '"name":"posted","unknownMeta":"y"');
    assert.equal(posted.code, 400, posted.text);
    for (const field of ['metadata.unknownMeta', 'spec.template.metadata.unknownSubMeta']) refused(posted, String.raw`unknown field \"${field}\"`);
  });
});

describe('conformance: OpenAPI of custom resources', { concurrency: false }, () => {
  const bars = (description: string, properties?: object, required?: readonly string[]): object => ({ description, type: 'array', items: { type: 'object', ...(required !== undefined && { required }), ...(properties !== undefined && { properties }) } });
  const text = (description: string, more: object = {}): object => ({ description, type: 'string', ...more });
  const foo = {
    description: 'Foo CRD for Testing', type: 'object',
    properties: {
      spec: {
        type: 'object', description: 'Specification of Foo',
        properties: { bars: bars('List of Bars and their specs.', { name: text('Name of Bar.'), age: text('Age of Bar.'), feeling: text('Whether Bar is feeling great.', { enum: ['Great', 'Down'] }), bazs: { description: 'List of Bazs.', items: { type: 'string' }, type: 'array' } }, ['name']) },
      },
      status: {
        description: 'Status of Foo', type: 'object',
        properties: { bars: bars('List of Bars and their statuses.', { name: text('Name of Bar.'), available: { description: 'Whether the Bar is installed.', type: 'boolean' }, quxType: text('Indicates to external qux type.', { pattern: 'in-tree|out-of-tree' }) }) },
      },
    },
  };
  const waldo = {
    description: 'Waldo CRD for Testing', type: 'object',
    properties: {
      spec: { description: 'Specification of Waldo', type: 'object', properties: { dummy: { description: 'Dummy property.', type: 'object' } } },
      status: { description: 'Status of Waldo', type: 'object', properties: { bars: bars('List of Bars and their statuses.') } },
    },
  };
  /**
   * Whether /openapi/v2 and /openapi/v3 have definitions for this kind. That of v2 has to be under the kind's name and
   * exactly what its author declared, but for what every kind has.
   */
  const published = async ({ group, kind }: Defined, version: string, schema: object = foo): Promise<boolean> => {
    const index = (await api.request('GET', '/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
    const url = index.paths[`apis/${group}/${version}`]?.serverRelativeURL;
    const v3 = url !== undefined && (await api.request('GET', url)).text.includes(`"kind":"${kind}"`);
    const v2 = (await api.request('GET', '/openapi/v2')).json<{ definitions: Record<string, { properties: Record<string, object> }> }>();
    const definition = v2.definitions[`${group.split('.').toReversed().join('.')}.${version}.${kind}`];
    assert.equal(v3, definition !== undefined, `OpenAPI v3 has ${kind} in ${version}: ${v3}; v2: ${definition !== undefined}`);
    if (definition === undefined) return false;
    const { 'x-kubernetes-group-version-kind': kinds, properties: { apiVersion, kind: kindField, metadata, ...properties }, ...rest } = definition as Record<string, unknown> & typeof definition;
    assert.deepEqual(kinds, [{ group, kind, version }]);
    assert.ok(apiVersion !== undefined && kindField !== undefined && metadata !== undefined);
    assert.deepEqual({ ...rest, properties }, schema);
    return true;
  };
  const twoVersions = (): readonly Version[] => [{ name: 'v2', served: true, storage: true, schema: { openAPIV3Schema: foo } }, { name: 'v3', served: true, storage: false, schema: { openAPIV3Schema: foo } }];
  const patch = async ({ name }: Defined, body: object): Promise<void> => void ok(await api.request('PATCH', `${definitions}/${name}`, { body, headers: { 'content-type': 'application/json-patch+json' } }));
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!await condition()) await new Promise((resolve) => setImmediate(resolve));
  };

  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions [Conformance]', async () => {
    const boat = await define(foo, { versions: twoVersions() });
    await until(async () => await published(boat, 'v2') && await published(boat, 'v3'));
  });
  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different kinds [Conformance]', async () => {
    const [first, second] = [await define(foo, { group: 'same.example.com' }), await define(waldo, { group: 'same.example.com' })];
    await until(async () => await published(first, 'v1') && await published(second, 'v1', waldo));
  });
  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups [Conformance]', async () => {
    const [first, second] = [await define(foo), await define(waldo)];
    await until(async () => await published(first, 'v1') && await published(second, 'v1', waldo));
  });
  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not be served [Conformance]', async () => {
    const boat = await define(foo, { versions: twoVersions() });
    await until(() => published(boat, 'v3'));
    await patch(boat, [{ op: 'test', path: '/spec/versions/1/name', value: 'v3' }, { op: 'replace', path: '/spec/versions/1/served', value: false }]);
    await until(async () => !await published(boat, 'v3'));
    assert.equal(await published(boat, 'v2'), true);
  });
  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed [Conformance]', async () => {
    const boat = await define(foo, { versions: twoVersions() });
    await until(() => published(boat, 'v3'));
    await patch(boat, [{ op: 'test', path: '/spec/versions/1/name', value: 'v3' }, { op: 'replace', path: '/spec/versions/1/name', value: 'v4' }]);
    await until(async () => await published(boat, 'v4') && !await published(boat, 'v3'));
    assert.equal(await published(boat, 'v2'), true);
  });
});
