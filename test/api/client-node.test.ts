/** The JavaScript client of the Kubernetes project, as it is on npm, against the API server over HTTPS. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject, V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { ApiException, AppsV1Api, CoreV1Api, CustomObjectsApi, ApiextensionsV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy, VersionApi, Watch, makeInformer, setHeaderOptions } from '@kubernetes/client-node';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

describe('@kubernetes/client-node', { timeout: 60_000 }, () => {
  let api: TestApiServer;
  let config: KubeConfig;
  let core: CoreV1Api;
  before(async () => {
    api = await startApiServer();
    config = new KubeConfig();
    config.loadFromString(api.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => api.close());

  it('creates, reads, lists in pages, patches and deletes objects', async () => {
    for (const name of ['a', 'b', 'c']) await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { of: 'pages' } }, data: { key: name } } });
    assert.deepEqual((await core.readNamespacedConfigMap({ namespace, name: 'b' })).data, { key: 'b' });
    const first = await core.listNamespacedConfigMap({ namespace, labelSelector: 'of=pages', limit: 2 });
    const second = await core.listNamespacedConfigMap({ namespace, labelSelector: 'of=pages', limit: 2, ...(first.metadata?._continue !== undefined && { _continue: first.metadata._continue }) });
    assert.deepEqual([...first.items, ...second.items].map(({ metadata }) => metadata?.name), ['a', 'b', 'c']);
    const merged = await core.patchNamespacedConfigMap({ namespace, name: 'a', body: { data: { more: 'yes' } } }, mergePatch);
    assert.deepEqual(merged.data, { key: 'a', more: 'yes' });
    const patched = await core.patchNamespacedConfigMap({ namespace, name: 'a', body: [{ op: 'remove', path: '/data/more' }] });
    assert.deepEqual(patched.data, { key: 'a' });
    assert.equal((await core.deleteNamespacedConfigMap({ namespace, name: 'a' })).status, 'Success');
    await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'a' }), (error) => error instanceof ApiException && error.code === 404);
  });

  it('applies and scales', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const objects = KubernetesObjectApi.makeApiClient(config);
    const labels = { app: 'web' };
    const deployment: V1Deployment & KubernetesObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace }, spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } } } };
    const applied = await objects.patch(deployment, undefined, undefined, 'me', undefined, PatchStrategy.ServerSideApply);
    assert.deepEqual(applied.metadata?.managedFields?.map(({ manager, operation }) => [manager, operation]), [['me', 'Apply']]);
    const scaled = await apps.patchNamespacedDeploymentScale({ namespace, name: 'web', body: { spec: { replicas: 3 } } }, mergePatch);
    assert.equal(scaled.spec?.replicas, 3);
    assert.equal((await apps.readNamespacedDeployment({ namespace, name: 'web' })).spec?.replicas, 3);
  });

  it('follows objects with an informer and a watch', async () => {
    const seen: string[] = [];
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () => core.listNamespacedConfigMap({ namespace, labelSelector: 'of=informer' }), 'of=informer');
    const all = new Promise<void>((resolve) => {
      for (const event of ['add', 'update', 'delete'] as const) {
        informer.on(event, ({ metadata }) => {
          seen.push(`${event} ${metadata?.name}`);
          if (event === 'delete') resolve();
        });
      }
    });
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'i1', labels: { of: 'informer' } } } });
    await informer.start();
    const changes = new Promise<string[]>((resolve, reject) => {
      const types: string[] = [];
      const take = (type: string): void => {
        types.push(type);
        if (type === 'DELETED') resolve(types);
      };
      new Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: 'metadata.name=i1' }, take, () => reject(new Error('the watch has ended'))).catch(reject);
    });
    await core.patchNamespacedConfigMap({ namespace, name: 'i1', body: { data: { a: '1' } } }, mergePatch);
    while (!seen.includes('update i1')) await new Promise((resolve) => setImmediate(resolve));
    await core.deleteNamespacedConfigMap({ namespace, name: 'i1' });
    await all;
    assert.deepEqual(seen, ['add i1', 'update i1', 'delete i1']);
    assert.equal((await changes).at(-1), 'DELETED');
    await informer.stop();
  });

  it('defines and uses custom objects, and asks for the version', async () => {
    const group = 'sea.example.com';
    await config.makeApiClient(ApiextensionsV1Api).createCustomResourceDefinition({ body: {
      metadata: { name: `boats.${group}` },
      spec: { group, scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', x_kubernetes_preserve_unknown_fields: true } } }] },
    } });
    const custom = config.makeApiClient(CustomObjectsApi);
    const place = { group, version: 'v1', namespace, plural: 'boats' };
    const list = (): Promise<{ readonly items: readonly { readonly metadata: { readonly name: string }; readonly masts?: number }[] }> => custom.listNamespacedCustomObject(place);
    while ((await list().catch(() => undefined)) === undefined);
    await custom.createNamespacedCustomObject({ ...place, body: { apiVersion: `${group}/v1`, kind: 'Boat', metadata: { name: 'ann' }, masts: 2 } });
    assert.deepEqual((await list()).items.map(({ metadata, masts }) => [metadata.name, masts]), [['ann', 2]]);
    assert.match((await config.makeApiClient(VersionApi).getCode()).gitVersion, /^v1\.36\./);
  });
});
