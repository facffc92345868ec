import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APIService } from '#api/apiregistration/api-service.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Namespace } from '#api/core/namespace.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { namespaceController } from '#controllers/namespace/namespace-controller.ts';
import { startTestCluster } from './test-cluster.ts';

test('a namespace waits for API servers that do not say what they hold of it', async () => {
  const cluster = await startTestCluster([namespaceController]);
  const { client, until } = cluster;
  await client.create(APIService, { metadata: { name: 'v1.absent.test' }, spec: { group: 'absent.test', version: 'v1', service: { namespace: 'default', name: 'absent' }, groupPriorityMinimum: 1000, versionPriority: 15 } });
  await client.create(Namespace, { metadata: { name: 'going' } });
  await client.create(ConfigMap, { metadata: { namespace: 'going', name: 'content' } });
  await client.delete(Namespace, { name: 'going' });
  const condition = await until(async () => (await client.get(Namespace, { name: 'going' })).status.conditions?.find(({ type, status }) => type === 'NamespaceDeletionDiscoveryFailure' && status === 'True'));
  assert.deepEqual([condition.reason, condition.message], [
    'DiscoveryFailed', 'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: absent.test/v1: stale GroupVersion discovery: absent.test/v1',
  ]);
  // What is known is emptied all the same.
  assert.deepEqual((await client.list(ConfigMap, { namespace: 'going' })).items, []);
  await client.delete(APIService, { name: 'v1.absent.test' });
  await until(() => client.get(Namespace, { name: 'going' }).then(() => false, (error: unknown) => hasReason(error, 'NotFound')));
  await cluster.close();
});
