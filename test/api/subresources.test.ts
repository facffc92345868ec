import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const pods = '/api/v1/namespaces/default/pods';
const services = '/api/v1/namespaces/default/services';

interface Status { readonly code: number; readonly reason: string; readonly message: string; readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[]; readonly retryAfterSeconds?: number } }

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

let serial = 0;
async function pod(status?: object, labels: Record<string, string> = {}, spec: object = {}): Promise<PodObject> {
  const made = await api.client.create(Pod, { metadata: { namespace, name: `p${++serial}`, labels }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } });
  return status === undefined ? made : api.client.updateStatus(Pod, { ...made, status: { ...made.status, ...status } });
}
const post = (path: string, body: object): Promise<RawAnswer> => api.request('POST', path, { body });

describe('pods/binding', () => {
  const bind = (name: string, node: string, metadata: object = { name }): Promise<RawAnswer> => post(`${pods}/${name}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata, target: { apiVersion: 'v1', kind: 'Node', name: node } });

  it('puts a pod on a node, once', async () => {
    const { metadata } = await pod({ nominatedNodeName: 'n1' });
    const answer = await bind(metadata.name, 'n1', { name: metadata.name, annotations: { by: 'test' } });
    assert.equal(answer.code, 201, answer.text);
    const bound = await api.client.get(Pod, { namespace, name: metadata.name });
    assert.equal(bound.spec.nodeName, 'n1');
    assert.equal(bound.metadata.annotations?.['by'], 'test');
    assert.equal(bound.status.nominatedNodeName, undefined);
    assert.deepEqual(bound.status.conditions?.map(({ type, status }) => `${type} ${status}`), ['PodScheduled True']);
    const again = await bind(metadata.name, 'n2');
    assert.equal(again.code, 409);
    assert.match(again.json<Status>().message, /pod p\d+ is already assigned to node "n1"$/);
  });

  it('refuses other targets than nodes, other pods, gated and absent ones', async () => {
    const { metadata } = await pod();
    assert.equal((await post(`${pods}/${metadata.name}/binding`, { metadata: { name: metadata.name }, target: { kind: 'Pod', name: 'x' } })).code, 422);
    assert.equal((await post(`${pods}/${metadata.name}/binding`, { metadata: { name: metadata.name }, target: { kind: 'Node' } })).code, 422);
    assert.equal((await bind(metadata.name, 'n1', { name: metadata.name, uid: 'another' })).code, 409);
    assert.equal((await bind('absent', 'n1')).code, 404);
    const gated = await pod(undefined, {}, { schedulingGates: [{ name: 'example.com/wait' }] });
    assert.equal((await bind(gated.metadata.name, 'n1')).code, 409);
  });

  it('also takes a binding at the collection of bindings', async () => {
    const { metadata } = await pod();
    const answer = await post('/api/v1/namespaces/default/bindings', { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name }, target: { kind: 'Node', name: 'n1' } });
    assert.equal(answer.code, 201, answer.text);
    assert.equal((await api.client.get(Pod, { namespace, name: metadata.name })).spec.nodeName, 'n1');
  });
});

describe('pods/eviction', () => {
  const evict = (name: string, more: object = {}): Promise<RawAnswer> => post(`${pods}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, ...more });
  const running = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const budget = async (name: string, labels: Record<string, string>, status: object): Promise<void> => {
    const made = await api.client.create(PodDisruptionBudget, { metadata: { namespace, name }, spec: { minAvailable: 1, selector: { matchLabels: labels } } });
    await api.client.updateStatus(PodDisruptionBudget, { ...made, status: { ...made.status, observedGeneration: made.metadata.generation, ...status } });
  };

  it('deletes a pod that no budget protects', async () => {
    const { metadata } = await pod(running);
    assert.equal((await evict(metadata.name)).code, 201);
    assert.equal((await api.request('GET', `${pods}/${metadata.name}`)).code, 404);
    assert.equal((await evict('absent')).code, 404);
  });

  it('takes from the budget, and refuses when nothing is left of it', async () => {
    const [first, second] = [await pod(running, { app: 'a' }), await pod(running, { app: 'a' })];
    await budget('a', { app: 'a' }, { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 });
    assert.equal((await evict(first.metadata.name, { deleteOptions: { dryRun: ['All'] } })).code, 201);
    assert.equal((await evict(first.metadata.name)).code, 201);
    const after1 = await api.client.get(PodDisruptionBudget, { namespace, name: 'a' });
    assert.equal(after1.status.disruptionsAllowed, 0);
    assert.deepEqual(Object.keys(after1.status.disruptedPods ?? {}), [first.metadata.name]);
    const refused = await evict(second.metadata.name);
    assert.equal(refused.code, 429);
    const status = refused.json<Status>();
    assert.equal(status.message, "Cannot evict pod as it would violate the pod's disruption budget.");
    assert.deepEqual(status.details?.causes, [{ reason: 'DisruptionBudget', message: 'The disruption budget a needs 1 healthy pods and has 2 currently' }]);
    assert.equal((await api.request('GET', `${pods}/${second.metadata.name}`)).code, 200);
  });

  it('waits for a budget that is still being counted', async () => {
    const { metadata } = await pod(running, { app: 'b' });
    await api.client.create(PodDisruptionBudget, { metadata: { namespace, name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'b' } } } });
    const refused = await evict(metadata.name);
    assert.equal(refused.code, 429);
    assert.equal(refused.json<Status>().details?.retryAfterSeconds, 10);
    assert.equal(refused.headers['retry-after'], '10');
  });

  it('lets go of pods that are finished or not ready without a budget', async () => {
    await budget('c', { app: 'c' }, { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 2 });
    const finished = await pod({ phase: 'Succeeded' }, { app: 'c' });
    assert.equal((await evict(finished.metadata.name)).code, 201);
    const unready = await pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }, { app: 'c' });
    assert.equal((await evict(unready.metadata.name)).code, 201);
    const ready = await pod(running, { app: 'c' });
    assert.equal((await evict(ready.metadata.name)).code, 429);
  });
});

describe('Services', () => {
  const create = (spec: object, name = `s${++serial}`): Promise<RawAnswer> => post(services, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  const made = async (spec: object): Promise<ServiceObject> => {
    const answer = await create(spec);
    assert.equal(answer.code, 201, answer.text);
    return answer.json<ServiceObject>();
  };

  it('get an address of the range and the families that go with it', async () => {
    const { spec } = await made({});
    assert.match(spec.clusterIP ?? '', /^10\.96\.\d+\.\d+$/);
    assert.deepEqual([spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy, spec.type, spec.sessionAffinity, spec.internalTrafficPolicy], [[spec.clusterIP], ['IPv4'], 'SingleStack', 'ClusterIP', 'None', 'Cluster']);
    assert.deepEqual(spec.ports?.[0], { port: 80, targetPort: 80, protocol: 'TCP' });
  });

  it('get the address they ask for, unless it is taken or out of range', async () => {
    const { spec } = await made({ clusterIP: '10.96.7.7' });
    assert.equal(spec.clusterIP, '10.96.7.7');
    const taken = await create({ clusterIP: '10.96.7.7' });
    assert.equal(taken.code, 422);
    assert.match(taken.json<Status>().message, /spec\.clusterIPs: Invalid value: \["10\.96\.7\.7"\]: failed to allocate IP 10\.96\.7\.7: provided IP is already allocated$/);
    const outside = await create({ clusterIP: '192.168.1.1' });
    assert.equal(outside.code, 422);
    assert.match(outside.json<Status>().message, /failed to allocate IP 192\.168\.1\.1: the provided network does not match the current range$/);
    assert.equal((await create({ clusterIP: 'nonsense' })).code, 422);
    await api.client.delete(Service, { namespace, name: (await made({ clusterIP: '10.96.7.8' })).metadata.name });
    assert.equal((await create({ clusterIP: '10.96.7.8' })).code, 201);
  });

  it('without a head have none', async () => {
    const { spec } = await made({ clusterIP: 'None' });
    assert.deepEqual([spec.clusterIP, spec.clusterIPs], ['None', ['None']]);
  });

  it('of type NodePort get a port of the range, which nobody else gets', async () => {
    const { spec, metadata } = await made({ type: 'NodePort' });
    const port = spec.ports?.[0]?.nodePort ?? 0;
    assert.ok(port >= 30_000 && port <= 32_767);
    const taken = await create({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] });
    assert.equal(taken.code, 422);
    assert.match(taken.json<Status>().message, /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated$/);
    assert.match((await create({ type: 'NodePort', ports: [{ port: 80, nodePort: 1000 }] })).json<Status>().message, /provided port is not in the valid range\. The range of valid ports is 30000-32767/);
    await api.client.delete(Service, { namespace, name: metadata.name });
    assert.equal((await create({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).code, 201);
  });

  it('keep their address and ports when they change, and change type both ways', async () => {
    const first = await made({});
    const { clusterIP: _ip, clusterIPs: _ips, ...rest } = first.spec;
    const replaced = await api.request('PUT', `${services}/${first.metadata.name}`, { body: { ...first, spec: { ...rest, ports: [{ port: 81 }] } } });
    assert.equal(replaced.json<ServiceObject>().spec.clusterIP, first.spec.clusterIP, replaced.text);
    const moved = await api.request('PUT', `${services}/${first.metadata.name}`, { body: { ...first, metadata: { ...first.metadata, resourceVersion: undefined }, spec: { ...first.spec, clusterIP: '10.96.9.9', clusterIPs: ['10.96.9.9'] } } });
    assert.equal(moved.code, 422, moved.text);
    const merge = (spec: object): Promise<RawAnswer> => api.request('PATCH', `${services}/${first.metadata.name}`, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } });
    const nodePort = (await merge({ type: 'NodePort' })).json<ServiceObject>().spec.ports?.[0]?.nodePort;
    assert.ok((nodePort ?? 0) >= 30_000);
    assert.equal((await merge({ selector: { a: 'b' } })).json<ServiceObject>().spec.ports?.[0]?.nodePort, nodePort);
    assert.equal((await merge({ type: 'ClusterIP' })).json<ServiceObject>().spec.ports?.[0]?.nodePort, undefined);
    const external = await merge({ type: 'ExternalName', externalName: 'example.com' });
    assert.equal(external.code, 200, external.text);
    assert.equal(external.json<ServiceObject>().spec.clusterIP ?? '', '');
  });

  it('as a dry run take nothing from the pool', async () => {
    assert.equal((await post(`${services}?dryRun=All`, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'dry' }, spec: { clusterIP: '10.96.20.20', ports: [{ port: 1 }] } })).code, 201);
    assert.equal((await create({ clusterIP: '10.96.20.20' })).code, 201);
  });
});

describe('serviceaccounts/token', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const tokenFor = (spec: object = {}, name = 'default'): Promise<RawAnswer> => post(`${accounts}/${name}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
  const token = async (spec: object = {}): Promise<string> => {
    const answer = await tokenFor(spec);
    assert.equal(answer.code, 201, answer.text);
    return answer.json<{ status: { token: string } }>().status.token;
  };
  interface Review { status: { authenticated?: boolean; user?: { username: string; groups: string[]; extra?: Record<string, string[]> }; audiences?: string[]; error?: string; userInfo?: { username: string; groups: string[] } } }
  const whoAmI = (bearer: string): Promise<RawAnswer> => api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, headers: { authorization: `Bearer ${bearer}` }, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } });
  const review = async (bearer: string, audiences?: string[]): Promise<Review['status']> =>
    (await post('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: bearer, ...(audiences !== undefined && { audiences }) } })).json<Review>().status;

  it('makes tokens that authenticate as the account', async () => {
    const answer = await whoAmI(await token());
    assert.equal(answer.code, 201, answer.text);
    assert.deepEqual(answer.json<Review>().status.userInfo, {
      ...answer.json<Review>().status.userInfo, username: 'system:serviceaccount:default:default', groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    assert.equal((await whoAmI(`${await token()}x`)).code, 401);
    assert.equal((await tokenFor({}, 'absent')).code, 404);
    assert.equal((await tokenFor({ expirationSeconds: 10 })).code, 422);
  });

  it('bound to a pod die with it and name it', async () => {
    const { metadata } = await pod();
    const bound = await token({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid } });
    const status = await review(bound);
    assert.equal(status.authenticated, true);
    assert.deepEqual(status.user?.extra?.['authentication.kubernetes.io/pod-name'], [metadata.name]);
    await api.client.delete(Pod, { namespace, name: metadata.name });
    assert.equal((await review(bound)).authenticated ?? false, false);
    assert.equal((await whoAmI(bound)).code, 401);
    assert.equal((await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'absent' } })).code, 404);
  });

  it('are refused to what they cannot be bound to, and in another\'s name', async () => {
    const refusal = async (body: object): Promise<[number, unknown]> => {
      const answer = await post(`${accounts}/default/token`, body);
      return [answer.code, answer.json()['message']];
    };
    assert.deepEqual(await refusal({ spec: { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a' } } }), [400, 'cannot bind token to object of type /v1, Kind=ConfigMap']);
    assert.deepEqual(await refusal({ metadata: { name: 'other' }, spec: {} }), [422, 'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified']);
    const [code, message] = await refusal({ metadata: { uid: 'x' }, spec: {} });
    assert.equal(code, 409);
    assert.match(String(message), /^Operation cannot be fulfilled on TokenRequest\.authentication\.k8s\.io "default": the UID in the token request \(x\) does not match the UID of the service account/);
  });

  it('are good for their audiences only', async () => {
    const forVault = await token({ audiences: ['vault'] });
    assert.equal((await whoAmI(forVault)).code, 401);
    assert.deepEqual((await review(forVault, ['vault', 'other'])).audiences, ['vault']);
    assert.equal((await review(forVault)).authenticated ?? false, false);
  });

  it('bound to a secret die with it', async () => {
    const { metadata } = await api.client.create(Secret, { metadata: { namespace, name: 'anchor' } });
    const bound = await token({ boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'anchor', uid: metadata.uid } });
    assert.equal((await review(bound)).authenticated, true);
    await api.client.delete(Secret, { namespace, name: 'anchor' });
    assert.equal((await review(bound)).authenticated ?? false, false);
  });
});

describe('access reviews', () => {
  interface Review { status: { allowed: boolean; reason?: string } }
  const ask = (kind: string, spec: object): Promise<RawAnswer> => post(`/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`, { apiVersion: 'authorization.k8s.io/v1', kind, spec });

  it('say what anybody may do and why', async () => {
    const answer = await ask('SubjectAccessReview', { user: 'system:kube-scheduler', resourceAttributes: { verb: 'create', resource: 'pods', subresource: 'binding', namespace: 'any' } });
    assert.equal(answer.code, 201, answer.text);
    assert.deepEqual(answer.json<Review>().status, { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "system:kube-scheduler" of ClusterRole "system:kube-scheduler" to User "system:kube-scheduler"' });
    assert.equal((await ask('SubjectAccessReview', { user: 'anna', groups: ['g'], resourceAttributes: { verb: 'get', resource: 'pods' } })).json<Review>().status.allowed, false);
    assert.equal((await ask('SubjectAccessReview', { user: 'anna', groups: ['system:authenticated'], nonResourceAttributes: { verb: 'get', path: '/api' } })).json<Review>().status.allowed, true);
    assert.equal((await ask('SelfSubjectAccessReview', { resourceAttributes: { verb: '*', group: '*', resource: '*' } })).json<Review>().status.allowed, true);
  });

  it('that ask nothing are refused', async () => {
    assert.ok((await ask('SubjectAccessReview', { user: 'anna' })).code >= 400);
    assert.ok((await ask('SubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } })).code >= 400);
  });
});

describe('two ways to the same objects', () => {
  it('events of the core group and of events.k8s.io', async () => {
    const created = await post('/api/v1/namespaces/default/events', {
      apiVersion: 'v1', kind: 'Event', metadata: { name: 'e1' }, involvedObject: { kind: 'Pod', name: 'p', namespace }, reason: 'Started', message: 'it runs', type: 'Normal',
      source: { component: 'kubelet', host: 'n1' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:05Z', count: 3,
    });
    assert.equal(created.code, 201, created.text);
    const seen = (await api.request('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e1')).json();
    assert.deepEqual(
      { apiVersion: seen['apiVersion'], regarding: seen['regarding'], note: seen['note'], reason: seen['reason'], deprecatedCount: seen['deprecatedCount'], deprecatedSource: seen['deprecatedSource'] },
      { apiVersion: 'events.k8s.io/v1', regarding: { kind: 'Pod', name: 'p', namespace }, note: 'it runs', reason: 'Started', deprecatedCount: 3, deprecatedSource: { component: 'kubelet', host: 'n1' } },
    );
    const other = await post('/apis/events.k8s.io/v1/namespaces/default/events', {
      apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e2' }, eventTime: '2026-01-01T00:00:00.000000Z', regarding: { kind: 'Pod', name: 'p', namespace }, action: 'Binding', reason: 'Scheduled',
      note: 'to n1', type: 'Normal', reportingController: 'default-scheduler', reportingInstance: 'x',
    });
    assert.equal(other.code, 201, other.text);
    const core = (await api.request('GET', '/api/v1/namespaces/default/events/e2')).json();
    assert.deepEqual({ message: core['message'], involvedObject: core['involvedObject'], reportingComponent: core['reportingComponent'] }, { message: 'to n1', involvedObject: { kind: 'Pod', name: 'p', namespace }, reportingComponent: 'default-scheduler' });
    const list = (await api.request('GET', '/apis/events.k8s.io/v1/namespaces/default/events')).json<{ items: { kind?: string; apiVersion?: string; metadata: { name: string } }[]; kind: string; apiVersion: string }>();
    assert.deepEqual([list.apiVersion, list.kind, list.items.map((each) => each.metadata.name)], ['events.k8s.io/v1', 'EventList', ['e1', 'e2']]);
  });

  it('autoscalers of v1 and v2', async () => {
    const base = '/namespaces/default/horizontalpodautoscalers';
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const created = await post(`/apis/autoscaling/v1${base}`, { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h1' }, spec: { scaleTargetRef: target, maxReplicas: 5, targetCPUUtilizationPercentage: 60 } });
    assert.equal(created.code, 201, created.text);
    const v2 = (await api.request('GET', `/apis/autoscaling/v2${base}/h1`)).json<{ spec: { minReplicas: number; metrics: object[] } }>();
    assert.deepEqual([v2.spec.minReplicas, v2.spec.metrics], [1, [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }]]);
    const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } };
    const patched = await api.request('PATCH', `/apis/autoscaling/v2${base}/h1`, { body: { spec: { metrics: [...v2.spec.metrics, memory] } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal(patched.code, 200, patched.text);
    const v1 = (await api.request('GET', `/apis/autoscaling/v1${base}/h1`)).json<{ apiVersion: string; spec: { targetCPUUtilizationPercentage: number }; metadata: { annotations?: Record<string, string> } }>();
    assert.deepEqual([v1.apiVersion, v1.spec.targetCPUUtilizationPercentage], ['autoscaling/v1', 60]);
    assert.match(v1.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'] ?? '', /memory/);
    // Going through v1 loses nothing.
    const again = await api.request('PUT', `/apis/autoscaling/v1${base}/h1`, { body: { ...v1, spec: { ...v1.spec, maxReplicas: 7 } } });
    assert.equal(again.code, 200, again.text);
    const later = (await api.request('GET', `/apis/autoscaling/v2${base}/h1`)).json<{ spec: { maxReplicas: number; metrics: object[] }; metadata: { annotations?: object } }>();
    assert.deepEqual([later.spec.maxReplicas, later.spec.metrics.length, later.metadata.annotations], [7, 2, undefined]);
    const watched = await api.watch(`/apis/autoscaling/v1${base}?watch=true&resourceVersion=0`).next();
    assert.equal((watched.value as unknown as { object: { apiVersion: string } }).object.apiVersion, 'autoscaling/v1');
  });
});
