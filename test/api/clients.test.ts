/** What clients of other languages were found to rely on (docs/clients.md), where no other test has it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { startConversionWebhook } from '../support/conversion-webhook.ts';

interface StatusBody {
  readonly message: string;
  readonly reason: string;
  readonly code: number;
  readonly details?: { readonly kind: string; readonly causes: readonly { readonly field: string }[] };
}

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

describe('what clients rely on', () => {
  it('options of a log that make no sense are an invalid PodLogOptions', async () => {
    const asked = await api.request('GET', '/api/v1/namespaces/default/pods/p/log?limitBytes=0&tailLines=-1');
    const { code, reason, message, details } = asked.json<StatusBody>();
    assert.deepEqual([code, reason, details?.kind, details?.causes.map(({ field }) => field)], [422, 'Invalid', 'PodLogOptions', ['tailLines', 'limitBytes']]);
    assert.equal(message, 'PodLogOptions "p" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]');
    assert.equal((await api.request('GET', '/api/v1/namespaces/default/pods/p/log?tailLines=many')).code, 400);
  });

  describe('custom objects', () => {
    const things = '/apis/clients.example.com/v1/namespaces/default/things';
    const thing = (name: string, spec: string): string => `{"apiVersion":"clients.example.com/v1","kind":"Thing","metadata":{"name":"${name}"},"spec":${spec}}`;
    const specOf = (text: string): string => /"spec":(\{[^}]*\})/.exec(text)?.[1] ?? text;

    before(async () => {
      const spec = {
        type: 'object',
        properties: {
          n: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 1', message: 'must be odd' }] }, small: { type: 'integer', format: 'int32' }, long: { type: 'integer', format: 'int64' },
          f: { type: 'number' }, any: { 'x-kubernetes-preserve-unknown-fields': true },
        },
      };
      const made = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        body: {
          apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things.clients.example.com' },
          spec: {
            group: 'clients.example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' },
            versions: [{ name: 'v1', served: true, storage: true, selectableFields: [{ jsonPath: '.spec.n' }], additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }], schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }],
          },
        },
      });
      assert.equal(made.code, 201, made.text);
      for (let attempt = 0; attempt < 1000 && (await api.request('GET', things)).code !== 200; attempt++);
    });

    it('keep integers up to int64 digit by digit, however they are written', async () => {
      const json = await api.request('POST', things, { body: thing('big', '{"n":9223372036854775807}'), headers: { 'content-type': 'application/json' } });
      assert.equal(specOf(json.text), '{"n":9223372036854775807}');
      const merged = await api.request('PATCH', `${things}/big`, { body: '{"spec":{"any":-9007199254740993}}', headers: { 'content-type': 'application/merge-patch+json' } });
      assert.equal(specOf(merged.text), '{"n":9223372036854775807,"any":-9007199254740993}');
      const tested = await api.request('PATCH', `${things}/big`, { body: '[{"op":"test","path":"/spec/n","value":9223372036854775807},{"op":"remove","path":"/spec/any"}]', headers: { 'content-type': 'application/json-patch+json' } });
      assert.equal(specOf(tested.text), '{"n":9223372036854775807}');
      const applied = await api.request('PATCH', `${things}/big?fieldManager=m&force=true`, { body: thing('big', '{"n":9223372036854775805}'), headers: { 'content-type': 'application/apply-patch+yaml' } });
      assert.equal(specOf(applied.text), '{"n":9223372036854775805}');
      const yaml = await api.request('POST', things, { body: 'apiVersion: clients.example.com/v1\nkind: Thing\nmetadata:\n  name: yaml\nspec:\n  long: 9007199254740993\n', headers: { 'content-type': 'application/yaml' } });
      assert.match(yaml.text, /"long":9007199254740993/);
      const selected = await api.request('GET', `${things}?fieldSelector=spec.n%3D9223372036854775805`, { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } });
      assert.match(selected.text, /"cells":\["big",9223372036854775805\]/);
    });

    it('have rules that see integers as they are', async () => {
      const even = await api.request('POST', things, { body: thing('even', '{"n":9223372036854775806}'), headers: { 'content-type': 'application/json' } });
      assert.match(even.text, /must be odd/);
    });

    it('take no number that is none, and tell what is no integer of the format', async () => {
      const post = async (spec: string): Promise<StatusBody> => (await api.request('POST', things, { body: thing('no', spec), headers: { 'content-type': 'application/json' } })).json();
      assert.equal((await post('{"f":1e400}')).message, 'Thing in version "v1" cannot be handled as a Thing: json: cannot unmarshal number 1e400 into Go value of type float64');
      assert.match((await post('{"n":9223372036854775808}')).message, /is invalid: \[spec\.n: Invalid value: "number": spec\.n in body must be of type integer: "number", <nil>: Invalid value: "": Checked value must be of type integer \(default format\) in spec\.n/);
      assert.match((await post('{"long":1.5}')).message, /spec\.long: Invalid value: "float64": spec\.long in body must be of type int64: "float64"/);
      assert.match((await post('{"small":2147483648}')).message, /<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec\.small/);
    });

    it('of another kind or version are told so', async () => {
      const other = await api.request('POST', things, { body: { apiVersion: 'clients.example.com/v1', kind: 'Other', metadata: { name: 'x' } } });
      assert.deepEqual([other.code, other.json<StatusBody>().message], [422, 'Other.clients.example.com "x" is invalid: kind: Invalid value: "Other": must be Thing']);
      const later = await api.request('POST', things, { body: { apiVersion: 'clients.example.com/v2', kind: 'Thing', metadata: { name: 'x' } } });
      assert.deepEqual([later.code, later.json<StatusBody>().message], [400, 'the API version in the data (clients.example.com/v2) does not match the expected API version (clients.example.com/v1)']);
    });

    it('are noted under the version that was written, and filled in by that version alone', async () => {
      const schema = (more: object = {}): object => ({ openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' }, ...more } } } } });
      const names = { plural: 'boats', kind: 'Boat' };
      const versions = [{ name: 'v1', served: true, storage: true, schema: schema() }, { name: 'v2', served: true, storage: false, schema: schema({ c: { type: 'string', default: 'c' } }) }];
      const made = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        body: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.clients.example.com' }, spec: { group: 'clients.example.com', scope: 'Cluster', names, versions } },
      });
      assert.equal(made.code, 201, made.text);
      const boats = (version: string): string => `/apis/clients.example.com/${version}/boats`;
      for (let attempt = 0; attempt < 1000 && (await api.request('GET', boats('v2'))).code !== 200; attempt++);
      await api.request('POST', `${boats('v1')}?fieldManager=one`, { body: { apiVersion: 'clients.example.com/v1', kind: 'Boat', metadata: { name: 'b' }, spec: { a: 'x' } } });
      await api.request('PATCH', `${boats('v2')}/b?fieldManager=two`, { body: '{"spec":{"b":"y"}}', headers: { 'content-type': 'application/merge-patch+json' } });
      const seen = (await api.request('GET', `${boats('v2')}/b`)).json<{ spec: object; metadata: { managedFields: { manager: string; apiVersion: string }[] } }>();
      assert.deepEqual(seen.metadata.managedFields.map(({ manager, apiVersion }) => [manager, apiVersion]), [['one', 'clients.example.com/v1'], ['two', 'clients.example.com/v2']]);
      assert.deepEqual(seen.spec, { a: 'x', b: 'y' });
    });

    it('that a webhook cannot convert are told of in the original\'s words', async () => {
      let broken: Record<string, unknown> = {};
      const webhook = await startConversionWebhook((object) => ({ ...object, ...broken }));
      const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
      const conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: webhook.url, caBundle: webhook.caBundle } } };
      await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        body: {
          apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'ships.clients.example.com' },
          spec: { group: 'clients.example.com', scope: 'Cluster', conversion, names: { plural: 'ships', kind: 'Ship' }, versions: [{ name: 'v1', served: true, storage: true, schema }, { name: 'v2', served: true, storage: false, schema }] },
        },
      });
      const ships = (version: string): string => `/apis/clients.example.com/${version}/ships`;
      for (let attempt = 0; attempt < 1000 && (await api.request('GET', ships('v2'))).code !== 200; attempt++);
      await api.request('POST', ships('v1'), { body: { apiVersion: 'clients.example.com/v1', kind: 'Ship', metadata: { name: 's' } } });
      const told = async (how: Record<string, unknown>): Promise<string> => {
        broken = how;
        const { code, reason, message } = (await api.request('GET', `${ships('v2')}/s`)).json<StatusBody>();
        assert.deepEqual([code, reason], [500, undefined]);
        return message;
      };
      const start = 'conversion webhook for clients.example.com/v1, Kind=Ship';
      assert.equal(await told({ kind: 'Boat' }), `${start} returned invalid object at index 0: invalid kind (expected Ship, received Boat)`);
      assert.equal(await told({ metadata: { name: 'other' } }), `${start} returned invalid object: must have the same name: s != other`);
      assert.match(await told({ metadata: undefined }), /returned invalid object: must have the same name: s != $/);
      webhook.fail('not today');
      assert.equal(await told({}), `${start} failed: not today`);
      await webhook.close();
    });

    it('lie in some version, whatever a writer of the status says', async () => {
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.clients.example.com/status';
      const answer = await api.request('PATCH', path, { body: '{"status":{"storedVersions":[]}}', headers: { 'content-type': 'application/merge-patch+json' } });
      assert.deepEqual(answer.json<{ status: { storedVersions: string[] } }>().status.storedVersions, ['v1']);
    });

    it('that are not there are not found, whatever version a PUT names', async () => {
      const put = await api.request('PUT', `${things}/none`, { body: thing('none', '{}'), headers: { 'content-type': 'application/json' } });
      assert.deepEqual([put.code, put.json<StatusBody>().message], [404, 'things.clients.example.com "none" not found']);
    });
  });

  it('a parameter is true unless it is false or 0, and dryRun is All or nothing', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    for (const yes of ['True', 'yes', '']) {
      const lines = api.watch(`${maps}?watch=${yes}&timeoutSeconds=1&sendInitialEvents=${yes}&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=${yes}`);
      assert.equal((await lines.next()).value?.type, 'BOOKMARK', yes);
      await lines.return();
    }
    assert.equal((await api.request('GET', `${maps}?watch=False`)).json<{ kind: string }>().kind, 'ConfigMapList');
    const dry = await api.request('POST', `${maps}?dryRun=true`, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dry' } } });
    assert.equal(dry.code, 422, dry.text);
  });

  it('a patch moves no object elsewhere', async () => {
    await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'here' } } });
    const moved = async (metadata: object): Promise<StatusBody> => (await api.request('PATCH', '/api/v1/namespaces/default/configmaps/here', { body: JSON.stringify({ metadata }), headers: { 'content-type': 'application/merge-patch+json' } })).json();
    assert.deepEqual(await moved({ name: 'there' }).then(({ code, message }) => [code, message]), [400, 'the name of the object (there) does not match the name on the URL (here)']);
    assert.equal((await moved({ namespace: 'kube-system' })).message, 'the namespace of the provided object does not match the namespace sent on the request');
    assert.equal((await moved({ name: null })).message, 'the name of the object (here based on URL) was undeterminable: name must be provided');
  });

  it('CBOR in which a key stands twice is refused', async () => {
    const twice = Buffer.from('a2616101616102', 'hex');
    const answer = await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: twice, headers: { 'content-type': 'application/cbor' } });
    assert.equal(answer.code, 400);
    assert.match(answer.text, /duplicate map key|repeat map key/);
    const bytes = Buffer.from('a2416101416102', 'hex');
    assert.match((await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: bytes, headers: { 'content-type': 'application/cbor' } })).text, /found duplicate map key/);
  });
});
