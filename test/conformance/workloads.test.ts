/** Behaviours that take controllers, a scheduler and nodes: the whole cluster in this process, with simulated nodes. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import type { Scale } from '#api/autoscaling/scale.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { Service } from '#api/core/service.ts';
import { Eviction } from '#api/policy/eviction.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, hasReason } from '#apimachinery/status-error.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, ownerOf, template, workspaceTests } from './cluster.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

type WithConditions = KubeObject & { readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };

/** Read, updated and patched, and every change is seen by who watches. The controller's own conditions may come and go. */
async function statusEndpoints(w: Workspace, of: ResourceKind, name: string): Promise<void> {
  const kind = of as unknown as ResourceKind<WithConditions>;
  const has = (type: string) => ({ status }: WithConditions): boolean => status.conditions?.some((each) => each.type === type && each.status === 'True') === true;
  const { metadata: { resourceVersion } } = await w.client.list(kind, { namespace: w.namespace });
  const stop = new AbortController();
  const waiting = new Set(['StatusUpdate', 'StatusPatched']);
  const watching = (async () => {
    for await (const batch of w.client.watch(kind, { namespace: w.namespace, resourceVersion, signal: stop.signal })) {
      for (const { object } of batch) for (const type of waiting) if (object.metadata.name === name && has(type)(object)) waiting.delete(type);
      if (waiting.size === 0) return;
    }
  })();
  const status = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
  // The controller writes as well: whoever comes second tries again.
  await w.eventually(async () => {
    const found = await w.client.get(kind, w.key(name));
    return w.client.updateStatus(kind, { ...found, status: { ...found.status, conditions: [...(found.status.conditions ?? []), status] } }).then(has('StatusUpdate'), (error: unknown) => {
      if (hasReason(error, 'Conflict')) return false;
      throw error;
    });
  });
  const patched = await w.client.patch(kind, w.key(name), { type: 'merge', patch: { status: { conditions: [{ ...status, type: 'StatusPatched' }] } } }, { subresource: 'status' });
  assert.ok(has('StatusPatched')(patched));
  await watching;
  stop.abort();
}

describe('conformance: garbage collection', { concurrency: false }, () => {
  inCluster('[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 2));
    await w.eventually(async () => (await w.pods()).length === 2);
    await w.client.delete(ReplicationController, w.key('rc'), { propagationPolicy: 'Background' });
    await w.eventually(async () => (await w.pods()).length === 0);
  });
  inCluster('[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so [Serial] [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 10));
    await w.until(ReplicationController, 'rc', ({ status }) => status.replicas === 10);
    await w.client.delete(ReplicationController, w.key('rc'), { propagationPolicy: 'Orphan' });
    await w.untilGone(ReplicationController, 'rc');
    const pods = await w.pods();
    assert.deepEqual([pods.length, pods.filter((each) => ownerOf(each) !== undefined).length], [10, 0]);
  });
  inCluster('[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial] [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 10));
    await w.until(ReplicationController, 'rc', ({ status }) => status.replicas === 10);
    await w.client.delete(ReplicationController, w.key('rc'), { propagationPolicy: 'Foreground' });
    await w.untilGone(ReplicationController, 'rc');
    assert.deepEqual((await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined), []);
  });
  inCluster('[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 2));
    await w.eventually(async () => (await w.replicaSets()).length === 1);
    await w.client.delete(Deployment, w.key('d'), { propagationPolicy: 'Background' });
    await w.eventually(async () => (await w.replicaSets()).length === 0 && (await w.pods()).length === 0);
  });
  inCluster('[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 2));
    await w.until(Deployment, 'd', ({ status }) => status.readyReplicas === 2);
    await w.client.delete(Deployment, w.key('d'), { propagationPolicy: 'Orphan' });
    await w.untilGone(Deployment, 'd');
    const [left] = await w.replicaSets();
    assert.ok(left !== undefined);
    assert.equal(ownerOf(left), undefined);
    assert.equal((await w.pods()).length, 2);
  });
  inCluster('[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that\'s waiting for dependents to be deleted [Serial] [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('dying', 10));
    const staying = await w.client.create(ReplicationController, w.replicationController('staying', 0));
    await w.until(ReplicationController, 'dying', ({ status }) => status.replicas === 10);
    const half = (await w.pods()).slice(0, 5);
    for (const { metadata } of half) {
      await w.client.patch(Pod, w.key(metadata.name), { type: 'strategic', patch: { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name: 'staying', uid: staying.metadata.uid }] } } });
    }
    await w.client.delete(ReplicationController, w.key('dying'), { propagationPolicy: 'Foreground' });
    await w.untilGone(ReplicationController, 'dying');
    const left = (await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined);
    assert.deepEqual(left.map((each) => each.metadata.name).sort(), half.map((each) => each.metadata.name).sort());
  });
  inCluster('[sig-api-machinery] Garbage collector should not be blocked by dependency circle [Conformance]', async (w) => {
    for (const name of ['pod1', 'pod2', 'pod3']) await w.client.create(Pod, w.pod(name, { spec: { terminationGracePeriodSeconds: 0 } }));
    for (const [name, ownerName] of [['pod1', 'pod3'], ['pod2', 'pod1'], ['pod3', 'pod2']] as const) {
      const owner = await w.client.get(Pod, w.key(ownerName));
      await w.client.patch(Pod, w.key(name), { type: 'strategic', patch: { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: ownerName, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true }] } } });
    }
    await w.client.delete(Pod, w.key('pod1'), { propagationPolicy: 'Foreground' });
    await w.eventually(async () => (await w.pods()).length === 0);
  });
});

describe('conformance: namespaces with content', { concurrency: false }, () => {
  const emptied = async (w: Workspace): Promise<void> => {
    await w.client.delete(Namespace, { name: w.namespace });
    await cluster.until(Namespace, { name: w.namespace }, (object) => object === undefined);
    await w.client.create(Namespace, { metadata: { name: w.namespace } });
  };
  inCluster('[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    await w.until(Pod, 'p', isReady);
    await emptied(w);
    assert.deepEqual(await w.pods(), []);
  });
  inCluster('[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted [Conformance]', async (w) => {
    await w.client.create(Service, { metadata: w.key('s'), spec: { ports: [{ port: 80 }] } });
    await emptied(w);
    assert.deepEqual((await w.client.list(Service, { namespace: w.namespace })).items, []);
  });
  inCluster('[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first [Conformance]', async (w) => {
    await w.client.create(Pod, { ...w.pod('p'), metadata: { ...w.key('p'), finalizers: ['e2e.example.com/finalizer'] } });
    await w.client.create(ConfigMap, { metadata: w.key('c') });
    await w.client.delete(Namespace, { name: w.namespace });
    await w.until(Pod, 'p', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    await cluster.until(Namespace, { name: w.namespace }, (found) => found?.status.conditions?.some((each) => each.type === 'NamespaceDeletionContentFailure') === true);
    assert.equal((await w.client.get(ConfigMap, w.key('c'))).metadata.deletionTimestamp, undefined);
    await w.client.patch(Pod, w.key('p'), { type: 'json', operations: [{ op: 'remove', path: '/metadata/finalizers' }] });
    await cluster.until(Namespace, { name: w.namespace }, (object) => object === undefined, { timeoutMs: 30_000 });
    await w.client.create(Namespace, { metadata: { name: w.namespace } });
  });
  inCluster('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace [Conformance]', async (w) => {
    const name = 'kube-root-ca.crt';
    const first = await w.until(ConfigMap, name, () => true);
    await w.client.delete(ConfigMap, w.key(name));
    const second = await w.until(ConfigMap, name, ({ metadata }) => metadata.uid !== first.metadata.uid);
    await w.client.update(ConfigMap, { ...second, data: { 'ca.crt': '' } });
    await w.until(ConfigMap, name, ({ data }) => data?.['ca.crt'] === first.data?.['ca.crt']);
  });
});

describe('conformance: replicas', { concurrency: false }, () => {
  const scaled = async (w: Workspace, kind: ResourceKind, name: string): Promise<void> => {
    const read = async (): Promise<Scale> => w.client.patch(kind, w.key(name), { type: 'merge', patch: {} }, { subresource: 'scale' }) as unknown as Promise<Scale>;
    await w.eventually(async () => (await w.pods()).filter(isReady).length === 1);
    const scale = await read();
    assert.equal(scale.spec.replicas, 1);
    const { resourceVersion: _version, ...metadata } = scale.metadata;
    await w.client.updateSubresource(kind, { ...scale, metadata, spec: { replicas: 2 } } as never, 'scale');
    assert.equal((await read()).spec.replicas, 2);
    await w.client.patch(kind, w.key(name), { type: 'merge', patch: { spec: { replicas: 4 } } }, { subresource: 'scale' });
    assert.equal((await read()).spec.replicas, 4);
    await w.eventually(async () => (await w.pods()).filter(isReady).length === 4);
  };
  inCluster('[sig-apps] ReplicaSet Replicaset should have a working scale subresource [Conformance]', async (w) => {
    await w.client.create(ReplicaSet, w.replicaSet('rs', 1));
    await scaled(w, ReplicaSet, 'rs');
  });
  inCluster('[sig-apps] ReplicationController should get and update a ReplicationController scale [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 1));
    await scaled(w, ReplicationController, 'rc');
  });
  inCluster('[sig-apps] Deployment Deployment should have a working scale subresource [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 1));
    await scaled(w, Deployment, 'd');
  });
  inCluster('[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('adopted', { labels: { app: 'rs' } }));
    const { metadata } = await w.client.create(ReplicaSet, w.replicaSet('rs', 1));
    await w.until(Pod, 'adopted', (pod) => ownerOf(pod) === metadata.uid);
    await w.client.patch(Pod, w.key('adopted'), { type: 'merge', patch: { metadata: { labels: { app: 'other' } } } });
    await w.until(Pod, 'adopted', (pod) => ownerOf(pod) === undefined);
  });
  inCluster('[sig-apps] ReplicationController should adopt matching pods on creation [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('adopted', { labels: { app: 'rc' } }));
    const { metadata } = await w.client.create(ReplicationController, w.replicationController('rc', 1));
    await w.until(Pod, 'adopted', (pod) => ownerOf(pod) === metadata.uid);
  });
  inCluster('[sig-apps] ReplicationController should release no longer matching pods [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 1));
    await w.eventually(async () => (await w.pods()).length === 1);
    const name = (await w.pods())[0]?.metadata.name ?? '';
    await w.client.patch(Pod, w.key(name), { type: 'merge', patch: { metadata: { labels: { app: 'other' } } } });
    await w.until(Pod, name, (pod) => ownerOf(pod) === undefined);
  });
  inCluster('[sig-apps] ReplicaSet Replace and Patch tests [Conformance]', async (w) => {
    await w.client.create(ReplicaSet, w.replicaSet('rs', 1));
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 1);
    await w.client.patch(ReplicaSet, w.key('rs'), { type: 'merge', patch: { spec: { replicas: 2 } } });
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 2);
    const patched = await w.client.patch(ReplicaSet, w.key('rs'), { type: 'strategic', patch: { metadata: { labels: { 'test-rs': 'patched' } }, spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'pause:3.10' }] } } } } });
    assert.deepEqual([patched.metadata.labels?.['test-rs'], patched.spec.template?.spec.containers[0]?.image], ['patched', 'pause:3.10']);
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 3);
  });
  inCluster('[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets [Conformance]', async (w) => {
    await w.client.create(ReplicaSet, w.replicaSet('rs', 3));
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 3);
    assert.equal((await w.client.list(ReplicaSet, { namespace: w.namespace, labelSelector: 'app=rs' })).items.length, 1);
    await w.client.deleteCollection(ReplicaSet, { namespace: w.namespace, labelSelector: 'app=rs' });
    await w.untilGone(ReplicaSet, 'rs');
  });
  inCluster('[sig-apps] ReplicaSet should validate Replicaset Status endpoints [Conformance]', async (w) => {
    await w.client.create(ReplicaSet, w.replicaSet('rs', 1));
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 1);
    await statusEndpoints(w, ReplicaSet, 'rs');
  });
  inCluster('[sig-apps] ReplicationController should test the lifecycle of a ReplicationController [Conformance]', async (w) => {
    await w.client.create(ReplicationController, w.replicationController('rc', 1));
    await w.until(ReplicationController, 'rc', ({ status }) => status.readyReplicas === 1);
    const { metadata: { resourceVersion } } = await w.client.list(ReplicationController, { namespace: w.namespace });
    const seen = new Set<string>();
    const watching = (async () => {
      for await (const batch of w.client.watch(ReplicationController, { namespace: w.namespace, resourceVersion })) {
        for (const { type } of batch) seen.add(type);
        if (seen.has('DELETED')) return;
      }
    })();
    const labelled = await w.client.patch(ReplicationController, w.key('rc'), { type: 'strategic', patch: { metadata: { labels: { 'test-rc': 'patched' } } } });
    assert.equal(labelled.metadata.labels?.['test-rc'], 'patched');
    const withStatus = await w.client.patch(ReplicationController, w.key('rc'), { type: 'merge', patch: { status: { readyReplicas: 0, availableReplicas: 0 } } }, { subresource: 'status' });
    assert.equal(withStatus.status.readyReplicas ?? 0, 0);
    // Which was not true: the controller says so.
    await w.until(ReplicationController, 'rc', ({ status }) => status.readyReplicas === 1);
    await w.client.patch(ReplicationController, w.key('rc'), { type: 'merge', patch: { spec: { replicas: 2 } } }, { subresource: 'scale' });
    await w.until(ReplicationController, 'rc', ({ status }) => status.readyReplicas === 2);
    await w.eventually(async () => {
      const found = await w.client.get(ReplicationController, w.key('rc'));
      return w.client.update(ReplicationController, { ...found, spec: { ...found.spec, replicas: 3 } }).then(() => true, (error: unknown) => !hasReason(error, 'Conflict'));
    });
    await w.until(ReplicationController, 'rc', ({ status }) => status.readyReplicas === 3);
    assert.deepEqual((await w.client.list(ReplicationController, { labelSelector: 'test-rc=patched' })).items.map(({ metadata }) => metadata.name), ['rc']);
    await w.client.deleteCollection(ReplicationController, { namespace: w.namespace, labelSelector: 'test-rc=patched' });
    await w.untilGone(ReplicationController, 'rc');
    await watching;
    assert.ok(seen.has('MODIFIED'));
  });
});

describe('conformance: Deployments', { concurrency: false }, () => {
  const image = async (w: Workspace, name: string, to: string): Promise<void> => {
    await w.client.patch(Deployment, w.key(name), { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } } });
  };
  const isComplete = (replicas: number) => ({ status, metadata }: Deployment): boolean =>
    status.observedGeneration === metadata.generation && status.updatedReplicas === replicas && status.replicas === replicas && status.availableReplicas === replicas;

  inCluster('[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones [Conformance]', async (w) => {
    const old = await w.client.create(ReplicaSet, { ...w.replicaSet('d', 1), metadata: { ...w.key('old'), labels: { app: 'd' }, annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' } } });
    await w.until(ReplicaSet, 'old', ({ status }) => status.readyReplicas === 1);
    await w.client.create(Deployment, w.deployment('d', 1, { template: template('d', 'agnhost:new') }));
    const done = await w.until(Deployment, 'd', isComplete(1));
    assert.equal(done.metadata.annotations?.['deployment.kubernetes.io/revision'], '3546343826724305833');
    await w.until(ReplicaSet, 'old', ({ spec }) => spec.replicas === 0);
    assert.equal(ownerOf(await w.client.get(ReplicaSet, w.key('old'))), done.metadata.uid);
    assert.equal((await w.replicaSets()).length, 2, old.metadata.name);
  });
  inCluster('[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 2, { strategy: { type: 'Recreate' } }));
    await w.until(Deployment, 'd', isComplete(2));
    const before1 = new Set((await w.pods()).map((each) => each.metadata.uid));
    let overlapped = false;
    const informer = cluster.informers.for(Pod);
    const stop = informer.addHandler({
      added: (pod) => {
        if (pod.metadata.namespace === w.namespace && pod.spec.containers[0]?.image === 'agnhost:new') overlapped ||= informer.list(w.namespace).some((each) => before1.has(each.metadata.uid) && each.metadata.deletionTimestamp === undefined);
      },
    });
    await image(w, 'd', 'agnhost:new');
    await w.until(Deployment, 'd', isComplete(2));
    stop();
    assert.equal(overlapped, false);
  });
  inCluster('[sig-apps] Deployment deployment should delete old replica sets [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 1, { revisionHistoryLimit: 0 }));
    await w.until(Deployment, 'd', isComplete(1));
    await image(w, 'd', 'agnhost:new');
    await w.until(Deployment, 'd', isComplete(1));
    await w.eventually(async () => (await w.replicaSets()).length === 1);
  });
  inCluster('[sig-apps] Deployment deployment should support rollover [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 2, { minReadySeconds: 0, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } }));
    await w.until(Deployment, 'd', isComplete(2));
    for (const to of ['redis-slave:nonexistent', 'agnhost:a', 'agnhost:b', 'agnhost:c']) await image(w, 'd', to);
    await w.until(Deployment, 'd', isComplete(2));
    await w.eventually(async () => (await w.replicaSets()).filter((each) => each.spec.replicas !== 0).length === 1);
    assert.deepEqual(new Set((await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined).map((each) => each.spec.containers[0]?.image)), new Set(['agnhost:c']));
  });
  inCluster('[sig-apps] Deployment should run the lifecycle of a Deployment [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 1));
    await w.until(Deployment, 'd', isComplete(1));
    await w.client.patch(Deployment, w.key('d'), { type: 'strategic', patch: { metadata: { labels: { 'test-deployment': 'patched' } }, spec: { replicas: 2, template: { spec: { containers: [{ name: 'c', image: 'agnhost:patched' }] } } } } });
    await w.until(Deployment, 'd', isComplete(2));
    assert.equal((await w.client.list(Deployment, { labelSelector: 'test-deployment=patched' })).items.length, 1);
    // As Go writes an object that was never stored: no version, and null for what has no time.
    const { spec } = w.deployment('d', 1);
    const fresh = { metadata: { name: 'd', namespace: w.namespace, creationTimestamp: null, labels: { ...w.deployment('d', 1).metadata?.labels, 'test-deployment': 'patched', is: 'updated' } }, spec: { ...spec, template: { ...spec?.template, metadata: { ...spec?.template?.metadata, creationTimestamp: null } } }, status: {} };
    const replaced = await w.client.update(Deployment, fresh as never);
    assert.deepEqual([replaced.metadata.labels?.['is'], replaced.spec.replicas], ['updated', 1]);
    await w.until(Deployment, 'd', isComplete(1));
    await w.client.patch(Deployment, w.key('d'), { type: 'merge', patch: { spec: { replicas: 2 } } });
    await w.until(Deployment, 'd', isComplete(2));
    const { status } = await w.client.patch(Deployment, w.key('d'), { type: 'strategic', patch: { status: { readyReplicas: 0, availableReplicas: 0 } } }, { subresource: 'status' });
    assert.deepEqual([status.readyReplicas ?? 0, status.availableReplicas ?? 0], [0, 0]);
    // Whose status it is sees that it is wrong.
    await w.until(Deployment, 'd', isComplete(2));
    await w.client.deleteCollection(Deployment, { namespace: w.namespace, labelSelector: 'test-deployment=patched' });
    await w.untilGone(Deployment, 'd');
  });
  inCluster('[sig-apps] Deployment should validate Deployment Status endpoints [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 1));
    await w.until(Deployment, 'd', isComplete(1));
    await statusEndpoints(w, Deployment, 'd');
  });
  inCluster('[sig-apps] Deployment deployment should support proportional scaling [Conformance]', async (w) => {
    await w.client.create(Deployment, w.deployment('d', 10, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
    await w.until(Deployment, 'd', isComplete(10));
    // Pods of this template never become ready: the node it asks for does not exist.
    await w.client.patch(Deployment, w.key('d'), { type: 'strategic', patch: { spec: { template: { spec: { nodeSelector: { nowhere: 'true' } } } } } });
    const sizes = async (): Promise<number[]> => (await w.replicaSets()).map((each) => each.spec.replicas ?? 0).sort((left, right) => right - left);
    await w.eventually(async () => JSON.stringify(await sizes()) === '[8,5]');
    await w.client.patch(Deployment, w.key('d'), { type: 'merge', patch: { spec: { replicas: 30 } } });
    await w.eventually(async () => JSON.stringify(await sizes()) === '[20,13]');
  });
});

describe('conformance: disruption budgets', { concurrency: false }, () => {
  const budget = (w: Workspace, minAvailable: number | string): Promise<PodDisruptionBudget> =>
    w.client.create(PodDisruptionBudget, { metadata: w.key('foo'), spec: { minAvailable, selector: { matchLabels: { app: 'rs' } } } });

  inCluster('[sig-apps] DisruptionController should create a PodDisruptionBudget [Conformance]', async (w) => {
    const made = await budget(w, '1%');
    await w.until(PodDisruptionBudget, 'foo', ({ status }) => status.observedGeneration === 1);
    const updated = await w.client.update(PodDisruptionBudget, { ...await w.client.get(PodDisruptionBudget, w.key('foo')), spec: { ...made.spec, minAvailable: '2%' } });
    assert.equal(updated.spec.minAvailable, '2%');
    const patched = await w.client.patch(PodDisruptionBudget, w.key('foo'), { type: 'merge', patch: { spec: { minAvailable: '3%' } } });
    assert.equal(patched.spec.minAvailable, '3%');
    await w.client.delete(PodDisruptionBudget, w.key('foo'));
  });
  inCluster('[sig-apps] DisruptionController should observe PodDisruptionBudget status updated [Conformance]', async (w) => {
    await budget(w, 1);
    await w.client.create(ReplicaSet, w.replicaSet('rs', 3));
    await w.until(PodDisruptionBudget, 'foo', ({ status }) => status.disruptionsAllowed === 2);
  });
  inCluster('[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it [Conformance]', async (w) => {
    await w.client.create(ReplicaSet, w.replicaSet('rs', 3));
    await w.until(ReplicaSet, 'rs', ({ status }) => status.readyReplicas === 3);
    const name = (await w.pods())[0]?.metadata.name ?? '';
    const evict = (): Promise<unknown> => w.client.createSubresource(Pod, w.key(name), 'eviction', Eviction, { metadata: w.key(name) });
    await budget(w, 3);
    await w.until(PodDisruptionBudget, 'foo', ({ status }) => status.expectedPods === 3 && status.currentHealthy === 3);
    await assert.rejects(evict(), (error) => error instanceof StatusError && error.reason === 'TooManyRequests' && error.details?.causes?.some(({ reason }) => reason === 'DisruptionBudget') === true);
    await w.client.patch(PodDisruptionBudget, w.key('foo'), { type: 'merge', patch: { spec: { minAvailable: 2 } } });
    await w.until(PodDisruptionBudget, 'foo', ({ status }) => status.disruptionsAllowed === 1);
    await evict();
    await w.untilGone(Pod, name);
  });
});
