import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const pods = '/api/v1/namespaces/default/pods';
const configMaps = '/api/v1/namespaces/default/configmaps';

interface Answer {
  readonly kind: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly name?: string; readonly kind?: string; readonly uid?: string; readonly group?: string };
  readonly metadata: { readonly name?: string; readonly deletionTimestamp?: string; readonly deletionGracePeriodSeconds?: number; readonly finalizers?: readonly string[] };
}

describe('a deletion', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  let serial = 0;
  const pod = (nodeName?: string, more: object = {}): Promise<PodObject> =>
    api.client.create(Pod, { metadata: { namespace, name: `p${++serial}`, labels: { app: 'web' } }, spec: { ...(nodeName !== undefined && { nodeName }), containers: [{ name: 'c', image: 'i' }], ...more } });
  const configMap = (finalizers?: readonly string[]): Promise<ConfigMap> =>
    api.client.create(ConfigMap, { metadata: { namespace, name: `c${++serial}`, ...(finalizers !== undefined && { finalizers }) } });
  const remove = (path: string, options?: object, query = ''): Promise<RawAnswer> =>
    api.request('DELETE', `${path}${query}`, options === undefined ? {} : { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options } });
  const isThere = async (path: string): Promise<boolean> => (await api.request('GET', path)).code === 200;

  it('is answered with a Status that names what is gone', async () => {
    const { metadata } = await configMap();
    const answer = await remove(`${configMaps}/${metadata.name}`);
    assert.equal(answer.code, 200);
    const { kind, status, details } = answer.json<Answer>();
    assert.deepEqual({ kind, status, details }, { kind: 'Status', status: 'Success', details: { name: metadata.name, kind: 'configmaps', uid: metadata.uid } });
    assert.equal((await remove(`${configMaps}/${metadata.name}`)).code, 404);
  });

  it('of a pod that runs nowhere happens at once, of one that runs somewhere waits for its kubelet', async () => {
    const pending = await pod();
    assert.equal((await remove(`${pods}/${pending.metadata.name}`)).code, 200);
    assert.equal(await isThere(`${pods}/${pending.metadata.name}`), false);
    const running = await pod('n1');
    const path = `${pods}/${running.metadata.name}`;
    const first = (await remove(path)).json<Answer>();
    assert.deepEqual([first.kind, first.metadata.deletionGracePeriodSeconds], ['Pod', 30]);
    assert.notEqual(first.metadata.deletionTimestamp, undefined);
    assert.equal(await isThere(path), true);
    // A shorter grace brings it forward, a longer one does not put it off.
    assert.equal((await remove(path, { gracePeriodSeconds: 5 })).json<Answer>().metadata.deletionGracePeriodSeconds, 5);
    assert.equal((await remove(path, { gracePeriodSeconds: 60 })).json<Answer>().metadata.deletionGracePeriodSeconds, 5);
    await remove(path, { gracePeriodSeconds: 0 });
    assert.equal(await isThere(path), false);
  });

  it('takes the grace period from the body, the query or the pod', async () => {
    for (const [options, query, seconds] of [[{ gracePeriodSeconds: 7 }, '', 7], [undefined, '?gracePeriodSeconds=8', 8], [undefined, '', 9]] as const) {
      const { metadata } = await pod('n1', { terminationGracePeriodSeconds: 9 });
      assert.equal((await remove(`${pods}/${metadata.name}`, options, query)).json<Answer>().metadata.deletionGracePeriodSeconds, seconds);
    }
    const { metadata } = await pod('n1');
    assert.equal((await remove(`${pods}/${metadata.name}`, { gracePeriodSeconds: -5 })).json<Answer>().metadata.deletionGracePeriodSeconds, 1);
  });

  it('waits for finalizers, and happens with the write that removes the last one', async () => {
    const { metadata } = await configMap(['example.com/a', 'example.com/b']);
    const path = `${configMaps}/${metadata.name}`;
    const answer = (await remove(path)).json<Answer>();
    assert.deepEqual([answer.kind, answer.metadata.finalizers, answer.metadata.deletionGracePeriodSeconds], ['ConfigMap', ['example.com/a', 'example.com/b'], 0]);
    const waiting = await api.client.get(ConfigMap, { namespace, name: metadata.name });
    const added = await api.request('PUT', path, { body: { ...waiting, metadata: { ...waiting.metadata, finalizers: ['example.com/a', 'example.com/b', 'example.com/c'] } } });
    assert.equal(added.code, 422, added.text);
    assert.match(added.text, /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/);
    const one = await api.client.update(ConfigMap, { ...waiting, metadata: { ...waiting.metadata, finalizers: ['example.com/b'] } });
    assert.equal(await isThere(path), true);
    await api.client.update(ConfigMap, { ...one, metadata: { ...one.metadata, finalizers: [] } });
    assert.equal(await isThere(path), false);
  });

  it('leaves a finalizer for the garbage collector as the propagation policy asks', async () => {
    for (const [policy, finalizers] of [['Foreground', ['foregroundDeletion']], ['Orphan', ['orphan']]] as const) {
      const name = `rs${++serial}`;
      await api.client.create(ReplicaSet, { metadata: { namespace, name }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } });
      const answer = (await remove(`/apis/apps/v1/namespaces/default/replicasets/${name}`, { propagationPolicy: policy })).json<Answer>();
      assert.deepEqual(answer.metadata.finalizers, finalizers);
    }
    const { metadata } = await configMap();
    assert.equal((await remove(`${configMaps}/${metadata.name}`, { propagationPolicy: 'Background' })).json<Answer>().status, 'Success');
    const kept = await configMap();
    const refused = await remove(`${configMaps}/${kept.metadata.name}`, { propagationPolicy: 'Sometimes' });
    assert.equal(refused.code, 422);
    assert.match(refused.text, /propagationPolicy/);
    assert.equal((await remove(`${configMaps}/${kept.metadata.name}`, { propagationPolicy: 'Orphan', orphanDependents: true })).code, 422);
  });

  it('holds to its preconditions', async () => {
    const { metadata } = await configMap();
    const path = `${configMaps}/${metadata.name}`;
    const wrong = await remove(path, { preconditions: { uid: 'another' } });
    assert.equal(wrong.code, 409);
    assert.match(wrong.json<Answer>().message ?? '', /Operation cannot be fulfilled on \w+ "[^"]+": the UID in the precondition \(another\) does not match the UID in record \([-0-9a-f]+\)\. The object might have been deleted and then recreated$/);
    assert.equal((await remove(path, { preconditions: { resourceVersion: '1' } })).code, 409);
    assert.equal((await remove(path, { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } })).code, 200);
  });

  it('as a dry run deletes nothing', async () => {
    const { metadata } = await configMap();
    assert.equal((await remove(`${configMaps}/${metadata.name}`, { dryRun: ['All'] })).code, 200);
    assert.equal((await remove(`${configMaps}/${metadata.name}`, undefined, '?dryRun=All')).code, 200);
    assert.equal(await isThere(`${configMaps}/${metadata.name}`), true);
  });

  it('of a collection takes what the selector finds and nothing else', async () => {
    for (const name of ['x1', 'x2', 'y1']) await api.client.create(ConfigMap, { metadata: { namespace, name, labels: { set: name.slice(0, 1) } } });
    const answer = await remove(configMaps, undefined, '?labelSelector=set%3Dx');
    assert.equal(answer.code, 200, answer.text);
    assert.deepEqual(await Promise.all(['x1', 'x2', 'y1'].map((name) => isThere(`${configMaps}/${name}`))), [false, false, true]);
    assert.equal((await remove('/api/v1/configmaps')).code, 405);
  });
});

describe('a namespace', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  it('gets its finalizer, its phase and its name as a label', async () => {
    const made = await api.client.create(Namespace, { metadata: { name: 'one' } });
    assert.deepEqual([made.spec.finalizers, made.status.phase, made.metadata.labels], [['kubernetes'], 'Active', { 'kubernetes.io/metadata.name': 'one' }]);
  });

  it('that is being deleted takes nothing new and vanishes when finalized', async () => {
    await api.client.create(Namespace, { metadata: { name: 'two' } });
    await api.client.create(ServiceAccount, { metadata: { namespace: 'two', name: 'default' } });
    const answer = await api.request('DELETE', '/api/v1/namespaces/two');
    assert.equal(answer.json<Namespace>().status.phase, 'Terminating');
    const refused = await api.request('POST', '/api/v1/namespaces/two/configmaps', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' } } });
    assert.equal(refused.code, 403);
    const status = refused.json<{ message: string; details: { causes: { reason: string }[] } }>();
    assert.equal(status.message, 'configmaps "late" is forbidden: unable to create new content in namespace two because it is being terminated');
    assert.equal(status.details.causes[0]?.reason, 'NamespaceTerminating');
    const terminating = await api.client.get(Namespace, { name: 'two' });
    const finalized = await api.request('PUT', '/api/v1/namespaces/two/finalize', { body: { ...terminating, spec: { finalizers: [] } } });
    assert.equal(finalized.code, 200, finalized.text);
    assert.equal((await api.request('GET', '/api/v1/namespaces/two')).code, 404);
  });

  it('of the system stays', async () => {
    for (const name of ['default', 'kube-system', 'kube-public']) {
      const answer = await api.request('DELETE', `/api/v1/namespaces/${name}`);
      assert.equal(answer.code, 403);
      assert.equal(answer.json<Answer>().message, `namespaces "${name}" is forbidden: this namespace may not be deleted`);
    }
  });

  it('cannot be deleted all at once', async () => {
    assert.equal((await api.request('DELETE', '/api/v1/namespaces')).code, 405);
  });
});
