/** Admission webhooks, over HTTPS both ways. */
import assert from 'node:assert/strict';
import { afterEach, before, after, test } from 'node:test';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { WebhookServer } from '../support/webhook-server.ts';
import { patching, startWebhookServer } from '../support/webhook-server.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const endpoint = '10.244.0.9';
let hooks: WebhookServer;
let api: TestApiServer;
let serial = 0;

before(async () => {
  hooks = await startWebhookServer();
  api = await startApiServer({ egress: (target) => (target.host === endpoint ? { host: '127.0.0.1', port: hooks.port } : target) });
});
after(async () => {
  await api.close();
  await hooks.close();
});
afterEach(async () => {
  for (const type of ['mutating', 'validating']) await api.request('DELETE', `${registration}/${type}webhookconfigurations`);
});

const rules = [{ operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];

async function configure(type: 'Mutating' | 'Validating', name: string, ...webhooks: readonly object[]): Promise<void> {
  const body = { metadata: { name }, webhooks: webhooks.map((webhook, index) => ({ name: `w${index}.${name}.test`, rules, sideEffects: 'None', admissionReviewVersions: ['v1'], ...webhook })) };
  const answer = await api.request('POST', `${registration}/${type.toLowerCase()}webhookconfigurations`, { body });
  assert.equal(answer.code, 201, answer.text);
}

function createMap(data: Readonly<Record<string, string>> = {}, metadata: object = {}, query = ''): Promise<RawAnswer> {
  return api.request('POST', `${maps}${query}`, { body: { metadata: { name: `m${++serial}`, ...metadata }, data } });
}

function message(answer: RawAnswer): string {
  return String(answer.json()['message']);
}

test('a validating webhook refuses in its own words', async () => {
  await configure('Validating', 'deny', { clientConfig: hooks.at('/deny') });
  hooks.answer('/deny', () => ({ allowed: false, status: { message: 'not today', code: 418, reason: 'Forbidden' } }));
  const refused = await createMap();
  assert.deepEqual([refused.code, message(refused), refused.json()['reason']], [418, 'admission webhook "w0.deny.test" denied the request: not today', 'Forbidden']);
  hooks.answer('/deny', () => ({ allowed: false }));
  const silent = await createMap();
  assert.deepEqual([silent.code, message(silent)], [400, 'admission webhook "w0.deny.test" denied the request without explanation']);
});

test('a webhook is told who does what to which object, and how long it has', async () => {
  await configure('Validating', 'look', { clientConfig: hooks.at('/look'), timeoutSeconds: 7 });
  const made = await createMap({ a: 'b' }, { name: 'seen' });
  assert.equal(made.code, 201, made.text);
  await api.request('DELETE', `${maps}/seen`);
  const [create, remove] = hooks.asked.filter(({ path }) => path === '/look');
  assert.equal(create?.query, '?timeout=7s');
  const { operation, kind, object, oldObject, userInfo, namespace, name, dryRun } = create?.request ?? assert.fail();
  assert.deepEqual([operation, kind.kind, object?.data, oldObject, userInfo.username, namespace, name, dryRun], ['CREATE', 'ConfigMap', { a: 'b' }, null, 'admin', 'default', 'seen', false]);
  assert.deepEqual([remove?.request.operation, remove?.request.object, (remove?.request.oldObject as { kind: string } | undefined)?.kind], ['DELETE', null, 'ConfigMap']);
});

test('mutating webhooks change the object one after the other, by the names of their configurations', async () => {
  await configure('Mutating', 'b-second', { clientConfig: hooks.at('/second') });
  await configure('Mutating', 'a-first', { clientConfig: hooks.at('/first') });
  hooks.answer('/first', () => patching({ op: 'add', path: '/data/first', value: 'yes' }));
  hooks.answer('/second', ({ object }) => (object?.data?.['first'] === 'yes' ? patching({ op: 'add', path: '/data/second', value: 'yes' }) : { allowed: true }));
  const made = await createMap({ a: 'b' });
  assert.equal(made.code, 201, made.text);
  assert.deepEqual(made.json()['data'], { a: 'b', first: 'yes', second: 'yes' });
});

test('a webhook that asks for it sees what was changed after it, once', async () => {
  let calls = 0;
  await configure('Mutating', 'again', { clientConfig: hooks.at('/early'), reinvocationPolicy: 'IfNeeded' }, { clientConfig: hooks.at('/late') });
  hooks.answer('/early', ({ object }) => {
    calls++;
    return object?.data?.['late'] === undefined ? { allowed: true } : patching({ op: 'add', path: '/data/early', value: 'saw it' });
  });
  hooks.answer('/late', () => patching({ op: 'add', path: '/data/late', value: 'yes' }));
  const made = await createMap({ a: 'b' });
  assert.deepEqual(made.json()['data'], { a: 'b', late: 'yes', early: 'saw it' });
  assert.equal(calls, 2);
});

test('what mutating webhooks made is validated', async () => {
  await configure('Mutating', 'spoil', { clientConfig: hooks.at('/spoil') });
  hooks.answer('/spoil', () => patching({ op: 'add', path: '/data/not a key', value: 'x' }));
  const refused = await createMap({ a: 'b' });
  assert.equal(refused.code, 422);
});

test('failures count as the policy says', async () => {
  await configure('Validating', 'broken', { clientConfig: hooks.at('/broken') });
  hooks.answer('/broken', () => 'garbage');
  const refused = await createMap();
  assert.equal(refused.code, 500);
  assert.match(message(refused), /^Internal error occurred: failed calling webhook "w0\.broken\.test": failed to call webhook: /);
  await api.request('DELETE', `${registration}/validatingwebhookconfigurations/broken`);
  await configure('Validating', 'ignored', { clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Ignore' });
  assert.equal((await createMap()).code, 201);
});

test('a webhook that is too slow is given up', async () => {
  await configure('Validating', 'slow', { clientConfig: hooks.at('/slow'), timeoutSeconds: 1 });
  hooks.answer('/slow', () => 'hang');
  const refused = await createMap();
  assert.match(message(refused), /context deadline exceeded/);
});

test('a certificate of another authority is not trusted', async () => {
  await configure('Validating', 'untrusted', { clientConfig: { url: `https://127.0.0.1:${hooks.port}/` } });
  assert.equal((await createMap()).code, 500);
});

test('selectors and rules narrow what a webhook is asked about', async () => {
  await configure('Validating', 'some', { clientConfig: hooks.at('/some'), objectSelector: { matchLabels: { watched: 'yes' } } });
  hooks.answer('/some', () => ({ allowed: false }));
  assert.equal((await createMap()).code, 201);
  assert.equal((await createMap({}, { labels: { watched: 'yes' } })).code, 400);
  await api.request('DELETE', `${registration}/validatingwebhookconfigurations/some`);
  await configure('Validating', 'elsewhere', { clientConfig: hooks.at('/some'), namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } });
  assert.equal((await createMap()).code, 201);
  assert.equal((await api.request('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 's' } } })).code, 201);
});

test('an object that another version of the kind is configured for is shown in that version', async () => {
  const autoscalers = [{ operations: ['*'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }];
  await configure('Validating', 'versions', { clientConfig: hooks.at('/versions'), rules: autoscalers }, { clientConfig: hooks.at('/exact'), rules: autoscalers, matchPolicy: 'Exact' });
  const body = { metadata: { name: 'hpa' }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 } };
  const made = await api.request('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', { body });
  assert.equal(made.code, 201, made.text);
  const asked = hooks.asked.filter(({ path }) => path === '/versions').map(({ request }) => [request.kind.version, request.requestKind.version]);
  assert.deepEqual(asked, [['v1', 'v2']]);
  assert.equal(hooks.asked.some(({ path }) => path === '/exact'), false);
});

test('warnings reach the client', async () => {
  await configure('Validating', 'warn', { clientConfig: hooks.at('/warn') });
  hooks.answer('/warn', () => ({ allowed: true, warnings: ['be careful'] }));
  assert.equal((await createMap()).headers['warning'], '299 - "be careful"');
});

test('a dry run asks webhooks and says so', async () => {
  await configure('Validating', 'dry', { clientConfig: hooks.at('/dry') });
  assert.equal((await createMap({}, {}, '?dryRun=All')).code, 201);
  assert.equal(hooks.asked.find(({ path }) => path === '/dry')?.request.dryRun, true);
});

test('webhooks cannot refuse changes of their own configuration', async () => {
  const everything = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
  await configure('Validating', 'lockout', { clientConfig: hooks.at('/lockout'), rules: everything });
  hooks.answer('/lockout', () => ({ allowed: false }));
  assert.equal((await createMap()).code, 400);
  assert.equal((await api.request('DELETE', `${registration}/validatingwebhookconfigurations/lockout`)).code, 200);
});

test('a webhook behind a Service is reached through an endpoint, under the name of the Service', async () => {
  await api.client.create(Service, { metadata: { namespace: 'default', name: 'hooks' }, spec: { selector: { app: 'hooks' }, ports: [{ port: 443, targetPort: 8443 }] } });
  await api.client.create(EndpointSlice, {
    metadata: { namespace: 'default', name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } }, addressType: 'IPv4', endpoints: [{ addresses: [endpoint] }], ports: [{ name: '', port: 8443 }],
  });
  await configure('Validating', 'service', { clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/service' }, caBundle: hooks.caBundle } });
  hooks.answer('/service', () => ({ allowed: false, status: { message: 'through the Service' } }));
  assert.match(message(await createMap()), /through the Service/);
  await api.request('DELETE', `${registration}/validatingwebhookconfigurations/service`);
  await configure('Validating', 'missing', { clientConfig: { service: { namespace: 'default', name: 'absent' }, caBundle: hooks.caBundle } });
  assert.match(message(await createMap()), /service "absent" not found/);
});

test('evictions, bindings and tokens are shown as what they are', async () => {
  const pod = (name: string): object => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  for (const name of ['bound', 'evicted']) assert.equal((await api.request('POST', '/api/v1/namespaces/default/pods', { body: pod(name) })).code, 201);
  const all = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/eviction', 'pods/binding', 'serviceaccounts/token'] }];
  await configure('Validating', 'parts', { clientConfig: hooks.at('/parts'), rules: all });
  const sent = [
    ['pods/bound/binding', { target: { name: 'n1' } }],
    ['pods/evicted/eviction', { metadata: { name: 'evicted' } }],
    ['serviceaccounts/default/token', { spec: { audiences: [] } }],
  ] as const;
  for (const [path, body] of sent) assert.equal((await api.request('POST', `/api/v1/namespaces/default/${path}`, { body })).code, 201, path);
  const asked = hooks.asked.filter(({ path }) => path === '/parts').map(({ request }) => [request.operation, request.kind.kind, request.subResource, request.name]);
  assert.deepEqual(asked, [['CREATE', 'Binding', 'binding', 'bound'], ['CREATE', 'Eviction', 'eviction', 'evicted'], ['CREATE', 'TokenRequest', 'token', 'default']]);
  hooks.answer('/parts', () => ({ allowed: false, status: { message: 'it stays' } }));
  assert.match(message(await api.request('POST', '/api/v1/namespaces/default/pods/bound/eviction', { body: { metadata: { name: 'bound' } } })), /it stays/);
});

test('connections are used again, and what happened is counted', async () => {
  await configure('Validating', 'reuse', { clientConfig: hooks.at('/reuse') });
  await createMap();
  const connections = hooks.connections();
  for (let count = 0; count < 5; count++) assert.equal((await createMap()).code, 201);
  assert.equal(hooks.connections(), connections);
  const { text } = await api.request('GET', '/metrics');
  assert.match(text, /apiserver_admission_webhook_request_total\{code="200",name="w0\.reuse\.test",operation="CREATE",rejected="false",type="validating"\} 6/);
  assert.match(text, /apiserver_admission_webhook_rejection_count\{error_type="no_error",name="w0\.deny\.test"/);
});
