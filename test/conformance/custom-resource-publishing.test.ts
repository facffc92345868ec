/** What kubectl makes of the published schemas of custom resources. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { ok } from './api-operations.ts';
import { conformance } from './conformance.ts';

let api: TestApiServer;
let serial = 0;

interface Defined {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** An object as kubectl takes it. */
  readonly object: (name: string, content: object) => object;
  readonly kubectl: Kubectl;
}

async function define(schema: object): Promise<Defined> {
  const group = `published${++serial}.example.com`;
  const [plural, kind] = [`tests${serial}`, `Test${serial}`];
  ok(await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural, kind }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] },
  } }), 201);
  for (let attempt = 0; attempt < 1000 && (await api.request('GET', `/apis/${group}/v1`)).code !== 200; attempt++);
  // A new home: discovery is cached in it.
  return { group, kind, plural, object: (name, content) => ({ apiVersion: `${group}/v1`, kind, metadata: { name }, ...content }), kubectl: new Kubectl(api.kubeconfig) };
}

const preserving = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const validated = {
  type: 'object', description: 'Foo CRD for Testing',
  properties: {
    spec: {
      type: 'object', description: 'Specification of Foo',
      properties: {
        bars: {
          type: 'array', description: 'List of Bars and their specs.',
          items: {
            type: 'object', required: ['name'],
            properties: {
              name: { type: 'string', description: 'Name of Bar.' }, age: { type: 'string', description: 'Age of Bar.' },
              feeling: { type: 'string', description: 'Whether Bar is feeling great.', enum: ['Great', 'Down'] }, bazs: { type: 'array', description: 'List of Bazs.', items: { type: 'string' } },
            },
          },
        },
      },
    },
    status: { type: 'object', description: 'Status of Foo', properties: { bars: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, available: { type: 'boolean' } } } } } },
  },
};

describe('conformance: schemas of custom resources as kubectl uses them', { skip: kubectlMissing, concurrency: false }, () => {
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  /** create, replace by apply and delete, all with kubectl's validation. */
  const roundTrip = async ({ kubectl, object, plural }: Defined, content: object, changed: object): Promise<void> => {
    await kubectl.out('create -f -', { input: object('one', content) });
    await kubectl.out(`delete ${plural} one`);
    await kubectl.out('apply -f -', { input: object('one', content) });
    await kubectl.out('apply -f -', { input: object('one', changed) });
    await kubectl.out(`delete ${plural} one`);
  };

  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema [Conformance]', async () => {
    const defined = await define(validated);
    const { kubectl, object, plural } = defined;
    await roundTrip(defined, { spec: { bars: [{ name: 'test-bar' }] } }, { spec: { bars: [{ name: 'test-bar', feeling: 'Great' }] } });
    for (const verb of ['create', 'apply']) {
      assert.match(await kubectl.failure(`${verb} -f -`, { input: object('bad', { spec: { bars: [{ name: 'x', feeling: 'NonExistentValue' }] } }) }), /Unsupported value: "NonExistentValue": supported values: "Great", "Down"/);
      assert.match(await kubectl.failure(`${verb} -f -`, { input: object('bad', { spec: { foo: true } }) }), /unknown field "spec\.foo"/);
      assert.match(await kubectl.failure(`${verb} -f -`, { input: object('bad', { spec: { bars: [{ age: '10' }] } }) }), /spec\.bars\[0\]\.name: Required value/);
    }
    assert.match(await kubectl.out(`explain ${plural}`), /DESCRIPTION:[\s\S]*Foo CRD for Testing[\s\S]*FIELDS:[\s\S]*apiVersion[\s\S]*<string>[\s\S]*APIVersion defines[\s\S]*spec[\s\S]*<Object>[\s\S]*Specification of Foo/);
    assert.match(await kubectl.out(`explain ${plural}.metadata`), /DESCRIPTION:[\s\S]*Standard object's metadata[\s\S]*FIELDS:[\s\S]*creationTimestamp[\s\S]*<string>[\s\S]*CreationTimestamp is a timestamp/);
    assert.match(await kubectl.out(`explain ${plural}.spec`), /DESCRIPTION:[\s\S]*Specification of Foo[\s\S]*FIELDS:[\s\S]*bars[\s\S]*<\[\]Object>[\s\S]*List of Bars and their specs/);
    assert.match(await kubectl.out(`explain ${plural}.spec.bars`), /List of Bars and their specs[\s\S]*FIELDS:[\s\S]*bazs[\s\S]*<\[\]string>[\s\S]*name[\s\S]*<string>[\s\S]*Name of Bar/);
    assert.match(await kubectl.failure(`explain ${plural}.spec.bars2`), /field "bars2" does not exist/);
    kubectl.close();
  });

  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema [Conformance]', async () => {
    const defined = await define(preserving);
    await roundTrip(defined, { a: { b: [{ c: 'd' }] } }, { a: { b: [{ c: 'e' }] } });
    assert.match(await defined.kubectl.out(`explain ${defined.plural}`), /DESCRIPTION:[\s\S]*<empty>/);
    defined.kubectl.close();
  });

  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root [Conformance]', async () => {
    const defined = await define({ ...validated, 'x-kubernetes-preserve-unknown-fields': true });
    await roundTrip(defined, { a: { b: [{ c: 'd' }] } }, { a: { b: [{ c: 'e' }] } });
    assert.match(await defined.kubectl.out(`explain ${defined.plural}`), new RegExp(`KIND:\\s+${defined.kind}`));
    defined.kubectl.close();
  });

  conformance('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object [Conformance]', async () => {
    const defined = await define({ type: 'object', description: 'preserve-unknown-properties in nested field for Testing', properties: { spec: { ...preserving, description: 'Specification of Waldo' }, status: { ...preserving, description: 'Status of Waldo' } } });
    await roundTrip(defined, { spec: { a: null, b: [{ c: 'd' }] } }, { spec: { a: null, b: [{ c: 'e' }] } });
    const explained = await defined.kubectl.out(`explain ${defined.plural}`);
    assert.match(explained, /DESCRIPTION:[\s\S]*preserve-unknown-properties in nested field for Testing[\s\S]*spec\s+<(Object|map\[string\]Object|)>[\s\S]*Specification of Waldo/);
    defined.kubectl.close();
  });
});
