import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { Pod } from '#api/core/pod.ts';
import { isReady } from '#api/core/pod-status.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { ValidatingAdmissionPolicy } from '#api/admissionregistration/validating-admission-policy.ts';
import { ValidatingAdmissionPolicyBinding } from '#api/admissionregistration/validating-admission-policy-binding.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { controllers } from '#controllers/index.ts';
import { serviceAccountOf } from '#controllers/service-accounts.ts';
import { startCluster } from '#testing/index.ts';

test('every controller writes as an account that has a role', async () => {
  const cluster = await startCluster({ nodes: 0 });
  try {
    const bound = new Set((await cluster.client.list(ClusterRoleBinding)).items.flatMap(({ subjects = [] }) => subjects.filter(({ namespace }) => namespace === 'kube-system').map(({ name }) => name)));
    assert.deepEqual(controllers.map(({ name }) => serviceAccountOf(name)).filter((account) => !bound.has(account)), []);
  } finally {
    await cluster.close();
  }
});

test('policies see who writes: controllers by their accounts, the scheduler, the node', async () => {
  const cluster = await startCluster();
  const { client } = cluster;
  try {
    const policy = (name: string, resource: string, expression: string) => client.create(ValidatingAdmissionPolicy, {
      metadata: { name },
      spec: { matchConstraints: { resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }] }, validations: [{ expression }] },
    });
    await policy('sets', 'replicasets', 'request.userInfo.username == "system:serviceaccount:kube-system:deployment-controller" || request.operation == "UPDATE"');
    await policy('pods', 'pods', 'request.userInfo.username == "system:serviceaccount:kube-system:replicaset-controller" && "system:serviceaccounts:kube-system" in request.userInfo.groups');
    await policy('bindings', 'pods/binding', 'request.userInfo.username == "system:kube-scheduler"');
    await policy('statuses', 'pods/status', 'request.userInfo.username == "system:node:node-1" && "system:nodes" in request.userInfo.groups');
    for (const policyName of ['sets', 'pods', 'bindings', 'statuses']) await client.create(ValidatingAdmissionPolicyBinding, { metadata: { name: policyName }, spec: { policyName, validationActions: ['Deny'] } });
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    const selector = { matchLabels: { app: 'web' } };
    await assert.rejects(client.create(ReplicaSet, { metadata: { namespace: 'default', name: 'by-hand' }, spec: { selector, template } }), (error) => hasReason(error, 'Invalid'));
    await client.create(Deployment, { metadata: { namespace: 'default', name: 'web' }, spec: { selector, template } });
    await cluster.until(Deployment, { namespace: 'default', name: 'web' }, (deployment) => deployment?.status.readyReplicas === 1);
    assert.ok(isReady((await client.list(Pod)).items[0] ?? assert.fail('there is no pod')));
  } finally {
    await cluster.close();
  }
});
