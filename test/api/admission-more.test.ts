/** Admission plugins that are off until somebody switches them on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const containers = [{ name: 'c', image: 'x' }];

describe('plugins about pods', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer({
      admission: {
        enabled: ['PodNodeSelector', 'PodTolerationRestriction', 'ExtendedResourceToleration', 'LimitPodHardAntiAffinityTopology', 'NamespaceExists'], allowPrivileged: false,
        configuration: new Map<string, unknown>([
          ['PodNodeSelector', { podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: 'pool=general', narrow: 'pool=narrow,disk=ssd' } }],
          ['PodTolerationRestriction', { whitelist: [{ key: 'gpu', operator: 'Exists' }, { key: 'example.com/fpga', operator: 'Exists' }, { key: 'node.kubernetes.io/not-ready', operator: 'Exists' }, { key: 'node.kubernetes.io/unreachable', operator: 'Exists' }] }],
        ]),
      },
    });
    for (const [name, annotations] of [['chosen', { 'scheduler.alpha.kubernetes.io/node-selector': 'pool=special' }], ['narrow', { 'scheduler.alpha.kubernetes.io/node-selector': 'pool=narrow' }], ['tolerant', { 'scheduler.alpha.kubernetes.io/defaultTolerations': '[{"key":"gpu","operator":"Exists","effect":"NoSchedule"}]' }]] as const) {
      await api.client.create(Namespace, { metadata: { name, annotations } });
      assert.equal((await api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { body: { metadata: { name: 'default' } } })).code, 201);
    }
  });
  after(() => api.close());
  const create = async (namespace: string, spec: object = {}): Promise<{ readonly code: number; readonly message: string; readonly spec: Pod['spec'] }> => {
    const answer = await api.request('POST', `/api/v1/namespaces/${namespace}/pods`, { body: { metadata: { generateName: 'p-' }, spec: { containers, ...spec } } });
    return { code: answer.code, ...answer.json<{ readonly message: string; readonly spec: Pod['spec'] }>() };
  };

  it('PodNodeSelector adds the namespace\'s selector or the cluster\'s, and refuses what goes against it', async () => {
    assert.deepEqual((await create('default')).spec.nodeSelector, { pool: 'general' });
    assert.deepEqual((await create('chosen', { nodeSelector: { zone: 'a' } })).spec.nodeSelector, { pool: 'special', zone: 'a' });
    assert.match((await create('chosen', { nodeSelector: { pool: 'other' } })).message, /pod node label selector conflicts with its namespace node label selector/);
    assert.equal((await create('narrow', { nodeSelector: { disk: 'ssd' } })).code, 201);
    assert.match((await create('narrow', { nodeSelector: { disk: 'hdd' } })).message, /labels conflict with its namespace whitelist/);
  });

  it('PodTolerationRestriction adds and limits tolerations', async () => {
    const { spec } = await create('tolerant');
    assert.ok(spec.tolerations?.some(({ key, effect }) => key === 'gpu' && effect === 'NoSchedule'));
    assert.equal((await create('default', { tolerations: [{ key: 'gpu', operator: 'Exists' }] })).code, 201);
    assert.match((await create('default', { tolerations: [{ key: 'other', operator: 'Exists' }] })).message, /conflict with its namespace whitelist/);
  });

  it('ExtendedResourceToleration tolerates the taint of the device that is asked for', async () => {
    const { spec } = await create('default', { containers: [{ ...containers[0], resources: { requests: { 'example.com/fpga': '1' }, limits: { 'example.com/fpga': '1' } } }] });
    assert.ok(spec.tolerations?.some(({ key, operator }) => key === 'example.com/fpga' && operator === 'Exists'));
  });

  it('LimitPodHardAntiAffinityTopology lets nobody keep others off more than nodes', async () => {
    const affinity = (topologyKey: string): object => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { a: 'b' } } }] } } });
    assert.equal((await create('default', affinity('kubernetes.io/hostname'))).code, 201);
    assert.match((await create('default', affinity('topology.kubernetes.io/zone'))).message, /has TopologyKey topology\.kubernetes\.io\/zone but only key kubernetes\.io\/hostname is allowed/);
  });

  it('privileged containers are refused where they are not allowed', async () => {
    const refused = await create('default', { containers: [{ ...containers[0], securityContext: { privileged: true } }] });
    assert.equal(refused.code, 422);
    assert.match(refused.message, /spec\.containers\[0\]\.securityContext\.privileged: Forbidden: disallowed by cluster policy/);
  });

  it('NamespaceExists looks at every write', async () => {
    assert.equal((await api.request('POST', '/api/v1/namespaces/absent/configmaps', { body: { metadata: { name: 'a' } } })).code, 404);
  });
});

describe('PodTopologyLabels', { timeout: 60_000 }, () => {
  it('labels pods with the zone of their node, at the binding and when they are made for it', async (t) => {
    const api = await startApiServer();
    t.after(() => api.close());
    await api.client.create(Node, { metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1', other: 'x' } } });
    await api.client.create(Pod, { metadata: { namespace: 'default', name: 'bound', labels: { a: 'b', 'topology.kubernetes.io/region': 'own' } }, spec: { containers } });
    assert.equal((await api.request('POST', '/api/v1/namespaces/default/pods/bound/binding', { body: { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } } })).code, 201);
    assert.deepEqual((await api.client.get(Pod, { namespace: 'default', name: 'bound' })).metadata.labels, { a: 'b', 'topology.kubernetes.io/region': 'own', 'topology.kubernetes.io/zone': 'z1' });
    const made = await api.client.create(Pod, { metadata: { namespace: 'default', name: 'made' }, spec: { containers, nodeName: 'n' } });
    assert.deepEqual(made.metadata.labels, { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1' });
  });
});

describe('OwnerReferencesPermissionEnforcement', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  let anna: Client;
  before(async () => {
    api = await startApiServer({ admission: { enabled: ['OwnerReferencesPermissionEnforcement'] } });
    await api.client.create(ClusterRole, { metadata: { name: 'writer' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get', 'update'] }] });
    await api.client.create(ClusterRole, { metadata: { name: 'deleter' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete'] }] });
    for (const name of ['writer', 'deleter']) await api.client.create(ClusterRoleBinding, { metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'anna' }] });
    anna = createClient(api.server.transport({ name: 'anna', groups: ['system:authenticated'] }, 'test'));
  });
  after(() => api.close());
  const owned = (name: string, more: object = {}): Parameters<typeof anna.create<ConfigMap>>[1] => ({ metadata: { namespace: 'default', name, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u', ...more }] } });

  it('lets nobody name owners who may not delete the object', async () => {
    await assert.rejects(anna.create(ConfigMap, owned('a')), /cannot set an ownerRef on a resource you can't delete/);
    await anna.create(ConfigMap, { metadata: { namespace: 'default', name: 'plain' } });
  });

  it('lets nobody hold up an owner whose finalizers he may not set', async () => {
    await anna.create(Secret, owned('fine'));
    await assert.rejects(anna.create(Secret, owned('b', { blockOwnerDeletion: true })), /cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on/);
    await assert.rejects(anna.create(Secret, owned('c', { blockOwnerDeletion: true, kind: 'Nonsense' })), /cannot find RESTMapping for APIVersion v1 Kind Nonsense/);
  });
});
