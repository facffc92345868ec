/** Admission policies and match conditions, over HTTPS. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import type { WebhookServer } from '../support/webhook-server.ts';
import { startWebhookServer } from '../support/webhook-server.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const maps = '/api/v1/namespaces/default/configmaps';
const onDeployments = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }] };
const onMaps = { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] }] };
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
  for (const plural of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'validatingwebhookconfigurations']) {
    const { code, text } = await api.request('DELETE', `${registration}/${plural}`);
    assert.equal(code, 200, text);
  }
});

async function make(path: string, body: object): Promise<void> {
  const answer = await api.request('POST', path, { body });
  assert.equal(answer.code, 201, answer.text);
}

async function policy(spec: object, binding: object = {}, name = 'p'): Promise<void> {
  await make(`${registration}/validatingadmissionpolicies`, { metadata: { name }, spec });
  await make(`${registration}/validatingadmissionpolicybindings`, { metadata: { name: `${name}-binding` }, spec: { policyName: name, validationActions: ['Deny'], ...binding } });
}

async function mutation(spec: object, binding: object = {}): Promise<void> {
  await make(`${registration}/mutatingadmissionpolicies`, { metadata: { name: 'm' }, spec: { reinvocationPolicy: 'Never', ...spec } });
  await make(`${registration}/mutatingadmissionpolicybindings`, { metadata: { name: 'm-binding' }, spec: { policyName: 'm', ...binding } });
}

function createDeployment(replicas: number, labels: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
  const body = {
    metadata: { name: `d${++serial}`, labels },
    spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  };
  return api.request('POST', deployments, { body });
}

function createMap(data: Readonly<Record<string, string>>, metadata: object = {}): Promise<RawAnswer> {
  return api.request('POST', maps, { body: { metadata: { name: `m${++serial}`, ...metadata }, data } });
}

function message(answer: RawAnswer): string {
  return String(answer.json()['message']);
}

test('a request that does not satisfy an expression is refused', async () => {
  await policy({ matchConstraints: onDeployments, validations: [{ expression: 'object.spec.replicas <= 5' }, { expression: "object.metadata.name.startsWith('d')", message: 'a name of ours' }] });
  assert.equal((await createDeployment(5)).code, 201);
  const refused = await createDeployment(6);
  assert.equal(refused.code, 422);
  assert.equal(refused.json()['reason'], 'Invalid');
  assert.equal(message(refused), `deployments.apps "d${serial}" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: failed expression: object.spec.replicas <= 5`);
});

test('messages and reasons are those of the policy, variables may be used', async () => {
  await policy({
    matchConstraints: onDeployments,
    variables: [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'odd', expression: 'variables.replicas % 2 == 1' }],
    validations: [{ expression: '!variables.odd', messageExpression: "'odd: ' + string(variables.replicas)", reason: 'Forbidden' }],
  });
  const refused = await createDeployment(3);
  assert.equal(refused.code, 403);
  assert.match(message(refused), /denied request: odd: 3$/);
  assert.equal((await createDeployment(4)).code, 201);
});

test('expressions see who asks, what was there before, the namespace, and what somebody may do', async () => {
  await policy({
    matchConstraints: onMaps,
    validations: [
      { expression: "request.operation == 'DELETE' || request.userInfo.username == 'admin'" },
      { expression: 'oldObject == null || request.operation == "DELETE" || object.data.fixed == oldObject.data.fixed', message: 'fixed stays' },
      { expression: "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == 'default'" },
      { expression: "authorizer.group('').resource('pods').namespace('default').check('create').allowed()" },
      { expression: "!authorizer.serviceAccount('default', 'default').group('').resource('secrets').namespace('default').check('get').allowed()" },
      { expression: 'authorizer.requestResource.check("create").allowed()' },
    ],
  });
  const made = await createMap({ fixed: '1' }, { name: 'fixed' });
  assert.equal(made.code, 201, made.text);
  const changed = await api.request('PATCH', `${maps}/fixed`, { body: { data: { fixed: '2' } }, headers: { 'content-type': 'application/merge-patch+json' } });
  assert.match(message(changed), /fixed stays/);
  assert.equal((await api.request('DELETE', `${maps}/fixed`)).code, 200);
});

test('a policy takes its parameters from an object', async () => {
  await make(maps, { metadata: { name: 'limits' }, data: { max: '3' } });
  const spec = { matchConstraints: onDeployments, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'object.spec.replicas <= int(params.data.max)' }] };
  await policy(spec, { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } });
  assert.equal((await createDeployment(3)).code, 201);
  assert.equal((await createDeployment(4)).code, 422);
  await api.request('DELETE', `${maps}/limits`);
  assert.match(message(await createDeployment(1)), /no params found for policy binding with `Deny` parameterNotFoundAction/);
});

test('a binding may only warn, and may be about some objects only', async () => {
  const criteria = { objectSelector: { matchLabels: { strict: 'yes' } } };
  await policy({ matchConstraints: onDeployments, validations: [{ expression: 'object.spec.replicas < 2', message: 'few' }] }, { validationActions: ['Warn'], matchResources: criteria });
  const warned = await createDeployment(2, { strict: 'yes' });
  assert.equal(warned.code, 201);
  assert.match(String(warned.headers['warning']), /Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': few/);
  assert.equal((await createDeployment(2)).headers['warning'], undefined);
});

test('what cannot be evaluated counts as the failure policy says', async () => {
  const validations = [{ expression: 'object.spec.absent == 1' }];
  await policy({ matchConstraints: onDeployments, validations });
  assert.match(message(await createDeployment(1)), /expression 'object\.spec\.absent == 1' resulted in error: no such key: absent/);
  await api.request('DELETE', `${registration}/validatingadmissionpolicies/p`);
  await api.request('DELETE', `${registration}/validatingadmissionpolicybindings/p-binding`);
  await policy({ matchConstraints: onDeployments, validations, failurePolicy: 'Ignore' });
  assert.equal((await createDeployment(1)).code, 201);
});

test('match conditions of policies and webhooks say what they are about', async () => {
  await policy({ matchConstraints: onDeployments, matchConditions: [{ name: 'big', expression: 'object.spec.replicas > 10' }], validations: [{ expression: 'false' }] });
  assert.equal((await createDeployment(1)).code, 201);
  assert.equal((await createDeployment(11)).code, 422);
  await make(`${registration}/validatingwebhookconfigurations`, {
    metadata: { name: 'w' },
    webhooks: [{ name: 'w.conditions.test', clientConfig: hooks.at('/w'), sideEffects: 'None', admissionReviewVersions: ['v1'], rules: onMaps.resourceRules, matchConditions: [{ name: 'kept', expression: "!('skip' in object.data)" }] }],
  });
  hooks.answer('/w', () => ({ allowed: false }));
  assert.equal((await createMap({ skip: 'me' })).code, 201);
  assert.equal((await createMap({ a: 'b' })).code, 400);
});

test('what an expression gets wrong about a kind is told in the status of its policy', async () => {
  await policy({ matchConstraints: onDeployments, validations: [{ expression: 'object.spec.replicas > 1' }, { expression: 'object.spec.replicsa > 1' }, { expression: "object.spec.replicas > '1'" }] }, {}, 'typed');
  const { client } = api;
  for await (const batch of client.watch(ValidatingAdmissionPolicy, {})) {
    const seen = batch.map(({ object }) => object).find(({ metadata, status }) => metadata.name === 'typed' && status.observedGeneration === 1);
    if (seen === undefined) continue;
    const warnings = seen.status.typeChecking?.expressionWarnings ?? [];
    assert.deepEqual(warnings.map(({ fieldRef }) => fieldRef), ['spec.validations[1].expression', 'spec.validations[2].expression']);
    assert.match(warnings[0]?.warning ?? '', /^apps\/v1, Kind=Deployment: ERROR: <input>:1:\d+: undefined field 'replicsa'/);
    break;
  }
});

test('a mutating policy merges what its expression makes into the object', async () => {
  const expression = "Object{metadata: Object.metadata{labels: Object.metadata.labels{made: 'by-policy'}}, spec: Object.spec{replicas: 2, template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'c', imagePullPolicy: 'Always'}]}}}}";
  await mutation({ matchConstraints: onDeployments, mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }] });
  const made = await createDeployment(1, { own: 'label' });
  assert.equal(made.code, 201, made.text);
  const { metadata, spec } = made.json<{ metadata: { labels: object }; spec: { replicas: number; template: { spec: { containers: object[] } } } }>();
  assert.deepEqual(metadata.labels, { own: 'label', made: 'by-policy' });
  assert.equal(spec.replicas, 2);
  const [container] = spec.template.spec.containers as { image: string; imagePullPolicy: string }[];
  assert.deepEqual([container?.image, container?.imagePullPolicy], ['i', 'Always']);
});

test('a mutating policy patches the object', async () => {
  const expression = "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('a/b'), value: string(size(object.data))}]";
  await mutation({ matchConstraints: { resourceRules: [{ ...onMaps.resourceRules[0], operations: ['CREATE'] }] }, mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: expression.replace("'a/b'", "'a-b'") } }] });
  const made = await createMap({ one: '1' });
  assert.deepEqual(made.json()['data'], { one: '1', 'a-b': '1' });
});
