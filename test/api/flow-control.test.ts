import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '#base/random.ts';
import { silentLog } from '#base/log.ts';
import { systemClock } from '#base/clock.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { createClient } from '#client/create-client.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';

const namespace = 'default';

describe('a priority level', { timeout: 30_000 }, () => {
  it('runs so many requests at once, lets some wait, refuses the rest, and leaves others alone', async (t) => {
    const random = seededRandom(1);
    const clock = systemClock;
    const base = openMemoryStore({ clock, random });
    /** Lists wait for this. */
    let gate: Promise<void> = Promise.resolve();
    const store: Store = Object.assign(bound(base), { revision: () => gate.then(() => base.revision()) });
    const server = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes, maxRequestsInflight: 1 });
    t.after(async () => {
      await server.close();
      await base.close();
    });
    const admin = createClient(server.transport(inProcessAdmin, 'test'));
    const anna = createClient(server.transport({ name: 'anna', groups: ['system:authenticated'] }, 'test'));
    await admin.create(ClusterRoleBinding, { metadata: { name: 'anna' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'anna' }] });
    // One seat, for every level has at least one, and one place to wait.
    await admin.create(PriorityLevelConfiguration, {
      metadata: { name: 'narrow' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } } } },
    });
    await admin.create(FlowSchema, {
      metadata: { name: 'narrow' },
      spec: { matchingPrecedence: 10, priorityLevelConfiguration: { name: 'narrow' }, rules: [{ subjects: [{ kind: 'User', user: { name: 'anna' } }], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }] }] },
    });
    const opening = Promise.withResolvers<void>();
    gate = opening.promise;
    const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: unknown) => (hasReason(error, 'TooManyRequests') ? error.message : String(error)));
    const requests = Array.from({ length: 4 }, () => outcome(anna.list(ConfigMap, { namespace })));
    const others = outcome(admin.list(ConfigMap, { namespace }));
    opening.resolve();
    const refused = 'Too many requests, please try again later.';
    assert.deepEqual(await Promise.all(requests), ['done', 'done', refused, refused]);
    assert.equal(await others, 'done');
    assert.equal(await outcome(anna.list(ConfigMap, { namespace })), 'done');
  });
});

/** The store's methods as an object of its own, to be changed in part. */
function bound(store: Store): Store {
  return {
    revision: () => store.revision(),
    get: (...given) => store.get(...given),
    range: (...given) => store.range(...given),
    put: (...given) => store.put(...given),
    delete: (...given) => store.delete(...given),
    transaction: (...given) => store.transaction(...given),
    watch: (...given) => store.watch(...given),
    grantLease: (...given) => store.grantLease(...given),
    renewLease: (...given) => store.renewLease(...given),
    revokeLease: (...given) => store.revokeLease(...given),
    compact: (...given) => store.compact(...given),
    compactedRevision: () => store.compactedRevision(),
    size: () => store.size(),
    snapshot: (...given) => store.snapshot(...given),
    fork: () => store.fork(),
    close: () => store.close(),
  };
}
