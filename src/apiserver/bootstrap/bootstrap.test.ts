import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { createClient } from '#client/create-client.ts';
import type { Client } from '#client/client.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';
import { createApiServer, inProcessAdmin } from '../api-server.ts';
import { noNodes } from '../request/node-gateway.ts';

const random = seededRandom(1);
const clock = systemClock;

async function withServer(store: Store, run: (client: Client) => Promise<void>): Promise<void> {
  const server = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
  await run(createClient(server.transport(inProcessAdmin, 'test')));
  await server.close();
}

describe('what a cluster starts with', () => {
  it('is written once: the next start writes nothing', async () => {
    const store = openMemoryStore({ clock, random });
    await withServer(store, async () => {});
    const before = await store.revision();
    await withServer(store, async () => {});
    assert.equal(await store.revision(), before);
  });

  it('gives aggregated roles the rules of their parts', async () => {
    await withServer(openMemoryStore({ clock, random }), async (client) => {
      const rules = async (name: string): Promise<number> => (await client.get(ClusterRole, { name })).rules?.length ?? 0;
      assert.ok(await rules('admin') > await rules('edit'));
      assert.ok(await rules('edit') > await rules('view'));
      assert.ok(await rules('view') > 0);
    });
  });

  it('completes roles and bindings that lost something, and leaves what was added', async () => {
    const store = openMemoryStore({ clock, random });
    const extra = { verbs: ['get'], apiGroups: ['example.com'], resources: ['boats'] };
    await withServer(store, async (client) => {
      const role = await client.get(ClusterRole, { name: 'system:kube-dns' });
      await client.update(ClusterRole, { ...role, rules: [extra] });
      const binding = await client.get(ClusterRoleBinding, { name: 'system:basic-user' });
      await client.update(ClusterRoleBinding, { ...binding, subjects: [] });
    });
    await withServer(store, async (client) => {
      const { rules } = await client.get(ClusterRole, { name: 'system:kube-dns' });
      assert.deepEqual(rules, [
        extra,
        { verbs: ['list', 'watch'], apiGroups: [''], resources: ['endpoints'] },
        { verbs: ['list', 'watch'], apiGroups: [''], resources: ['services'] },
      ]);
      assert.equal((await client.get(ClusterRoleBinding, { name: 'system:basic-user' })).subjects?.length, 1);
    });
  });

  it('leaves roles alone whose owner asked for it', async () => {
    const store = openMemoryStore({ clock, random });
    await withServer(store, async (client) => {
      const role = await client.get(ClusterRole, { name: 'system:kube-dns' });
      await client.update(ClusterRole, { ...role, metadata: { ...role.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }, rules: [] });
    });
    await withServer(store, async (client) => {
      assert.deepEqual((await client.get(ClusterRole, { name: 'system:kube-dns' })).rules, []);
    });
  });
});
