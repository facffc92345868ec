/** Who writes policies has to be able to read what they read. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MutatingAdmissionPolicy } from '#api/admissionregistration/mutating-admission-policy.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicyBinding } from '#api/admissionregistration/validating-admission-policy-binding.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
let api: TestApiServer;
let writer: Client;
before(async () => {
  api = await startApiServer();
  writer = createClient(api.server.transport({ name: 'wes', groups: ['system:authenticated'] }, 'test'));
  await grant('policies', [{ verbs: ['*'], apiGroups: ['admissionregistration.k8s.io'], resources: ['*'] }]);
});
after(() => api.close());

async function grant(name: string, rules: readonly { verbs: string[]; apiGroups: string[]; resources: string[] }[]): Promise<void> {
  await api.client.create(ClusterRole, { metadata: { name }, rules });
  await api.client.create(ClusterRoleBinding, { metadata: { name }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'wes' }] });
}

const matchConstraints = { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }] };
const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
const user = '&{wes  [system:authenticated] map[]}';

test('parameters are read on behalf of who may read them', async () => {
  const policy = { metadata: { name: 'p' }, spec: { matchConstraints, paramKind, validations: [{ expression: 'true' }] } };
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' } } };
  await assert.rejects(writer.create(ValidatingAdmissionPolicy, policy), {
    message: `ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user ${user} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)`,
  });
  await assert.rejects(writer.create(MutatingAdmissionPolicy, { metadata: { name: 'm' }, spec: { matchConstraints, paramKind, reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }] } }), /spec\.paramKind: Forbidden/);
  await api.client.create(ValidatingAdmissionPolicy, policy);
  await assert.rejects(writer.create(ValidatingAdmissionPolicyBinding, binding), {
    message: `ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "b" is invalid: spec.paramRef: Forbidden: user ${user} does not have "get" permission on the object referenced by paramRef`,
  });
  await grant('parameters', [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'] }]);
  await writer.create(ValidatingAdmissionPolicyBinding, binding);
  await writer.create(ValidatingAdmissionPolicy, { ...policy, metadata: { name: 'q' } });
});

test('who leaves the parameters as they are needs no right to read them', async () => {
  await api.client.create(ValidatingAdmissionPolicy, { metadata: { name: 'kept' }, spec: { matchConstraints, paramKind: { apiVersion: 'v1', kind: 'Secret' }, validations: [{ expression: 'true' }] } });
  const { spec } = await writer.patch(ValidatingAdmissionPolicy, { name: 'kept' }, { type: 'merge', patch: { spec: { failurePolicy: 'Ignore' } } });
  assert.equal(spec.failurePolicy, 'Ignore');
});
