import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import type { ResourceQuota as QuotaObject } from '#api/core/resource-quota.ts';
import { ResourceQuota } from '#api/core/resource-quota.ts';
import { Secret } from '#api/core/secret.ts';
import { Service } from '#api/core/service.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { workspaceTests } from './cluster.ts';

describe('conformance: resource quotas', { concurrency: false }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
  });
  after(() => cluster.close());

  const inCluster = workspaceTests(() => cluster);
  const hardLimits = { pods: '5', services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1', replicationcontrollers: '10', resourcequotas: '1', configmaps: '10', secrets: '10', persistentvolumeclaims: '10', cpu: '1', memory: '500Mi', 'ephemeral-storage': '50Gi', 'requests.example.com/dongle': '3', 'count/replicasets.apps': '5', 'requests.storage': '10Gi', 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '10', 'gold.storageclass.storage.k8s.io/requests.storage': '10Gi' };
  const quota = async (w: Workspace, spec: Given<QuotaObject['spec']> = { hard: hardLimits }, name = 'test-quota'): Promise<QuotaObject> => {
    await w.client.create(ResourceQuota, { metadata: w.key(name), spec });
    return used(w, {}, name);
  };
  /** Waits until the quota's status has these counts. */
  const used = (w: Workspace, wanted: Record<string, string>, name = 'test-quota'): Promise<QuotaObject> =>
    w.until(ResourceQuota, name, ({ spec, status }) => Object.keys(spec.hard ?? {}).every((each) => status.hard?.[each] !== undefined && status.used?.[each] !== undefined) && Object.entries(wanted).every(([each, amount]) => status.used?.[each] === amount));
  const refused = (work: Promise<unknown>, words: RegExp): Promise<void> => assert.rejects(work, (error) => hasReason(error, 'Forbidden') && words.test(error.message));

  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated. [Conformance]', async (w) => {
    await quota(w);
    await used(w, { pods: '0', resourcequotas: '1', cpu: '0', memory: '0', services: '0' });
  });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service. [Conformance]', async (w) => {
    await quota(w);
    await w.client.create(Service, { metadata: w.key('cluster'), spec: { ports: [{ port: 80 }] } });
    await w.client.create(Service, { metadata: w.key('node-port'), spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    await refused(w.client.create(Service, { metadata: w.key('balancer'), spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: true, ports: [{ port: 80 }] } }), /exceeded quota: test-quota, requested: services\.nodeports=1, used: services\.nodeports=1, limited: services\.nodeports=1$/);
    await used(w, { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
    for (const name of ['cluster', 'node-port']) await w.client.delete(Service, w.key(name));
    await used(w, { services: '0', 'services.nodeports': '0' });
  });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret. [Conformance]', async (w) => {
    await quota(w);
    await w.client.create(Secret, { metadata: w.key('s'), data: {} });
    await used(w, { secrets: '1' });
    await w.client.delete(Secret, w.key('s'));
    await used(w, { secrets: '0' });
  });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap. [Conformance]', async (w) => {
    await w.until(ConfigMap, 'kube-root-ca.crt', () => true);
    await quota(w);
    await used(w, { configmaps: '1' });
    await w.client.create(ConfigMap, { metadata: w.key('c') });
    await used(w, { configmaps: '2' });
    await w.client.delete(ConfigMap, w.key('c'));
    await used(w, { configmaps: '1' });
  });
  const asks = (requests: Record<string, string>, limits = requests): Given<PodObject['spec']> => ({ terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i', resources: { requests, limits } }] });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod. [Conformance]', async (w) => {
    await quota(w);
    await refused(w.client.create(Pod, w.pod('unspecified')), /failed quota: test-quota: must specify cpu for: c; memory for: c$/);
    const dongles = { 'example.com/dongle': '2' };
    const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', ...dongles };
    await w.client.create(Pod, w.pod('p', { spec: { ...asks(requests, dongles), nodeSelector: { 'x-test.k8s.io/unsatisfiable': 'not-schedulable' } } }));
    const wanted = { pods: '1', cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'requests.example.com/dongle': '2' };
    await used(w, wanted);
    await refused(w.client.create(Pod, w.pod('too-much', { spec: asks({ cpu: '600m', memory: '100Mi', 'ephemeral-storage': '1Gi' }, {}) })), /exceeded quota: test-quota, requested: cpu=600m, used: cpu=500m, limited: cpu=1$/);
    await refused(w.client.create(Pod, w.pod('too-special', { spec: asks({ cpu: '500m', memory: '100Mi', 'ephemeral-storage': '20Gi', ...dongles }, dongles) })), /requested: requests\.example\.com\/dongle=2, used: requests\.example\.com\/dongle=2, limited: requests\.example\.com\/dongle=3$/);
    const made = await w.until(Pod, 'p', ({ status }) => status.conditions?.some(({ type, status: is }) => type === 'PodScheduled' && is === 'False') === true);
    const [container] = made.spec.containers;
    const lowered = { ...made, spec: { ...made.spec, containers: [{ ...container, name: 'c', resources: { ...container?.resources, requests: { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '10Gi' } } }] } };
    await assert.rejects(w.client.update(Pod, lowered), (error) => hasReason(error, 'Invalid'));
    await used(w, wanted);
    await w.client.delete(Pod, w.key('p'));
    await used(w, { pods: '0', cpu: '0', memory: '0', 'ephemeral-storage': '0', 'requests.example.com/dongle': '0' });
  });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller. [Conformance]', async (w) => {
    await quota(w);
    await w.client.create(ReplicationController, w.replicationController('rc', 0));
    await used(w, { replicationcontrollers: '1' });
    await w.client.delete(ReplicationController, w.key('rc'));
    await used(w, { replicationcontrollers: '0' });
  });
  inCluster('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set. [Conformance]', async (w) => {
    await quota(w);
    await w.client.create(ReplicaSet, w.replicaSet('rs', 0));
    await used(w, { 'count/replicasets.apps': '1' });
    await w.client.delete(ReplicaSet, w.key('rs'));
    await used(w, { 'count/replicasets.apps': '0' });
  });
  inCluster('[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota [Conformance]', async (w) => {
    await quota(w, { hard: { pods: '2' } });
    await w.client.create(ReplicationController, w.replicationController('rc', 3));
    await w.until(ReplicationController, 'rc', ({ status }) => status.conditions?.some((each) => each.type === 'ReplicaFailure' && each.status === 'True') === true);
    assert.equal((await w.pods()).length, 2);
    await w.client.patch(ReplicationController, w.key('rc'), { type: 'merge', patch: { spec: { replicas: 2 } } });
    await w.until(ReplicationController, 'rc', ({ status }) => status.conditions?.some((each) => each.type === 'ReplicaFailure') !== true);
  });
  inCluster('[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes. [Conformance]', async (w) => {
    const hard = { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi', 'limits.cpu': '2', 'limits.memory': '1Gi' };
    await quota(w, { hard, scopes: ['Terminating'] }, 'terminating');
    await quota(w, { hard, scopes: ['NotTerminating'] }, 'not-terminating');
    const spec = asks({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' });
    await w.client.create(Pod, w.pod('long', { spec }));
    await used(w, { pods: '1', 'requests.cpu': '500m', 'limits.cpu': '1', 'limits.memory': '400Mi' }, 'not-terminating');
    await used(w, { pods: '0', 'requests.cpu': '0' }, 'terminating');
    await w.client.delete(Pod, w.key('long'));
    await used(w, { pods: '0', 'requests.cpu': '0' }, 'not-terminating');
    await w.client.create(Pod, w.pod('short', { spec: { ...spec, activeDeadlineSeconds: 3600 } }));
    await used(w, { pods: '1', 'requests.memory': '200Mi' }, 'terminating');
    await used(w, { pods: '0' }, 'not-terminating');
    await w.client.delete(Pod, w.key('short'));
    await used(w, { pods: '0' }, 'terminating');
  });
  inCluster('[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope. [Conformance]', async (w) => {
    await quota(w, { hard: { pods: '5' }, scopes: ['BestEffort'] }, 'best-effort');
    await quota(w, { hard: { pods: '5' }, scopes: ['NotBestEffort'] }, 'not-best-effort');
    await w.client.create(Pod, w.pod('plain', { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] } }));
    await used(w, { pods: '1' }, 'best-effort');
    await used(w, { pods: '0' }, 'not-best-effort');
    await w.client.delete(Pod, w.key('plain'));
    await used(w, { pods: '0' }, 'best-effort');
    await w.client.create(Pod, w.pod('burstable', { spec: asks({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' }) }));
    await used(w, { pods: '1' }, 'not-best-effort');
    await used(w, { pods: '0' }, 'best-effort');
    await w.client.delete(Pod, w.key('burstable'));
    await used(w, { pods: '0' }, 'not-best-effort');
  });
  inCluster('[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota. [Conformance]', async (w) => {
    const made = await quota(w, { hard: { cpu: '1', memory: '500Mi' } });
    const updated = await w.client.update(ResourceQuota, { ...made, spec: { hard: { cpu: '2', memory: '1Gi' } } });
    assert.deepEqual(updated.spec.hard, { cpu: '2', memory: '1Gi' });
    await w.until(ResourceQuota, 'test-quota', ({ status }) => status.hard?.['cpu'] === '2');
    await w.client.delete(ResourceQuota, w.key('test-quota'));
    await w.untilGone(ResourceQuota, 'test-quota');
  });
  inCluster('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status [Conformance]', async (w) => {
    const made = await quota(w, { hard: { cpu: '500m', memory: '500Mi' } });
    const updated = await w.client.updateStatus(ResourceQuota, { ...made, status: { ...made.status, hard: { cpu: '600m', memory: '600Mi' } } });
    assert.equal(updated.status.hard?.['cpu'], '600m');
    // The controller puts right what is not as the spec says.
    await w.until(ResourceQuota, 'test-quota', ({ status }) => status.hard?.['cpu'] === '500m');
    await w.client.patch(ResourceQuota, w.key('test-quota'), { type: 'merge', patch: { spec: { hard: { cpu: '1', memory: '1Gi' } } } });
    await w.until(ResourceQuota, 'test-quota', ({ status }) => status.hard?.['cpu'] === '1' && status.hard['memory'] === '1Gi');
    const patched = await w.client.patch(ResourceQuota, w.key('test-quota'), { type: 'merge', patch: { status: { hard: { cpu: '750m' } }, spec: { hard: { cpu: '7' } } } }, { subresource: 'status' });
    assert.deepEqual([patched.status.hard?.['cpu'], patched.spec.hard?.['cpu']], ['750m', '1']);
    await w.until(ResourceQuota, 'test-quota', ({ status }) => status.hard?.['cpu'] === '1');
  });
});
