import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { describe, it } from 'node:test';
import { seededRandom } from '#base/random.ts';
import { silentLog } from '#base/log.ts';
import { SimulatedClock, systemClock } from '#base/clock.ts';
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
import { startApiServer } from '../support/api-server.ts';
import { storeOver } from '#store/store-over.ts';
import type { Store } from '#store/store.ts';

const namespace = 'default';

describe('a priority level', { timeout: 30_000 }, () => {
  it('runs so many requests at once, lets some wait, refuses the rest, and leaves others alone', async (t) => {
    const random = seededRandom(1);
    const clock = systemClock;
    const base = openMemoryStore({ clock, random });
    /** Lists wait for this. */
    let gate: Promise<void> = Promise.resolve();
    const store: Store = storeOver(base, { revision: () => gate.then(() => base.revision()) });
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
      metadata: { name: 'narrow' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } } } },
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

describe('seats', { timeout: 30_000 }, () => {
  it('that a level does not need are lent to one that does, and come back', async (t) => {
    const random = seededRandom(1);
    const clock = new SimulatedClock();
    const base = openMemoryStore({ clock, random });
    let gate: Promise<void> = Promise.resolve();
    const store: Store = storeOver(base, { revision: () => gate.then(() => base.revision()) });
    const server = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes, maxRequestsInflight: 60 });
    t.after(async () => {
      await server.close();
      await base.close();
    });
    const admin = createClient(server.transport(inProcessAdmin, 'test'));
    await admin.create(ClusterRoleBinding, { metadata: { name: 'anna' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'anna' }] });
    const anna = createClient(server.transport({ name: 'anna', groups: ['system:authenticated'] }, 'test'));
    const seats = async (name: string): Promise<number> => {
      const text = await metricsText(server);
      return Number(new RegExp(`^apiserver_flowcontrol_${name}\\{priority_level="global-default"\\} (\\d+)`, 'm').exec(text)?.[1]);
    };
    assert.deepEqual([await seats('nominal_limit_seats'), await seats('lower_limit_seats'), await seats('upper_limit_seats')], [5, 2, 65]);
    const before = await seats('current_limit_seats');
    const opening = Promise.withResolvers<void>();
    gate = opening.promise;
    const requests = Array.from({ length: 30 }, () => anna.list(ConfigMap, { namespace }));
    await clock.advance(10_000);
    const during = await seats('current_limit_seats');
    assert.ok(during > before && during > 10, `${before} seats became ${during}`);
    opening.resolve();
    gate = Promise.resolve();
    await Promise.all(requests);
    await clock.advance(3_600_000);
    assert.ok(await seats('current_limit_seats') < during);
  });
});

describe('the configuration of flow control', { timeout: 30_000 }, () => {
  it('is kept: mandatory objects are as they are, suggested ones as long as nobody wants them otherwise', async (t) => {
    const clock = new SimulatedClock();
    const api = await startApiServer({ clock });
    t.after(() => api.close());
    const { client } = api;
    const read = async (name: string): Promise<FlowSchema | undefined> => client.get(FlowSchema, { name }).catch(() => undefined);
    const precedence = async (name: string): Promise<number | undefined> => (await read(name))?.spec.matchingPrecedence;
    const change = (name: string, patch: object): Promise<FlowSchema> => client.patch(FlowSchema, { name }, { type: 'merge', patch });
    await assert.rejects(change('catch-all', { spec: { matchingPrecedence: 9999 } }), /spec of 'catch-all' must equal the fixed value/);
    await change('probes', { spec: { matchingPrecedence: 3 } });
    await change('service-accounts', { metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } }, spec: { matchingPrecedence: 8000 } });
    await client.delete(FlowSchema, { name: 'exempt' });
    await client.delete(PriorityLevelConfiguration, { name: 'exempt' });
    // They hold nevertheless.
    assert.equal((await client.list(ConfigMap, { namespace })).items.length, 0);
    await until(clock, async () => (await precedence('exempt')) === 1 && (await precedence('catch-all')) === 10_000 && (await precedence('probes')) === 2);
    assert.equal(await precedence('service-accounts'), 8000);
    assert.equal((await client.get(PriorityLevelConfiguration, { name: 'exempt' })).spec.type, 'Exempt');
  });

  it('says which schemas name a level that is not there, and these sort nothing', async (t) => {
    const clock = new SimulatedClock();
    const api = await startApiServer({ clock });
    t.after(() => api.close());
    const { client } = api;
    const rules = [{ subjects: [{ kind: 'Group', group: { name: 'system:masters' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }];
    await client.create(FlowSchema, { metadata: { name: 'aaa' }, spec: { matchingPrecedence: 1, priorityLevelConfiguration: { name: 'later' }, rules } }).then(() => assert.fail(), (error: Error) => assert.match(error.message, /only the schema named 'exempt' may have matchingPrecedence 1/));
    await client.create(FlowSchema, { metadata: { name: 'hanging' }, spec: { matchingPrecedence: 2, priorityLevelConfiguration: { name: 'later' }, rules } });
    const dangling = async (): Promise<string> => {
      const condition = (await client.get(FlowSchema, { name: 'hanging' })).status.conditions?.find(({ type }) => type === 'Dangling');
      return `${condition?.status} ${condition?.reason} ${condition?.message}`;
    };
    const what = 'This FlowSchema references the PriorityLevelConfiguration object named "later"';
    await until(clock, async () => (await dangling()) === `True NotFound ${what} but there is no such object`);
    assert.equal((await api.request('GET', '/version')).headers['x-kubernetes-pf-flowschema-uid'], (await client.get(FlowSchema, { name: 'exempt' })).metadata.uid);
    await client.create(PriorityLevelConfiguration, { metadata: { name: 'later' }, spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } });
    await until(clock, async () => (await dangling()) === `False Found ${what} and it exists`);
  });

  it('counts a list as running until it is sent', async (t) => {
    const api = await startApiServer();
    t.after(() => api.close());
    const data = 'x'.repeat(100_000);
    for (let index = 0; index < 150; index++) await api.client.create(ConfigMap, { metadata: { namespace, name: `large-${index}` }, data: { data } });
    const seats = async (): Promise<string | undefined> => /current_executing_seats\{priority_level="exempt",flow_schema="exempt"\} (\d+)/.exec((await api.request('GET', '/metrics')).text)?.[1];
    assert.equal(await seats(), '1');
    // Fifteen megabytes that nobody reads do not fit into what lies between server and client.
    const request = https.get({ ...api.connection, path: `/api/v1/namespaces/${namespace}/configmaps` });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(await seats(), '2');
    response.destroy();
    while ((await seats()) !== '1') await new Promise((resolve) => setImmediate(resolve));
  });

  it('is told to clients by ids, and to administrators in full', async (t) => {
    const api = await startApiServer();
    t.after(() => api.close());
    const { client } = api;
    const uids = async (schema: string, level: string): Promise<unknown> => [(await client.get(FlowSchema, { name: schema })).metadata.uid, (await client.get(PriorityLevelConfiguration, { name: level })).metadata.uid];
    const told = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }): unknown => [headers['x-kubernetes-pf-flowschema-uid'], headers['x-kubernetes-pf-prioritylevel-uid']];
    assert.deepEqual(told(await api.request('GET', '/api/v1/namespaces/default/pods')), await uids('exempt', 'exempt'));
    const refused = await api.request('GET', '/api/v1/namespaces/default/pods', { anonymous: true });
    assert.deepEqual([refused.code, told(refused)], [403, await uids('global-default', 'global-default')]);
    const dump = async (name: string, query = ''): Promise<string[][]> => (await api.request('GET', `/debug/api_priority_and_fairness/${name}${query}`)).text.trimEnd().split('\n').map((line) => line.split(',').map((cell) => cell.trim()));
    const levels = await dump('dump_priority_levels');
    assert.deepEqual(levels[0], ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests']);
    assert.deepEqual(levels.find(([name]) => name === 'global-default'), ['global-default', '0', 'true', 'false', '0', '0', '1', '0', '0', '0']);
    const queues = await dump('dump_queues');
    assert.deepEqual([queues[0]?.[5], queues.filter(([name]) => name === 'workload-low').length], ['NextDispatchR', 128]);
    const requests = await dump('dump_requests', '?includeRequestDetails=1');
    assert.deepEqual(requests[0]?.slice(0, 5), ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher']);
    const own = requests.find((row) => row.includes('/debug/api_priority_and_fairness/dump_requests'));
    assert.deepEqual(own?.slice(0, 4), ['exempt', 'exempt', '-1', '-1']);
    assert.equal((await api.request('GET', '/debug/api_priority_and_fairness/dump_requests', { anonymous: true })).code, 403);
    const metrics = (await api.request('GET', '/metrics')).text;
    for (const line of [
      'apiserver_flowcontrol_dispatched_requests_total{priority_level="global-default",flow_schema="global-default"} 2',
      'apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 245',
      'apiserver_flowcontrol_current_executing_requests{priority_level="exempt",flow_schema="exempt"} 1',
    ]) assert.ok(metrics.includes(`${line}\n`), line);
  });

  /** Moves the clock until it is so. */
  async function until(clock: SimulatedClock, isSo: () => Promise<boolean>): Promise<void> {
    for (let turn = 0; turn < 300; turn++) {
      if (await isSo()) return;
      await clock.advance(100);
    }
    assert.fail(`never came true: ${isSo.toString()}`);
  }
});

async function metricsText(server: { transport(user: typeof inProcessAdmin, agent: string): { request(request: { method: 'GET'; path: string }): Promise<unknown> } }): Promise<string> {
  return String(await server.transport(inProcessAdmin, 'test').request({ method: 'GET', path: '/metrics' }));
}
