import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { openKind } from '#client/open-kind.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import { startTestCluster } from './test-cluster.ts';
import { collectableKinds } from '#controllers/garbage-collector/collectable-kinds.ts';
import { garbageCollector } from '#controllers/garbage-collector/garbage-collector.ts';

async function setUp() {
  const cluster = await startTestCluster([garbageCollector(collectableKinds)]);
  const { client, until } = cluster;
  const make = (name: string, ...owners: ConfigMap[]) =>
    client.create(ConfigMap, { metadata: { name, namespace: 'default', ownerReferences: owners.map((owner, index) => ({ ...controllerReference(ConfigMap, owner), controller: index === 0 })) } });
  const get = (name: string) => client.get(ConfigMap, { namespace: 'default', name });
  const isGone = (name: string) => get(name).then(() => false, (error: unknown) => hasReason(error, 'NotFound'));
  const gone = (name: string) => until(() => isGone(name));
  const remove = (name: string, propagationPolicy: string) => client.delete(ConfigMap, { namespace: 'default', name }, { propagationPolicy });
  return { cluster, client, until, make, get, isGone, gone, remove };
}

test('in the background dependents go after their owner, all the way down', async () => {
  const { cluster, make, gone, remove } = await setUp();
  const child = await make('child', await make('owner'));
  await make('grandchild', child);
  await remove('owner', 'Background');
  await gone('grandchild');
  await gone('child');
  await cluster.close();
});

test('in the foreground the owner stays until its dependents are gone', async () => {
  const { cluster, client, make, get, gone, remove, until } = await setUp();
  const child = await make('child', await make('owner'));
  const held = await client.update(ConfigMap, { ...child, metadata: { ...child.metadata, finalizers: ['example.org/hold'] } });
  await remove('owner', 'Foreground');
  const going = await until(async () => {
    const found = await get('child');
    return found.metadata.deletionTimestamp !== undefined && found;
  });
  assert.deepEqual((await get('owner')).metadata.finalizers, ['foregroundDeletion']);
  await client.update(ConfigMap, { ...going, metadata: { ...going.metadata, finalizers: [] } });
  await gone('owner');
  assert.equal(held.metadata.uid, going.metadata.uid);
  await cluster.close();
});

test('orphaned dependents stay, without the owner', async () => {
  const { cluster, make, get, gone, remove } = await setUp();
  await make('child', await make('owner'));
  await remove('owner', 'Orphan');
  await gone('owner');
  assert.equal((await get('child')).metadata.ownerReferences?.length ?? 0, 0);
  await cluster.close();
});

test('an object with another owner left only forgets the one that is gone', async () => {
  const { cluster, make, get, gone, remove, until } = await setUp();
  const [one, two] = [await make('one'), await make('two')];
  await make('child', one, two);
  await remove('one', 'Background');
  await gone('one');
  await until(async () => (await get('child')).metadata.ownerReferences?.length === 1);
  assert.equal((await get('child')).metadata.ownerReferences?.[0]?.name, 'two');
  await cluster.close();
});

test('an object whose owner never was is deleted, one whose owner is of an unknown kind is not', async () => {
  const { cluster, client, gone, isGone } = await setUp();
  await client.create(ConfigMap, { metadata: { name: 'stray', namespace: 'default', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'none' }] } });
  await client.create(ConfigMap, { metadata: { name: 'strange', namespace: 'default', ownerReferences: [{ apiVersion: 'example.org/v1', kind: 'Thing', name: 'x', uid: 'y' }] } });
  await gone('stray');
  assert.equal(await isGone('strange'), false);
  await cluster.close();
});

test('dependents of custom kinds are orphaned and forget owners as all others', async () => {
  const { cluster, client, make, gone, remove, until } = await setUp();
  await client.create(CustomResourceDefinition, {
    metadata: { name: 'things.example.org' },
    spec: { group: 'example.org', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
  });
  const Thing = openKind({ group: 'example.org', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Namespaced' });
  const [one, two] = [await make('one'), await make('two')];
  const ownerReferences = [one, two].map((owner) => ({ ...controllerReference(ConfigMap, owner), controller: false }));
  await until(() => client.create(Thing, { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'thing', namespace: 'default', ownerReferences } }).then(() => true, () => false));
  const ownersOfThing = async (): Promise<readonly string[]> => ((await client.get(Thing, { namespace: 'default', name: 'thing' })).metadata.ownerReferences ?? []).map(({ name }) => name);
  await remove('one', 'Orphan');
  await gone('one');
  assert.deepEqual(await ownersOfThing(), ['two']);
  await make('three');
  await remove('two', 'Orphan');
  await gone('two');
  assert.deepEqual(await ownersOfThing(), []);
  await cluster.close();
});
