import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Node } from '#api/core/node.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import { Pod } from '#api/core/pod.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 1 });
});
after(() => cluster.close());

test('a claim that is deleted stays until the pod that uses it is gone', async () => {
  const { client } = cluster;
  const key = { namespace: 'default', name: 'data' };
  const made = await client.create(PersistentVolumeClaim, { metadata: key, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '' } });
  assert.deepEqual(made.metadata.finalizers, ['kubernetes.io/pvc-protection']);
  const [node] = (await client.list(Node)).items;
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
  await client.create(Pod, { metadata: { namespace: 'default', name: 'user' }, spec: { nodeName: node?.metadata.name, containers: [{ name: 'c', image: 'i' }], volumes } });
  await client.delete(PersistentVolumeClaim, key);
  const waiting = await cluster.until(PersistentVolumeClaim, key, (claim) => claim?.metadata.deletionTimestamp !== undefined);
  assert.equal(waiting?.metadata.finalizers?.length, 1);
  await client.delete(Pod, { namespace: 'default', name: 'user' }, { gracePeriodSeconds: 0 });
  await cluster.until(PersistentVolumeClaim, key, (claim) => claim === undefined);
});

test('a volume that is deleted stays until it is not bound', async () => {
  const { client } = cluster;
  const key = { name: 'v' };
  const made = await client.create(PersistentVolume, { metadata: key, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp' } } });
  const bound = await client.updateStatus(PersistentVolume, { ...made, status: { ...made.status, phase: 'Bound' } });
  assert.deepEqual(bound.metadata.finalizers, ['kubernetes.io/pv-protection']);
  await client.delete(PersistentVolume, key);
  const waiting = await cluster.until(PersistentVolume, key, (volume) => volume?.metadata.deletionTimestamp !== undefined);
  assert.ok(waiting !== undefined);
  await client.updateStatus(PersistentVolume, { ...waiting, status: { ...waiting.status, phase: 'Released' } });
  await cluster.until(PersistentVolume, key, (volume) => volume === undefined);
});
