import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { openKind } from '#client/open-kind.ts';
import { controllersFor } from '#controllers/index.ts';
import { startTestCluster } from './test-cluster.ts';

test('custom resources own, are owned, and go with their namespace', async () => {
  const cluster = await startTestCluster(controllersFor());
  const { client, until } = cluster;
  await client.create(CustomResourceDefinition, {
    metadata: { name: 'boats.example.org' },
    spec: {
      group: 'example.org', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { length: { type: 'integer' } } } } } } }],
    },
  });
  const Boat = openKind({ group: 'example.org', version: 'v1', kind: 'Boat', plural: 'boats', scope: 'Namespaced' });
  const gone = (get: Promise<unknown>) => get.then(() => false, (error: unknown) => hasReason(error, 'NotFound'));
  const boat = (name: string, namespace: string) => ({ metadata: { name, namespace }, spec: { length: 7 } });
  await client.create(Namespace, { metadata: { name: 'harbour' } });
  const skiff = await until(() => client.create(Boat, boat('skiff', 'default')).catch(() => undefined));
  assert.deepEqual((await client.get(Boat, skiff.metadata) as unknown as { spec: unknown }).spec, { length: 7 });
  await client.create(ConfigMap, { metadata: { name: 'sail', namespace: 'default', ownerReferences: [{ apiVersion: 'example.org/v1', kind: 'Boat', name: 'skiff', uid: skiff.metadata.uid }] } });
  await client.create(Boat, boat('barge', 'harbour'));
  await client.delete(Boat, skiff.metadata);
  await until(() => gone(client.get(ConfigMap, { namespace: 'default', name: 'sail' })));
  await client.delete(Namespace, { name: 'harbour' });
  await until(() => gone(client.get(Namespace, { name: 'harbour' })));
  assert.equal((await client.list(Boat)).items.length, 0);
  await client.delete(CustomResourceDefinition, { name: 'boats.example.org' });
  await until(() => gone(client.get(CustomResourceDefinition, { name: 'boats.example.org' })));
  await cluster.close();
});
