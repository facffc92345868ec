import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { checkApiOperations, ok } from './api-operations.ts';
import { conformance } from './conformance.ts';

const group = 'admissionregistration.k8s.io';
const registration = `/apis/${group}/v1`;
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

const matchConstraints = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }] };

/** A namespace of its own, which the binding is about. */
async function namespace(name: string): Promise<object> {
  ok(await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name, labels: { [name]: 'true' } } } }), 201);
  ok(await api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { body: { metadata: { name: 'default' } } }), 201);
  return { namespaceSelector: { matchLabels: { [name]: 'true' } } };
}

async function bind(type: 'validating' | 'mutating', name: string, spec: object, binding: object): Promise<void> {
  ok(await api.request('POST', `${registration}/${type}admissionpolicies`, { body: { metadata: { name }, spec } }), 201);
  ok(await api.request('POST', `${registration}/${type}admissionpolicybindings`, { body: { metadata: { name }, spec: { policyName: name, ...binding } } }), 201);
}

function createDeployment(inNamespace: string, name: string, replicas: number): Promise<RawAnswer> {
  const labels = { app: name };
  const body = { metadata: { name }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } } } };
  return api.request('POST', `/apis/apps/v1/namespaces/${inNamespace}/deployments`, { body });
}

describe('admission policies', () => {
  conformance('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]', async () => {
    const matchResources = await namespace('validate-deployment');
    const validations = [
      { expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)" },
      { expression: "namespaceObject.metadata.name == 'validate-deployment'", message: 'Internal error! Other namespace should not be allowed.' },
    ];
    await bind('validating', 'validate-deployment', { matchConstraints, validations }, { matchResources, validationActions: ['Deny'] });
    const refused = await createDeployment('validate-deployment', 'one', 1);
    assert.equal(refused.code, 422);
    assert.match(refused.text, /wants replicas > 1, got 1/);
    ok(await createDeployment('validate-deployment', 'two', 2), 201);
    ok(await createDeployment('default', 'one', 1), 201);
  });

  conformance('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]', async () => {
    const matchResources = await namespace('refer-variables');
    const variables = [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' }];
    const validations = [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }];
    await bind('validating', 'refer-variables', { matchConstraints, variables, validations }, { matchResources, validationActions: ['Deny'] });
    assert.equal((await createDeployment('refer-variables', 'one', 1)).code, 422);
    assert.equal((await createDeployment('refer-variables', 'two', 2)).code, 422);
    ok(await createDeployment('refer-variables', 'three', 3), 201);
  });

  conformance('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]', async () => {
    const matchResources = await namespace('mutate-deployment');
    const expression = 'Object{spec: Object.spec{replicas: object.spec.replicas + 100}}';
    await bind('mutating', 'mutate-deployment', { matchConstraints, reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }] }, { matchResources });
    assert.deepEqual((ok(await createDeployment('mutate-deployment', 'one', 1), 201)['spec'] as { readonly replicas: number }).replicas, 101);
  });

  conformance('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]', async () => {
    const matchResources = await namespace('annotate-deployment');
    const expression = "Object{metadata: Object.metadata{annotations: {'my-annotation': 'my-value'}}}";
    await bind('mutating', 'annotate-deployment', { matchConstraints, reinvocationPolicy: 'IfNeeded', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }] }, { matchResources });
    assert.equal(ok(await createDeployment('annotate-deployment', 'one', 1), 201).metadata.annotations?.['my-annotation'], 'my-value');
  });

  const validating = { failurePolicy: 'Ignore', matchConstraints: { resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }] } };
  conformance('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]', () =>
    checkApiOperations(api, {
      group, version: 'v1', resource: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', make: () => ({ spec: { ...validating, validations: [{ expression: 'true' }] } }),
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Test', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    }));
  conformance('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]', () =>
    checkApiOperations(api, { group, version: 'v1', resource: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', make: () => ({ spec: { policyName: 'p', validationActions: ['Deny'] } }) }));
  conformance('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations [Conformance]', () =>
    checkApiOperations(api, {
      group, version: 'v1', resource: 'mutatingadmissionpolicies', kind: 'MutatingAdmissionPolicy',
      make: () => ({ spec: { ...validating, reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }] } }),
    }));
  conformance('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations [Conformance]', () =>
    checkApiOperations(api, { group, version: 'v1', resource: 'mutatingadmissionpolicybindings', kind: 'MutatingAdmissionPolicyBinding', make: () => ({ spec: { policyName: 'p' } }) }));
});
