import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import type { RawAnswer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { startConversionWebhook } from '../support/conversion-webhook.ts';
import { shared } from '../support/shared.ts';
import { patching, startWebhookServer } from '../support/webhook-server.ts';
import { ok, seen } from './api-operations.ts';
import { conformance } from './conformance.ts';

type Json = Record<string, unknown>;

const api = shared(() => startApiServer());
const webhook = shared(() => startConversionWebhook(convert));

/** v1 has `hostPort`, v2 has `host` and `port`. */
function convert(object: Json, apiVersion: string): Json {
  const { hostPort, host, port, ...rest } = object;
  if (apiVersion.endsWith('/v1')) return { ...rest, ...(typeof host === 'string' && { hostPort: `${host}:${typeof port === 'string' ? port : ''}` }) };
  const [h, p] = typeof hostPort === 'string' ? hostPort.split(':') : [];
  return { ...rest, ...(h !== undefined && { host: h }), ...(p !== undefined && { port: p }) };
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
let serial = 0;
interface Defined {
  readonly name: string;
  readonly group: string;
  readonly at: (version: string) => string;
}

async function define(): Promise<Defined> {
  const group = `convert${++serial}.example.com`;
  const version = (name: string, storage: boolean, fields: readonly string[]): object => ({
    name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])) } },
    selectableFields: fields.map((field) => ({ jsonPath: `.${field}` })), subresources: { status: {} },
  });
  const conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: webhook().url, caBundle: webhook().caBundle } } };
  ok(await api().request('POST', definitions, { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `hosts.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural: 'hosts', kind: 'Host' }, conversion, versions: [version('v1', true, ['hostPort']), version('v2', false, ['host', 'port'])] },
  } }), 201);
  const at = (name: string): string => `/apis/${group}/${name}/namespaces/default/hosts`;
  for (let attempt = 0; attempt < 1000 && (await api().request('GET', at('v2'))).code !== 200; attempt++);
  return { name: `hosts.${group}`, group, at };
}

function create({ group, at }: Defined, version: string, name: string, content: object): Promise<RawAnswer> {
  return api().request('POST', at(version), { body: { apiVersion: `${group}/${version}`, kind: 'Host', metadata: { name }, ...content } });
}

interface List {
  readonly apiVersion: string;
  readonly items: readonly { readonly apiVersion: string; readonly metadata: { readonly name: string }; readonly host?: string; readonly port?: string; readonly hostPort?: string }[];
}
const list = async (path: string): Promise<List> => (await api().request('GET', path)).json<List>();

describe('conformance: conversion of custom resources', { concurrency: false }, () => {
  conformance('[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR v1 to CR v2 [Conformance]', async () => {
    const defined = await define();
    ok(await create(defined, 'v1', 'a', { hostPort: 'localhost:8080' }), 201);
    const read = ok(await api().request('GET', `${defined.at('v2')}/a`));
    assert.deepEqual([read['apiVersion'], read['host'], read['port'], read['hostPort']], [`${defined.group}/v2`, 'localhost', '8080', undefined]);
  });

  conformance('[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non homogeneous list of CRs [Conformance]', async () => {
    const defined = await define();
    ok(await create(defined, 'v1', 'old', { hostPort: 'one:1' }), 201);
    ok(await api().request('PATCH', `${definitions}/${defined.name}`, {
      body: [{ op: 'replace', path: '/spec/versions/0/storage', value: false }, { op: 'replace', path: '/spec/versions/1/storage', value: true }],
      headers: { 'content-type': 'application/json-patch+json' },
    }));
    ok(await create(defined, 'v2', 'new', { host: 'two', port: '2' }), 201);
    const both = async (): Promise<readonly unknown[]> => (await list(defined.at('v2'))).items.map(({ apiVersion, host, port }) => [apiVersion, host, port]);
    const wanted = [[`${defined.group}/v2`, 'two', '2'], [`${defined.group}/v2`, 'one', '1']];
    for (let attempt = 0; attempt < 200 && JSON.stringify(await both()) !== JSON.stringify(wanted); attempt++);
    assert.deepEqual(await both(), wanted);
    assert.deepEqual((await list(defined.at('v1'))).items.map(({ hostPort }) => hostPort), ['two:2', 'one:1']);
  });

  conformance('[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]', async () => {
    const defined = await define();
    for (const [name, hostPort] of [['a', 'host1:80'], ['b', 'host1:81'], ['c', 'host2:80']] as const) ok(await create(defined, 'v1', name, { hostPort }), 201);
    const names = async (version: string, selector: string): Promise<readonly string[]> => (await list(`${defined.at(version)}?fieldSelector=${encodeURIComponent(selector)}`)).items.map(({ metadata }) => metadata.name);
    assert.deepEqual(await names('v1', 'hostPort=host1:80'), ['a']);
    assert.deepEqual(await names('v2', 'host=host1'), ['a', 'b']);
    assert.deepEqual(await names('v2', 'host=host1,port=80'), ['a']);
    const v1 = api().watch(`${defined.at('v1')}?watch=true&fieldSelector=${encodeURIComponent('hostPort=host1:80')}`);
    const v2 = api().watch(`${defined.at('v2')}?watch=true&fieldSelector=host%3Dhost1`);
    await seen(v1, 'ADDED', 'a');
    await seen(v2, 'ADDED', 'a');
    await seen(v2, 'ADDED', 'b');
    ok(await api().request('PATCH', `${defined.at('v2')}/a`, { body: { host: 'host3' }, headers: { 'content-type': 'application/merge-patch+json' } }));
    await seen(v1, 'DELETED', 'a');
    await seen(v2, 'DELETED', 'a');
    ok(await api().request('DELETE', `${defined.at('v1')}/b`));
    await seen(v2, 'DELETED', 'b');
    assert.deepEqual(await names('v2', 'host=host1'), []);
    await v1.return();
    await v2.return();
  });
});

test('objects are written in any version, and asked about once', async () => {
  const defined = await define();
  const made = ok(await create(defined, 'v2', 'x', { host: 'h', port: '1' }), 201);
  assert.deepEqual([made['apiVersion'], made['host'], made['port']], [`${defined.group}/v2`, 'h', '1']);
  const askedBefore = webhook().converted();
  for (let time = 0; time < 3; time++) await api().request('GET', `${defined.at('v2')}/x`);
  assert.ok(webhook().converted() - askedBefore <= 1);
  const patched = ok(await api().request('PATCH', `${defined.at('v2')}/x`, { body: { port: '2' }, headers: { 'content-type': 'application/merge-patch+json' } }));
  assert.deepEqual([patched['host'], patched['port']], ['h', '2']);
  assert.equal(ok(await api().request('GET', `${defined.at('v1')}/x`))['hostPort'], 'h:2');
  const replaced = ok(await api().request('PUT', `${defined.at('v2')}/x`, { body: { ...patched, host: 'other' } }));
  assert.equal(replaced['host'], 'other');
  const applied = await api().request('PATCH', `${defined.at('v2')}/y?fieldManager=m`, { body: { apiVersion: `${defined.group}/v2`, kind: 'Host', metadata: { name: 'y' }, host: 'applied', port: '3' }, headers: { 'content-type': 'application/apply-patch+yaml' } });
  assert.equal(applied.code, 201, applied.text);
  assert.equal(ok(await api().request('GET', `${defined.at('v1')}/y`))['hostPort'], 'applied:3');
});

test('admission sees the version it asks for, and changes it there', async () => {
  const defined = await define();
  const hooks = await startWebhookServer();
  const rules = (version: string, ...operations: readonly string[]): object => ({ operations, apiGroups: [defined.group], apiVersions: [version], resources: ['hosts'] });
  const hook = (path: string, version: string, ...operations: readonly string[]): object => ({ name: `${path}.${defined.group}`, clientConfig: hooks.at(`/${path}`), sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [rules(version, ...operations)] });
  const registration = '/apis/admissionregistration.k8s.io/v1';
  const made = async (plural: string, content: object): Promise<void> => void ok(await api().request('POST', `${registration}/${plural}`, { body: content }), 201);
  hooks.answer('/two', ({ object }) => patching({ op: 'replace', path: '/port', value: `${String((object as unknown as Json)['port'])}2` }));
  hooks.answer('/one', ({ object }) => patching({ op: 'replace', path: '/hostPort', value: `${String((object as unknown as Json)['hostPort'])}1` }));
  await made('mutatingwebhookconfigurations', { metadata: { name: 'both' }, webhooks: [hook('two', 'v2', 'CREATE'), hook('one', 'v1', 'CREATE')] });
  await made('validatingwebhookconfigurations', { metadata: { name: 'look' }, webhooks: [hook('look', 'v2', 'CREATE', 'DELETE')] });
  await made('validatingadmissionpolicies', { metadata: { name: 'ports' }, spec: { matchConstraints: { resourceRules: [rules('v2', 'CREATE', 'DELETE')] }, validations: [{ expression: 'request.operation == "DELETE" || object.port != "021"' }] } });
  await made('validatingadmissionpolicybindings', { metadata: { name: 'ports' }, spec: { policyName: 'ports', validationActions: ['Deny'] } });
  try {
    assert.equal(ok(await create(defined, 'v1', 'a', { hostPort: 'h:8' }), 201)['hostPort'], 'h:821');
    const inV2 = ok(await create(defined, 'v2', 'b', { host: 'h', port: '9' }), 201);
    assert.deepEqual([inV2['host'], inV2['port']], ['h', '921']);
    const refused = await create(defined, 'v1', 'c', { hostPort: 'h:0' });
    assert.equal(refused.code, 422, refused.text);
    ok(await api().request('DELETE', `${defined.at('v1')}/a`));
    ok(await api().request('DELETE', `${defined.at('v2')}?fieldSelector=host%3Dh`));
    assert.deepEqual((await list(defined.at('v1'))).items, []);
    const looked = hooks.asked.filter(({ path }) => path === '/look').map(({ request: { operation, object, oldObject } }) => [operation, (object ?? oldObject ?? {}) as Json] as const);
    assert.deepEqual(looked.map(([operation, { apiVersion, port }]) => [operation, apiVersion, port]), [
      ['CREATE', `${defined.group}/v2`, '821'], ['CREATE', `${defined.group}/v2`, '921'], ['DELETE', `${defined.group}/v2`, '821'], ['DELETE', `${defined.group}/v2`, '921'],
    ]);
  } finally {
    for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicybindings', 'validatingadmissionpolicies']) await api().request('DELETE', `${registration}/${plural}`);
    await hooks.close();
  }
});

test('watches, lists and selections of a version keep up with quick changes', async () => {
  const defined = await define();
  ok(await create(defined, 'v1', 'a', { hostPort: 'h:0' }), 201);
  const all = api().watch<{ object: { port: string } }>(`${defined.at('v2')}?watch=true`);
  const selected = api().watch<{ object: { port: string } }>(`${defined.at('v2')}?watch=true&fieldSelector=host%3Dh`);
  for (const stream of [all, selected]) assert.equal(((await stream.next()).value as { object: { port: string } }).object.port, '0');
  const rounds = 40;
  const lists: Promise<RawAnswer>[] = [];
  for (let port = 1; port <= rounds; port++) {
    ok(await api().request('PATCH', `${defined.at('v1')}/a`, { body: { hostPort: `h:${port}` }, headers: { 'content-type': 'application/merge-patch+json' } }));
    lists.push(api().request('GET', `${defined.at('v2')}?fieldSelector=host%3Dh`), api().request('GET', `${defined.at('v2')}/a`));
  }
  for (const answer of await Promise.all(lists)) assert.equal(answer.code, 200, answer.text);
  for (const stream of [all, selected]) {
    const ports: string[] = [];
    for await (const { object } of stream) {
      ports.push(object.port);
      if (object.port === String(rounds)) break;
    }
    assert.deepEqual(ports, Array.from({ length: rounds }, (_, index) => String(index + 1)));
  }
});

test('a webhook that fails is told of, and what is stored can still be read', async () => {
  const defined = await define();
  ok(await create(defined, 'v1', 'a', { hostPort: 'h:1' }), 201);
  webhook().fail('cannot convert today');
  const answer = await api().request('GET', `${defined.at('v2')}/a`);
  assert.equal(answer.code, 500);
  assert.match(String(answer.json()['message']), /conversion webhook for convert\d+\.example\.com\/v1, Kind=Host failed: cannot convert today/);
  assert.equal(ok(await api().request('GET', `${defined.at('v1')}/a`))['hostPort'], 'h:1');
});

test('a storage version that cannot be converted to comes into effect later', async () => {
  webhook().fail(undefined);
  const defined = await define();
  ok(await create(defined, 'v1', 'a', { hostPort: 'h:1' }), 201);
  webhook().fail('not yet');
  ok(await api().request('PATCH', `${definitions}/${defined.name}`, {
    body: [{ op: 'replace', path: '/spec/versions/0/storage', value: false }, { op: 'replace', path: '/spec/versions/1/storage', value: true }],
    headers: { 'content-type': 'application/json-patch+json' },
  }));
  assert.equal(ok(await api().request('GET', `${defined.at('v1')}/a`))['hostPort'], 'h:1');
  webhook().fail(undefined);
  const asked = webhook().converted();
  for (let attempt = 0; attempt < 400 && webhook().converted() === asked; attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  const read = ok(await api().request('GET', `${defined.at('v2')}/a`));
  assert.deepEqual([read['host'], read['port']], ['h', '1']);
  assert.equal(ok(await api().request('GET', `${defined.at('v1')}/a`))['hostPort'], 'h:1');
});

test('a server that stopped before all was converted goes on where it was', async () => {
  webhook().fail(undefined);
  const defined = await define();
  ok(await create(defined, 'v1', 'a', { hostPort: 'h:1' }), 201);
  webhook().fail('not yet');
  ok(await api().request('PATCH', `${definitions}/${defined.name}`, {
    body: [{ op: 'replace', path: '/spec/versions/0/storage', value: false }, { op: 'replace', path: '/spec/versions/1/storage', value: true }],
    headers: { 'content-type': 'application/json-patch+json' },
  }));
  const second = await createApiServer({ store: api().store, clock: systemClock, random: seededRandom(2), log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
  const transport = second.transport(inProcessAdmin, 'test');
  const read = (version: string): Promise<Json> => transport.request({ method: 'GET', path: `${defined.at(version)}/a` }) as Promise<Json>;
  try {
    assert.equal((await read('v1'))['hostPort'], 'h:1');
    await assert.rejects(read('v2'), /not yet/);
    webhook().fail(undefined);
    const whole = async (): Promise<readonly unknown[]> => {
      const stored = Buffer.from((await api().store.get(`/registry/${defined.group}/hosts/default/a`)).entry?.value ?? []).toString();
      return [stored.includes('"host":"h"'), (await read('v2'))['host'], (await read('v1'))['hostPort']];
    };
    const wanted = [true, 'h', 'h:1'];
    for (let attempt = 0; attempt < 500 && JSON.stringify(await whole()) !== JSON.stringify(wanted); attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(await whole(), wanted);
  } finally {
    await second.close();
  }
});
