/** Server-side apply of the subresource `scale`: one field, which is the object's own under another name. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ConversionWebhook } from '../support/conversion-webhook.ts';
import { startConversionWebhook } from '../support/conversion-webhook.ts';

type Json = Record<string, unknown>;
interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly fieldsV1: { readonly 'f:spec'?: Json };
}

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

function applyScale(path: string, manager: string, spec: Json, force = false): Promise<RawAnswer> {
  const name = path.split('/').at(-1);
  return api.request('PATCH', `${path}/scale?fieldManager=${manager}&force=${force}`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name }, spec }, headers: { 'content-type': 'application/apply-patch+yaml' } });
}

/** Who owns the replicas: `manager operation version subresource`. */
async function owners(path: string, field = 'f:replicas'): Promise<readonly string[]> {
  const { metadata } = (await api.request('GET', path)).json<{ readonly metadata: { readonly managedFields: readonly Entry[] } }>();
  return metadata.managedFields.filter(({ fieldsV1 }) => field in (fieldsV1['f:spec'] ?? {})).map(({ manager, operation, apiVersion, subresource }) => [manager, operation, apiVersion, subresource].filter((each) => each !== undefined).join(' '));
}

describe('the scale of a Deployment', { concurrency: false }, () => {
  const path = '/apis/apps/v1/namespaces/default/deployments/web';
  before(async () => {
    const labels = { app: 'web' };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } } };
    assert.equal((await api.request('POST', '/apis/apps/v1/namespaces/default/deployments?fieldManager=ann', { body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec } })).code, 201);
  });

  it('is in conflict with whoever owns the replicas of the object', async () => {
    const refused = await applyScale(path, 'bob', { replicas: 3 });
    assert.deepEqual([refused.code, refused.json()['message']], [409, 'Apply failed with 1 conflict: conflict with "ann" using autoscaling/v1: .spec.replicas']);
    assert.deepEqual(await owners(path), ['ann Update apps/v1']);
  });

  it('is shared by who wants the same, and taken over by force', async () => {
    assert.equal((await applyScale(path, 'bob', { replicas: 1 })).code, 200);
    assert.deepEqual(await owners(path), ['bob Apply apps/v1 scale', 'ann Update apps/v1']);
    const forced = await applyScale(path, 'eve', { replicas: 3 }, true);
    assert.deepEqual([forced.code, forced.json<{ readonly spec: Json }>().spec], [200, { replicas: 3 }]);
    assert.deepEqual(await owners(path), ['eve Apply apps/v1 scale']);
    assert.equal((await api.request('GET', path)).json<{ readonly spec: Json }>().spec['replicas'], 3);
  });

  it('is lost to whoever scales by other means', async () => {
    assert.equal((await api.request('PATCH', `${path}/scale?fieldManager=kubectl`, { body: { spec: { replicas: 4 } }, headers: { 'content-type': 'application/merge-patch+json' } })).code, 200);
    assert.deepEqual(await owners(path), ['kubectl Update apps/v1 scale']);
  });

  it('has no other fields, and no negative numbers', async () => {
    const unknown = await applyScale(path, 'bob', { replicas: 1, pods: 2 });
    assert.deepEqual([unknown.code, /\.spec\.pods: field not declared in schema/.test(unknown.text)], [400, true]);
    assert.equal((await applyScale(path, 'bob', { replicas: -1 }, true)).code, 422);
    assert.equal((await api.request('PATCH', `${path}/scale`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale' }, headers: { 'content-type': 'application/apply-patch+yaml' } })).code, 422, 'a manager is needed');
    assert.equal((await applyScale(path.replace('web', 'none'), 'bob', { replicas: 1 })).code, 404);
  });
});

describe('the scale of a custom resource of several versions', { concurrency: false }, () => {
  const at = (version: string): string => `/apis/fleet.example.com/${version}/namespaces/default/fleets/a`;
  let webhook: ConversionWebhook;
  before(async () => {
    // v1 calls it `replicas`, v2 `size`.
    webhook = await startConversionWebhook(({ spec, ...object }, apiVersion) => {
      const { replicas, size } = spec as { readonly replicas?: number; readonly size?: number };
      return { ...object, spec: apiVersion.endsWith('v1') ? { replicas: replicas ?? size } : { size: size ?? replicas } };
    });
    const version = (name: string, field: string): object => ({
      name, served: true, storage: name === 'v1', schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { [field]: { type: 'integer' } } }, status: { type: 'object', properties: { count: { type: 'integer' } } } } } },
      subresources: { scale: { specReplicasPath: `.spec.${field}`, statusReplicasPath: '.status.count' } },
    });
    await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'fleets.fleet.example.com' },
      spec: {
        group: 'fleet.example.com', scope: 'Namespaced', names: { plural: 'fleets', kind: 'Fleet' }, versions: [version('v1', 'replicas'), version('v2', 'size')],
        conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: webhook.url, caBundle: webhook.caBundle } } },
      },
    } });
    while ((await api.request('GET', '/apis/fleet.example.com/v2/namespaces/default/fleets')).code !== 200);
    assert.equal((await api.request('POST', '/apis/fleet.example.com/v1/namespaces/default/fleets?fieldManager=ann', { body: { apiVersion: 'fleet.example.com/v1', kind: 'Fleet', metadata: { name: 'a' }, spec: { replicas: 1 } } })).code, 201);
  });
  after(() => webhook.close());

  it('is owned in the version that is scaled, whatever it is called there', async () => {
    const refused = await applyScale(at('v2'), 'bob', { replicas: 2 });
    assert.equal(refused.json()['message'], 'Apply failed with 1 conflict: conflict with "ann" using autoscaling/v1: .spec.replicas');
    assert.equal((await applyScale(at('v2'), 'bob', { replicas: 2 }, true)).code, 200);
    assert.deepEqual([await owners(at('v1')), await owners(at('v1'), 'f:size')], [[], ['bob Apply fleet.example.com/v2 scale']]);
    assert.deepEqual((await api.request('GET', at('v1'))).json<{ readonly spec: Json }>().spec, { replicas: 2 });
    const merged = await api.request('PATCH', `${at('v1')}/scale?fieldManager=eve`, { body: { spec: { replicas: 3 } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal(merged.code, 200, merged.text);
    assert.deepEqual([await owners(at('v1')), await owners(at('v1'), 'f:size')], [['eve Update fleet.example.com/v1 scale'], []]);
  });
});
