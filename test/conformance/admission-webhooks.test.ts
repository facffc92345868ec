import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { WebSocket } from 'ws';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { WebhookServer } from '../support/webhook-server.ts';
import { patching, startWebhookServer } from '../support/webhook-server.ts';
import { checkDiscovery, ok } from './api-operations.ts';
import { conformance } from './conformance.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const mergePatch = { 'content-type': 'application/merge-patch+json' };
let api: TestApiServer;
let hooks: WebhookServer;
let serial = 0;

before(async () => {
  hooks = await startWebhookServer();
  api = await startApiServer();
});
after(async () => {
  await api.close();
  await hooks.close();
});
afterEach(async () => {
  for (const type of ['mutating', 'validating']) ok(await api.request('DELETE', `${registration}/${type}webhookconfigurations`));
});

type Type = 'mutating' | 'validating';
const onMaps = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };

function webhook(path: string, more: object = {}): object {
  return { name: `${path.slice(1)}.webhook.test`, clientConfig: hooks.at(path), sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [onMaps], timeoutSeconds: 5, ...more };
}

async function configure(type: Type, name: string, webhooks: readonly object[], labels: object = {}): Promise<void> {
  ok(await api.request('POST', `${registration}/${type}webhookconfigurations`, { body: { metadata: { name, labels }, webhooks } }), 201);
}

function createMap(data: Readonly<Record<string, string>>, metadata: object = {}): Promise<RawAnswer> {
  return api.request('POST', maps, { body: { metadata: { name: `map-${++serial}`, ...metadata }, data } });
}

async function refusedWith(answer: Promise<RawAnswer>, text: RegExp): Promise<void> {
  const { code, text: body } = await answer;
  assert.ok(code >= 400, body);
  assert.match(body, text);
}

const denied = { allowed: false, status: { message: 'this is not wanted' } };
const refusesUnwanted = ({ object }: { readonly object: { readonly data?: Readonly<Record<string, string>> } | null }): Readonly<Record<string, unknown>> => (object?.data?.['unwanted'] === undefined ? { allowed: true } : denied);

const structural = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

async function define(group: string, versions: readonly object[]): Promise<string> {
  const body = { metadata: { name: `things.${group}` }, spec: { group, scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions } };
  ok(await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body }), 201);
  return `/apis/${group}/v1/namespaces/default/things`;
}

function version(name: string, storage: boolean, schema: object = structural): object {
  return { name, served: true, storage, schema: { openAPIV3Schema: schema } };
}

describe('AdmissionWebhook', () => {
  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents [Conformance]', async () => {
    for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) await checkDiscovery(api, { group: 'admissionregistration.k8s.io', version: 'v1', resource, kind: '', make: () => ({}) });
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation [Conformance]', async () => {
    hooks.answer('/deny-pod', ({ object }) => (object?.metadata.name === 'hang' ? 'hang' : object?.metadata.labels?.['unwanted'] === undefined ? { allowed: true } : denied));
    hooks.answer('/deny-map', refusesUnwanted);
    const notExempt = { namespaceSelector: { matchExpressions: [{ key: 'exempt', operator: 'NotIn', values: ['yes'] }] } };
    await configure('validating', 'deny', [
      webhook('/deny-pod', { rules: [{ ...onMaps, operations: ['CREATE', 'UPDATE'], resources: ['pods'] }], ...notExempt, timeoutSeconds: 1 }), webhook('/deny-map', notExempt),
    ]);
    const pod = (name: string, labels: object = {}): object => ({ metadata: { name, labels }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    await refusedWith(api.request('POST', pods, { body: pod('bad', { unwanted: 'yes' }) }), /this is not wanted/);
    await refusedWith(api.request('POST', pods, { body: pod('hang') }), /context deadline exceeded/);
    assert.equal((await api.request('GET', `${pods}/hang`)).code, 404);
    await refusedWith(createMap({ unwanted: 'yes' }), /this is not wanted/);
    ok(await createMap({ fine: 'yes' }, { name: 'compliant' }), 201);
    const compliant = ok(await api.request('GET', `${maps}/compliant`));
    await refusedWith(api.request('PUT', `${maps}/compliant`, { body: { ...compliant, data: { unwanted: 'yes' } } }), /this is not wanted/);
    await refusedWith(api.request('PATCH', `${maps}/compliant`, { body: { data: { unwanted: 'yes' } }, headers: mergePatch }), /this is not wanted/);
    ok(await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'exempt', labels: { exempt: 'yes' } } } }), 201);
    ok(await api.request('POST', '/api/v1/namespaces/exempt/configmaps', { body: { metadata: { name: 'm' }, data: { unwanted: 'yes' } } }), 201);
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod [Conformance]', async () => {
    ok(await api.request('POST', pods, { body: { metadata: { name: 'to-be-attached' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } } }), 201);
    hooks.answer('/deny-attach', ({ operation, kind, name }) => (operation === 'CONNECT' && kind.kind === 'PodAttachOptions' && name === 'to-be-attached' ? { allowed: false, status: { message: 'attaching is not allowed' } } : { allowed: true }));
    await configure('validating', 'deny-attach', [webhook('/deny-attach', { rules: [{ ...onMaps, operations: ['CONNECT'], resources: ['pods/attach'] }] })]);
    const { host, port, agent } = api.connection;
    const socket = new WebSocket(`wss://${host}:${port}${pods}/to-be-attached/attach?container=c&stdout=true`, ['v5.channel.k8s.io'], { agent });
    const refusal = await new Promise<string>((resolve) => {
      socket.on('unexpected-response', (_request, response) => {
        response.setEncoding('utf8');
        response.on('data', (text: string) => resolve(text));
      });
      socket.on('open', () => resolve('attached'));
      socket.on('error', () => {});
    });
    socket.terminate();
    assert.match(refusal, /attaching is not allowed/);
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom resource creation, update and deletion [Conformance]', async () => {
    const things = await define('deny.test', [version('v1', true)]);
    hooks.answer('/deny-thing', ({ operation, object, oldObject }) => {
      const { data } = ((operation === 'DELETE' ? oldObject : object) ?? {}) as { readonly data?: Readonly<Record<string, string>> };
      return data?.['webhook-e2e-test'] === undefined ? { allowed: true } : denied;
    });
    ok(await api.request('POST', things, { body: { apiVersion: 'deny.test/v1', kind: 'Thing', metadata: { name: 'kept' }, data: { 'webhook-e2e-test': 'no delete' } } }), 201);
    ok(await api.request('POST', things, { body: { apiVersion: 'deny.test/v1', kind: 'Thing', metadata: { name: 'free' }, data: {} } }), 201);
    await configure('validating', 'deny-thing', [webhook('/deny-thing', { rules: [{ apiGroups: ['deny.test'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['things'] }] })]);
    await refusedWith(api.request('POST', things, { body: { apiVersion: 'deny.test/v1', kind: 'Thing', metadata: { name: 'new' }, data: { 'webhook-e2e-test': 'no' } } }), /this is not wanted/);
    await refusedWith(api.request('PATCH', `${things}/free`, { body: { data: { 'webhook-e2e-test': 'no' } }, headers: mergePatch }), /this is not wanted/);
    await refusedWith(api.request('DELETE', `${things}/kept`), /this is not wanted/);
    ok(await api.request('PATCH', `${things}/kept`, { body: { data: { 'webhook-e2e-test': null } }, headers: mergePatch }));
    ok(await api.request('DELETE', `${things}/kept`));
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook [Conformance]', async () => {
    ok(await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'fail-closed', labels: { failing: 'yes' } } } }), 201);
    await configure('validating', 'fail-closed', [webhook('/fail', { clientConfig: { url: hooks.at('/fail').url }, failurePolicy: 'Fail', namespaceSelector: { matchLabels: { failing: 'yes' } } })]);
    const { code, text } = await api.request('POST', '/api/v1/namespaces/fail-closed/configmaps', { body: { metadata: { name: 'm' } } });
    assert.deepEqual([code, (JSON.parse(text) as { readonly reason: string }).reason], [500, 'InternalError']);
    assert.match(text, /failed calling webhook .*x509: certificate signed by unknown authority/);
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap [Conformance]', async () => {
    hooks.answer('/stage-1', ({ object }) => (object?.data?.['mutation-start'] === 'yes' ? patching({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }) : { allowed: true }));
    hooks.answer('/stage-2', ({ object }) => (object?.data?.['mutation-stage-1'] === 'yes' ? patching({ op: 'add', path: '/data/mutation-stage-2', value: 'yes' }) : { allowed: true }));
    await configure('mutating', 'stages', [webhook('/stage-1'), webhook('/stage-2')]);
    assert.deepEqual(ok(await createMap({ 'mutation-start': 'yes' }), 201)['data'], { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' });
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults after mutation [Conformance]', async () => {
    hooks.answer('/init', () => patching({ op: 'add', path: '/spec/initContainers', value: [{ name: 'webhook-added-init-container', image: 'webhook-added-image' }] }));
    await configure('mutating', 'init', [webhook('/init', { rules: [{ ...onMaps, operations: ['CREATE'], resources: ['pods'] }] })]);
    const { spec } = ok(await api.request('POST', pods, { body: { metadata: { name: 'mutated' }, spec: { containers: [{ name: 'c', image: 'i' }] } } }), 201) as unknown as { readonly spec: { readonly initContainers: readonly { readonly name: string; readonly terminationMessagePolicy: string }[] } };
    assert.deepEqual(spec.initContainers.map(({ name, terminationMessagePolicy }) => [name, terminationMessagePolicy]), [['webhook-added-init-container', 'File']]);
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or prevent deletion of webhook configuration objects [Conformance]', async () => {
    const rules = [{ apiGroups: ['admissionregistration.k8s.io'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'] }];
    hooks.answer('/deny-configuration', () => denied);
    hooks.answer('/label-configuration', () => patching({ op: 'add', path: '/metadata/labels', value: { mutated: 'yes' } }));
    await configure('validating', 'deny-configuration', [webhook('/deny-configuration', { rules })]);
    await configure('mutating', 'label-configuration', [webhook('/label-configuration', { rules })]);
    for (const type of ['validating', 'mutating'] as const) {
      await configure(type, `dummy-${type}`, [webhook('/dummy')]);
      assert.equal(ok(await api.request('GET', `${registration}/${type}webhookconfigurations/dummy-${type}`)).metadata.labels?.['mutated'], undefined);
      ok(await api.request('DELETE', `${registration}/${type}webhookconfigurations/dummy-${type}`));
    }
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource [Conformance]', async () => {
    const things = await define('mutate.test', [version('v1', true)]);
    await mutateThings('mutate.test');
    const made = ok(await api.request('POST', things, { body: { apiVersion: 'mutate.test/v1', kind: 'Thing', metadata: { name: 'a' }, data: { 'mutation-start': 'yes' } } }), 201);
    assert.deepEqual(made['data'], { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' });
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning [Conformance]', async () => {
    const text = { type: 'string' };
    const things = await define('prune.test', [version('v1', true, { type: 'object', properties: { data: { type: 'object', properties: { 'mutation-start': text, 'mutation-stage-1': text } } } })]);
    await mutateThings('prune.test');
    const made = ok(await api.request('POST', things, { body: { apiVersion: 'prune.test/v1', kind: 'Thing', metadata: { name: 'a' }, data: { 'mutation-start': 'yes' } } }), 201);
    assert.deepEqual(made['data'], { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' });
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with different stored version [Conformance]', async () => {
    const things = await define('versions.test', [version('v1', true), version('v2', false)]);
    await mutateThings('versions.test');
    ok(await api.request('POST', things, { body: { apiVersion: 'versions.test/v1', kind: 'Thing', metadata: { name: 'a' }, data: { 'mutation-start': 'yes' } } }), 201);
    const stored = { spec: { versions: [version('v1', false), version('v2', true)] } };
    ok(await api.request('PATCH', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.versions.test', { body: stored, headers: { 'content-type': 'application/strategic-merge-patch+json' } }));
    const patched = ok(await api.request('PATCH', `${things.replace('/v1/', '/v2/')}/a`, { body: [{ op: 'add', path: '/dummy', value: 'test' }], headers: { 'content-type': 'application/json-patch+json' } }));
    assert.deepEqual([patched['dummy'], patched['data']], ['test', { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' }]);
  });

  async function mutateThings(group: string): Promise<void> {
    const rules = [{ apiGroups: [group], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['things'] }];
    const step = (path: string, from: string, to: string): void => hooks.answer(path, ({ object }) => (object?.data?.[from] === 'yes' ? patching({ op: 'add', path: `/data/${to}`, value: 'yes' }) : { allowed: true }));
    step('/thing-1', 'mutation-start', 'mutation-stage-1');
    step('/thing-2', 'mutation-stage-1', 'mutation-stage-2');
    await configure('mutating', `things-${group}`, [webhook('/thing-1', { rules }), webhook('/thing-2', { rules })]);
  }

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation [Conformance]', async () => {
    hooks.answer('/deny-crd', ({ object }) => (object?.metadata.labels?.['webhook-e2e-test'] === 'webhook-disallow' ? { allowed: false, status: { message: 'the crd contains unwanted label' } } : { allowed: true }));
    await configure('validating', 'deny-crd', [webhook('/deny-crd', { rules: [{ apiGroups: ['apiextensions.k8s.io'], apiVersions: ['*'], operations: ['CREATE'], resources: ['customresourcedefinitions'] }] })]);
    const body = { metadata: { name: 'things.crd.test', labels: { 'webhook-e2e-test': 'webhook-disallow' } }, spec: { group: 'crd.test', scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions: [version('v1', true)] } };
    await refusedWith(api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body }), /the crd contains unwanted label/);
  });

  conformance('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout [Conformance]', async () => {
    hooks.answer('/slow', () => ({ delayMs: 1500 }));
    const withTimeout = async (timeoutSeconds: number | undefined, failurePolicy: string): Promise<RawAnswer> => {
      await configure('validating', 'slow', [webhook('/slow', { ...(timeoutSeconds === undefined ? { timeoutSeconds: null } : { timeoutSeconds }), failurePolicy })]);
      const answer = await createMap({});
      ok(await api.request('DELETE', `${registration}/validatingwebhookconfigurations/slow`));
      return answer;
    };
    await refusedWith(withTimeout(1, 'Fail'), /\/slow\?timeout=1s.*context deadline exceeded/);
    ok(await withTimeout(1, 'Ignore'), 201);
    ok(await withTimeout(10, 'Fail'), 201);
    ok(await withTimeout(undefined, 'Fail'), 201);
  });

  for (const type of ['mutating', 'validating'] as const) {
    const configurations = `${registration}/${type}webhookconfigurations`;
    const answerOf = (): void => hooks.answer('/changing', type === 'mutating' ? () => patching({ op: 'add', path: '/data/mutated', value: 'yes' }) : () => denied);
    const isAffected = async (): Promise<boolean> => {
      const answer = await createMap({ a: 'b' });
      return type === 'mutating' ? (ok(answer, 201)['data'] as Readonly<Record<string, string>>)['mutated'] === 'yes' : answer.code >= 400;
    };

    conformance(`[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a ${type} webhook should work [Conformance]`, async () => {
      answerOf();
      await configure(type, 'changing', [webhook('/changing')]);
      assert.equal(await isAffected(), true);
      const live = ok(await api.request('GET', `${configurations}/changing`));
      ok(await api.request('PUT', `${configurations}/changing`, { body: { ...live, webhooks: [webhook('/changing', { rules: [{ ...onMaps, operations: ['UPDATE'] }] })] } }));
      assert.equal(await isAffected(), false);
      ok(await api.request('PATCH', `${configurations}/changing`, { body: [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }], headers: { 'content-type': 'application/json-patch+json' } }));
      assert.equal(await isAffected(), true);
    });

    conformance(`[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing ${type} webhooks should work [Conformance]`, async () => {
      answerOf();
      for (let index = 0; index < 10; index++) await configure(type, `listed-${index}`, [webhook('/changing')], { listed: 'yes' });
      const list = ok(await api.request('GET', `${configurations}?labelSelector=listed%3Dyes`)) as unknown as { readonly items: readonly unknown[] };
      assert.equal(list.items.length, 10);
      assert.equal(await isAffected(), true);
      ok(await api.request('DELETE', `${configurations}?labelSelector=listed%3Dyes`));
      assert.equal(await isAffected(), false);
    });

    conformance(`[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update ${type} webhook configurations with match conditions [Conformance]`, async () => {
      const first = [{ name: 'expression-1', expression: "object.metadata.namespace == 'production'" }];
      const second = [{ name: 'expression-2', expression: "object.metadata.namespace == 'staging'" }];
      await configure(type, 'conditions', [webhook('/conditions', { matchConditions: first })]);
      const live = ok(await api.request('GET', `${configurations}/conditions`)) as unknown as { readonly webhooks: readonly { readonly matchConditions: unknown }[] };
      assert.deepEqual(live.webhooks[0]?.matchConditions, first);
      ok(await api.request('PUT', `${configurations}/conditions`, { body: { ...live, webhooks: [webhook('/conditions', { matchConditions: second })] } }));
      const updated = ok(await api.request('GET', `${configurations}/conditions`)) as unknown as { readonly webhooks: readonly { readonly matchConditions: unknown }[] };
      assert.deepEqual(updated.webhooks[0]?.matchConditions, second);
    });

    conformance(`[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject ${type} webhook configurations with invalid match conditions [Conformance]`, async () => {
      const body = { metadata: { name: 'broken' }, webhooks: [webhook('/broken', { matchConditions: [{ name: 'invalid-expression-1', expression: "... [] bad expression" }] })] };
      await refusedWith(api.request('POST', configurations, { body }), /compilation failed/);
    });
  }

  conformance("[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except 'skip-me' configmaps [Conformance]", async () => {
    hooks.answer('/not-skipped', () => patching({ op: 'add', path: '/data/mutated', value: 'yes' }));
    await configure('mutating', 'not-skipped', [webhook('/not-skipped', { matchConditions: [{ name: 'skip-me', expression: "object.metadata.name != 'skip-me'" }] })]);
    assert.deepEqual(ok(await createMap({ a: 'b' }, { name: 'skip-me' }), 201)['data'], { a: 'b' });
    assert.deepEqual(ok(await createMap({ a: 'b' }), 201)['data'], { a: 'b', mutated: 'yes' });
  });
});
