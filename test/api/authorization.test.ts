import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Lease } from '#api/coordination/lease.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Node } from '#api/core/node.ts';
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { Role } from '#api/rbac/role.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import type { Given } from '#apimachinery/resource.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const namespace = 'default';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

function as(name: string, ...groups: string[]): Client {
  return createClient(api.server.transport({ name, groups: [...groups, 'system:authenticated'] }, 'test'));
}
function kubelet(node: string): Client {
  return as(`system:node:${node}`, 'system:nodes');
}
async function refused(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => undefined, (each: unknown) => each);
  assert.ok(error instanceof StatusError, 'it was allowed');
  assert.equal(error.reason, 'Forbidden', error.message);
  return error.message;
}

describe('RBAC', () => {
  it('refuses what no role allows, in upstream\'s words', async () => {
    assert.equal(await refused(as('anna').list(Pod, { namespace })), 'pods is forbidden: User "anna" cannot list resource "pods" in API group "" in the namespace "default"');
    assert.equal(
      await refused(as('anna').get(ClusterRole, { name: 'view' })),
      'clusterroles.rbac.authorization.k8s.io "view" is forbidden: User "anna" cannot get resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope',
    );
  });

  it('follows bindings as they come, change and go', async () => {
    const bob = as('bob');
    const binding = await api.client.create(RoleBinding, {
      metadata: { namespace, name: 'viewers' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'bob' }],
    });
    await bob.list(ConfigMap, { namespace });
    await refused(bob.list(ConfigMap, { namespace: 'kube-system' }));
    await refused(bob.list(ConfigMap, {}));
    await refused(bob.list(Secret, { namespace }));
    await api.client.update(RoleBinding, { ...binding, subjects: [{ kind: 'Group', apiGroup: rbacGroup, name: 'team' }] });
    await refused(bob.list(ConfigMap, { namespace }));
    await as('carol', 'team').list(ConfigMap, { namespace });
    await api.client.delete(RoleBinding, { namespace, name: 'viewers' });
    await refused(as('carol', 'team').list(ConfigMap, { namespace }));
  });

  it('gives a list by name to those who may read that one object', async () => {
    await api.client.create(Role, { metadata: { namespace, name: 'one' }, rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] }] });
    await api.client.create(RoleBinding, { metadata: { namespace, name: 'one' }, roleRef: { apiGroup: rbacGroup, kind: 'Role', name: 'one' }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'dora' }] });
    await as('dora').list(ConfigMap, { namespace, fieldSelector: 'metadata.name=mine' });
    await refused(as('dora').list(ConfigMap, { namespace }));
    await refused(as('dora').list(ConfigMap, { namespace, fieldSelector: 'metadata.name=other' }));
  });

  describe('nobody gives rights away that they do not have', () => {
    const editor = (): Client => as('eve');
    before(async () => {
      await api.client.create(ClusterRole, { metadata: { name: 'role-editor' }, rules: [
        { verbs: ['*'], apiGroups: [rbacGroup], resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'] },
        { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] },
      ].map((rule) => (rule.verbs[0] === '*' ? { ...rule, verbs: ['get', 'create', 'update', 'patch', 'delete'] } : rule)) });
      await api.client.create(ClusterRoleBinding, { metadata: { name: 'role-editor' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'role-editor' }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'eve' }] });
    });

    it('in a role', async () => {
      await editor().create(Role, { metadata: { namespace, name: 'own' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] });
      const message = await refused(editor().create(Role, { metadata: { namespace, name: 'more' }, rules: [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['pods', 'secrets'] }] }));
      assert.equal(message, [
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "eve" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
      ].join('\n'));
    });

    it('by changing a role, while other changes stay possible', async () => {
      const role = await api.client.create(Role, { metadata: { namespace, name: 'strong' }, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] });
      await editor().update(Role, { ...role, metadata: { ...role.metadata, labels: { seen: 'yes' } } });
      const own = await editor().get(Role, { namespace, name: 'own' });
      await refused(editor().update(Role, { ...own, rules: [{ verbs: ['create'], apiGroups: [''], resources: ['pods'] }] }));
    });

    it('by binding a role', async () => {
      const bind = (name: string, roleName: string): Promise<unknown> => editor().create(ClusterRoleBinding, { metadata: { name }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: roleName }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'eve' }] });
      assert.match(await refused(bind('grab', 'cluster-admin')), /^clusterrolebindings\.rbac\.authorization\.k8s\.io "grab" is forbidden: user "eve" .* is attempting to grant RBAC permissions not currently held:\n/);
      await bind('same', 'role-editor');
    });

    it('but with the verbs escalate and bind they may', async () => {
      await api.client.create(ClusterRole, { metadata: { name: 'giver' }, rules: [
        { verbs: ['create', 'escalate'], apiGroups: [rbacGroup], resources: ['roles'] },
        { verbs: ['create'], apiGroups: [rbacGroup], resources: ['rolebindings'] },
        { verbs: ['bind'], apiGroups: [rbacGroup], resources: ['clusterroles'], resourceNames: ['edit'] },
      ] });
      await api.client.create(ClusterRoleBinding, { metadata: { name: 'giver' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'giver' }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'gina' }] });
      const gina = as('gina');
      await gina.create(Role, { metadata: { namespace, name: 'given' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'] }] });
      await gina.create(RoleBinding, { metadata: { namespace, name: 'given' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'edit' }, subjects: [] });
      await refused(gina.create(RoleBinding, { metadata: { namespace, name: 'given2' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'admin' }, subjects: [] }));
    });
  });
});

describe('kubelets', () => {
  const podOn = (node: string, name: string, spec: Given<PodObject['spec']> = {}): Promise<PodObject> =>
    api.client.create(Pod, { metadata: { namespace, name }, spec: { nodeName: node, containers: [{ name: 'c', image: 'busybox' }], ...spec } });

  it('read the secrets, config maps and volumes that pods on their node refer to, as long as they do', async () => {
    for (const name of ['env', 'mounted', 'pull', 'stranger']) await api.client.create(Secret, { metadata: { namespace, name } });
    await api.client.create(ConfigMap, { metadata: { namespace, name: 'settings' } });
    await api.client.create(PersistentVolume, { metadata: { name: 'disk' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, claimRef: { namespace, name: 'data' } } });
    await api.client.create(PersistentVolumeClaim, { metadata: { namespace, name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], volumeName: 'disk', resources: { requests: { storage: '1Gi' } } } });
    await refused(kubelet('n1').get(Secret, { namespace, name: 'env' }));
    await podOn('n1', 'reader', {
      imagePullSecrets: [{ name: 'pull' }],
      containers: [{ name: 'c', image: 'busybox', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'a', optional: true } } }], envFrom: [{ configMapRef: { name: 'settings' } }] }],
      volumes: [{ name: 'v', secret: { secretName: 'mounted' } }, { name: 'd', persistentVolumeClaim: { claimName: 'data' } }],
    });
    for (const name of ['env', 'mounted', 'pull']) await kubelet('n1').get(Secret, { namespace, name });
    await kubelet('n1').get(ConfigMap, { namespace, name: 'settings' });
    await kubelet('n1').get(PersistentVolumeClaim, { namespace, name: 'data' });
    await kubelet('n1').get(PersistentVolume, { name: 'disk' });
    await kubelet('n1').list(Secret, { namespace, fieldSelector: 'metadata.name=env' });
    assert.match(await refused(kubelet('n1').get(Secret, { namespace, name: 'stranger' })), /: no relationship found between node 'n1' and this object$/);
    await refused(kubelet('n1').list(Secret, { namespace }));
    await refused(kubelet('n2').get(Secret, { namespace, name: 'env' }));
    await api.client.delete(Pod, { namespace, name: 'reader' }, { gracePeriodSeconds: 0 });
    await refused(kubelet('n1').get(Secret, { namespace, name: 'env' }));
  });

  it('see their own node and pods only', async () => {
    await kubelet('n1').create(Node, { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } });
    await api.client.create(Node, { metadata: { name: 'n2' } });
    await kubelet('n1').get(Node, { name: 'n1' });
    await kubelet('n1').list(Node, { fieldSelector: 'metadata.name=n1' });
    assert.match(await refused(kubelet('n1').list(Node, {})), /node 'n1' cannot read all nodes, only its own Node object/);
    await refused(kubelet('n1').get(Node, { name: 'n2' }));
    await podOn('n1', 'mine');
    await podOn('n2', 'theirs');
    await kubelet('n1').get(Pod, { namespace, name: 'mine' });
    await refused(kubelet('n1').get(Pod, { namespace, name: 'theirs' }));
    await kubelet('n1').list(Pod, { fieldSelector: 'spec.nodeName=n1' });
    await refused(kubelet('n1').list(Pod, {}));
  });

  it('change their own objects only', async () => {
    await refused(kubelet('n3').create(Node, { metadata: { name: 'other' } }));
    await refused(kubelet('n3').create(Node, { metadata: { name: 'n3', labels: { 'node-restriction.kubernetes.io/zone': 'x' } } }));
    const node = await kubelet('n3').create(Node, { metadata: { name: 'n3' } });
    assert.match(await refused(kubelet('n3').update(Node, { ...node, spec: { ...node.spec, taints: [] } })), /node "n3" is not allowed to modify taints$/);
    await kubelet('n3').update(Node, { ...node, metadata: { ...node.metadata, labels: { mine: 'yes' } } });
    await podOn('n3', 'run-here');
    const elsewhere = await podOn('n2', 'run-there');
    const mine = await kubelet('n3').get(Pod, { namespace, name: 'run-here' });
    await kubelet('n3').updateStatus(Pod, { ...mine, status: { ...mine.status, phase: 'Running' } });
    await refused(kubelet('n3').updateStatus(Pod, { ...elsewhere, status: { ...elsewhere.status, phase: 'Failed' } }));
    await refused(kubelet('n3').delete(Pod, { namespace, name: 'run-there' }));
    await kubelet('n3').create(Lease, { metadata: { namespace: 'kube-node-lease', name: 'n3' } });
    await refused(kubelet('n3').create(Lease, { metadata: { namespace: 'kube-node-lease', name: 'n2' } }));
    await refused(kubelet('n3').create(Lease, { metadata: { namespace, name: 'n3' } }));
  });

  it('create mirror pods and no others', async () => {
    const spec = { nodeName: 'n3', containers: [{ name: 'c', image: 'busybox' }] };
    assert.match(await refused(kubelet('n3').create(Pod, { metadata: { namespace, name: 'm' }, spec })), /can only create mirror pods|can not create pods that reference a service account/);
    await kubelet('n3').create(Pod, { metadata: { namespace, name: 'm', annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec });
    await refused(kubelet('n3').create(Pod, { metadata: { namespace, name: 'm2', annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec: { ...spec, nodeName: 'n2' } }));
  });
});

describe('certificate requests', () => {
  /** For the names that the constants say, made with OpenSSL. */
  const requests = { e2e: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITU1IUUNBUUF3RWpFUU1BNEdBMVVFQXd3SFpUSmxMV056Y2pCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OQpBd0VIQTBJQUJFWTJDOXVlcU42SGxSVzBmZkIvV1YxdXJsSWhKaFdTdkNVTWRKUnNCa2p3STZBU3RTQmpQQnVUCmthcHRFam9XbUN5MUxuV0plUUdLYmVtK3BuM2d3MG1nQURBS0JnZ3Foa2pPUFFRREFnTklBREJGQWlFQTczSUYKUXRXRjZldlBOL1NxK3Y2ZEpvZDhIbnZxYmhjMEc0MHJwVFJucHhrQ0lGWHptSTUvMmwrcHVPSitYTmdISndNMgovSURsdUlsMFpLaUFtOFBOaTR6RgotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K', masters: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIaE1JR0lBZ0VBTUNZeEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVFzd0NRWURWUVFEREFKdApaVEJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEEwSUFCTGRrNkVYQkR3L1ArZWZ0TnNiVmtscUwzQ3lECnNLT1lNVmgzblVaZkRZWFZhSy9yYjc3NkEwM1c1UE9ISnIreVA2R0Z2WmNTbWwzekVTd2FjSjJKbTdpZ0FEQUsKQmdncWhrak9QUVFEQWdOSUFEQkZBaUVBeStSR0JYdkZ1VUFZa2ZScVlqK1RocW5ERXVjdGtTb2U2S3JRM3M5NQp6QVFDSUhHQUxrRUpBSEI0NnJhSVg0L2I0d1paMk0vVk9lNmVuUGxxRXkvbWg2MjQKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==' };
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const request = (name: string, signerName: string, body: string): Promise<RawAnswer> =>
    api.request('POST', path, { body: { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec: { request: body, signerName, usages: ['client auth'] } } });

  it('are approved by those only who may approve for the signer', async () => {
    const made = await request('approved', 'example.com/serving', requests.e2e);
    assert.equal(made.code, 201, made.text);
    await api.client.create(ClusterRole, { metadata: { name: 'approver' }, rules: [
      { verbs: ['update'], apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/approval'] },
      { verbs: ['approve'], apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: ['example.com/*'] },
    ] });
    await api.client.create(ClusterRoleBinding, { metadata: { name: 'approver' }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'approver' }, subjects: [{ kind: 'User', apiGroup: rbacGroup, name: 'paula' }] });
    const approve = async (name: string): Promise<RawAnswer> => {
      const current = (await api.request('GET', `${path}/${name}`)).json();
      return api.request('PUT', `${path}/${name}/approval`, { body: { ...current, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: 'm' }] } }, headers: { 'Impersonate-User': 'paula' } });
    };
    assert.equal((await approve('approved')).code, 200);
    assert.equal((await request('foreign', 'kubernetes.io/kubelet-serving', requests.e2e)).code, 201);
    const refusal = await approve('foreign');
    assert.equal(refusal.code, 403);
    assert.match(refusal.text, /user not permitted to approve requests with signerName \\"kubernetes\.io\/kubelet-serving\\"/);
  });

  it('for a client that may do everything are refused', async () => {
    const answer = await request('greedy', 'kubernetes.io/kube-apiserver-client', requests.masters);
    assert.equal(answer.code, 403, answer.text);
    assert.match(answer.text, /use of kubernetes\.io\/kube-apiserver-client signer with system:masters group is not allowed/);
  });
});

describe('the authority of client certificates', () => {
  it('is published to those who must check them, and may be read by the scheduler', async () => {
    const scheduler = createClient(api.server.transport({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }, 'test'));
    const { data } = await scheduler.get(ConfigMap, { namespace: 'kube-system', name: 'extension-apiserver-authentication' });
    assert.match(data?.['client-ca-file'] ?? '', /^-----BEGIN CERTIFICATE-----/);
    await refused(as('anna').get(ConfigMap, { namespace: 'kube-system', name: 'extension-apiserver-authentication' }));
  });
});

describe('documents', () => {
  it('are for those whom a role gives them', async () => {
    const anna = { headers: { 'Impersonate-User': 'anna' } };
    for (const target of ['/api', '/apis', '/apis/apps/v1', '/openapi/v3', '/version']) assert.equal((await api.request('GET', target, anna)).code, 200, target);
    assert.equal((await api.request('GET', '/openid/v1/jwks', anna)).code, 403);
    const account = { headers: { 'Impersonate-User': 'system:serviceaccount:default:default' } };
    assert.equal((await api.request('GET', '/openid/v1/jwks', account)).code, 200);
    assert.equal((await api.request('GET', '/.well-known/openid-configuration', account)).code, 200);
  });
});
