import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { timestamp } from '#client/timestamp.ts';
import { serviceAccountController } from '#controllers/namespace/service-account-controller.ts';
import { startTestCluster } from './test-cluster.ts';
import { statefulSetController } from '#controllers/stateful-set/stateful-set-controller.ts';

test('pods of a StatefulSet come one after the other, are updated from the last to the first, and keep their claims', async () => {
  const cluster = await startTestCluster([statefulSetController, serviceAccountController]);
  const { client, until, clock } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  const log: string[] = [];
  cluster.context.informers.for(Pod).addHandler({
    added: ({ metadata, spec }) => log.push(`+${metadata.name} ${spec.containers[0]?.image ?? ''}`),
    deleted: ({ metadata }) => log.push(`-${metadata.name}`),
  });
  const template = { metadata: { labels: { app: 'db' } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'db:1' }] } };
  const set = await client.create(StatefulSet, {
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      serviceName: 'db', replicas: 3, selector: { matchLabels: { app: 'db' } }, template,
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    },
  });
  const settled = (image: string, replicas: number) => until(async () => {
    const { items } = await client.list(Pod, { namespace: 'default' });
    for (const pod of items) {
      if (pod.metadata.deletionTimestamp !== undefined) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(() => {});
      else if (pod.status.phase !== 'Running') {
        const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.nowMs()) }];
        await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', conditions } }).catch(() => {});
      }
    }
    const { status } = await client.get(StatefulSet, set.metadata);
    return status.readyReplicas === replicas && status.replicas === replicas && status.currentRevision === status.updateRevision
      && items.every(({ spec }) => spec.containers[0]?.image === image) && items;
  });
  const [first] = await settled('db:1', 3);
  assert.deepEqual(log, ['+db-0 db:1', '+db-1 db:1', '+db-2 db:1']);
  assert.equal(first?.spec.hostname, 'db-0');
  assert.equal(first?.spec.subdomain, 'db');
  assert.equal(first?.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-0');
  assert.equal(first?.spec.volumes?.find(({ name }) => name === 'data')?.persistentVolumeClaim?.claimName, 'data-db-0');
  log.length = 0;
  await client.patch(StatefulSet, set.metadata, { type: 'strategic', patch: { spec: { template: { spec: { containers: [{ name: 'c', image: 'db:2' }] } } } } });
  await settled('db:2', 3);
  assert.deepEqual(log, ['-db-2', '+db-2 db:2', '-db-1', '+db-1 db:2', '-db-0', '+db-0 db:2']);
  log.length = 0;
  await client.patch(StatefulSet, set.metadata, { type: 'merge', patch: { spec: { replicas: 1 } } });
  await settled('db:2', 1);
  assert.deepEqual(log, ['-db-2', '-db-1']);
  assert.deepEqual((await client.list(PersistentVolumeClaim, { namespace: 'default' })).items.map(({ metadata }) => metadata.name).sort(), ['data-db-0', 'data-db-1', 'data-db-2']);
  await cluster.close();
});
