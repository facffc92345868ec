/** What clients notice of v1.36 itself. Source: kubernetes CHANGELOG-1.36.md. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

describe('the API of v1.36', () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  const create = async (path: string, body: object): Promise<void> => {
    const answer = await api.request('POST', path, { body });
    assert.equal(answer.code, 201, answer.text);
  };
  /** What a refused write is told. */
  const refused = async (path: string, body: object): Promise<string> => {
    const answer = await api.request('POST', path, { body });
    assert.equal(answer.code, 422, answer.text);
    return answer.json<{ message: string }>().message;
  };
  const rowsOf = async (path: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const answer = await api.request('GET', path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    const { columnDefinitions, rows } = answer.json<{ columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] }>();
    return rows.map(({ cells }) => Object.fromEntries(cells.map((cell, index) => [columnDefinitions[index]?.name ?? '', cell])));
  };

  it('shows which IngressClass is the default', async () => {
    const path = '/apis/networking.k8s.io/v1/ingressclasses';
    await create(path, { metadata: { name: 'a', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'x.io/a' } });
    await create(path, { metadata: { name: 'b' }, spec: { controller: 'x.io/b' } });
    assert.deepEqual((await rowsOf(path)).map(({ Name }) => Name), ['a (default)', 'b']);
  });

  it('shows the architecture of nodes beside their kernel', async () => {
    const nodeInfo = { kernelVersion: '6.12.0', architecture: 'arm64' };
    await create('/api/v1/nodes', { metadata: { name: 'n' }, status: { nodeInfo } });
    await create('/api/v1/nodes', { metadata: { name: 'unheard' } });
    assert.deepEqual((await rowsOf('/api/v1/nodes')).map((row) => row['Kernel-Version']), ['6.12.0 (arm64)', '<unknown>']);
  });

  it('takes plain DNS labels as names of services', async () => {
    const path = '/api/v1/namespaces/default/services';
    const service = (name: string): object => ({ metadata: { name }, spec: { ports: [{ port: 80 }] } });
    await create(path, service('1st'));
    assert.match(await refused(path, service('a.b')), /must not contain dots/);
  });

  it('refuses addresses and ranges that can be read in two ways', async () => {
    const path = '/api/v1/namespaces/default/services';
    const service = (spec: object): object => ({ metadata: { name: 'x' }, spec: { ports: [{ port: 80 }], ...spec } });
    assert.match(await refused(path, service({ externalIPs: ['010.0.0.5'] })), /must not have leading 0s/);
    assert.match(await refused(path, service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.168.0.5/24'] })), /must not have bits set beyond the prefix length/);
  });

  it('holds numbers of custom resources to the ranges of their formats', async () => {
    const properties = { float: { type: 'number', format: 'float' }, double: { type: 'number', format: 'double' }, int32: { type: 'integer', format: 'int32' }, int64: { type: 'integer', format: 'int64' } };
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } }];
    await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: 'sizes.x.io' }, spec: { group: 'x.io', scope: 'Cluster', names: { plural: 'sizes', kind: 'Size' }, versions } });
    const sizes = '/apis/x.io/v1/sizes';
    const size = (fields: object): object => ({ apiVersion: 'x.io/v1', kind: 'Size', metadata: { name: 'a' }, ...fields });
    assert.match(await refused(sizes, size({ float: 3.5e38 })), /must be of type number with format float in float/);
    assert.match(await refused(sizes, size({ int32: 2 ** 31 })), /must be of type integer with format int32 in int32/);
    assert.match(await refused(sizes, size({ int64: 1e19 })), /must be of type integer with format int64 in int64/);
    await create(sizes, size({ float: 3.4e38, double: 1e300, int32: 2 ** 31 - 1, int64: 2 ** 40 }));
  });

  it('refuses to resize a pod beyond what its node has', async () => {
    await create('/api/v1/nodes', { metadata: { name: 'small', labels: { 'kubernetes.io/os': 'linux' } }, status: { allocatable: { cpu: '2', memory: '1Gi' } } });
    await create('/api/v1/nodes', { metadata: { name: 'other', labels: { 'kubernetes.io/os': 'windows' } }, status: { allocatable: { cpu: '2', memory: '1Gi' } } });
    const container = (cpu: string, memory: string): object => ({ name: 'c', image: 'i', resources: { requests: { cpu, memory } } });
    for (const nodeName of ['small', 'other', 'gone']) await create('/api/v1/namespaces/default/pods', { metadata: { name: nodeName }, spec: { nodeName, containers: [container('1', '1Mi')] } });
    const resize = async (pod: string, cpu: string, memory = '1Mi'): Promise<string> => {
      const headers = { 'content-type': 'application/strategic-merge-patch+json' };
      const answer = await api.request('PATCH', `/api/v1/namespaces/default/pods/${pod}/resize`, { body: { spec: { containers: [container(cpu, memory)] } }, headers });
      return `${answer.code} ${answer.json<{ message?: string }>().message ?? ''}`;
    };
    assert.equal(await resize('small', '3', '2Gi'), '403 pods "small" is forbidden: Node didn\'t have enough allocatable resources: cpu, requested: 3000, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824');
    assert.equal(await resize('small', '2'), '200 ');
    assert.equal(await resize('other', '2'), '403 pods "other" is forbidden: pod resize is only supported on linux nodes, node "other" is "windows"');
    assert.equal(await resize('other', '1'), '200 ', 'what changes nothing is not looked at');
    assert.equal(await resize('gone', '2'), '403 pods "gone" is forbidden: node "gone" not found');
  });

  it('refuses changes of a pod that its node has not declared it can follow', async () => {
    const os = { 'kubernetes.io/os': 'linux' };
    const allocatable = { cpu: '8', memory: '8Gi' };
    await create('/api/v1/nodes', { metadata: { name: 'old', labels: os }, status: { allocatable } });
    await create('/api/v1/nodes', { metadata: { name: 'new', labels: os }, status: { allocatable, declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'] } });
    const resources = { requests: { cpu: '1' } };
    const containers = [{ name: 'c', image: 'i', resources }];
    const resize = async (pod: string, spec: object): Promise<string> => {
      const answer = await api.request('PATCH', `/api/v1/namespaces/default/pods/${pod}/resize`, { body: { spec }, headers: { 'content-type': 'application/strategic-merge-patch+json' } });
      return `${answer.code} ${answer.json<{ message?: string }>().message ?? ''}`;
    };
    for (const nodeName of ['old', 'new']) {
      await create('/api/v1/namespaces/default/pods', { metadata: { name: `on-${nodeName}` }, spec: { nodeName, resources: { requests: { cpu: '2' } }, containers, initContainers: [{ name: 'init', image: 'i', resources }] } });
    }
    const more = { requests: { cpu: '3' } };
    assert.equal(await resize('on-old', { resources: more }), '403 pods "on-old" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "old"');
    assert.equal(await resize('on-new', { resources: more }), '200 ');
    const init = { initContainers: [{ name: 'init', resources: { requests: { cpu: '500m' } } }] };
    assert.equal(await resize('on-old', init), '403 pods "on-old" is forbidden: pod update requires features InPlacePodVerticalScalingInitContainers which are not available on node "old"');
    assert.equal(await resize('on-new', init), '200 ');
    assert.equal(await resize('on-old', { containers: [{ name: 'c', resources: { requests: { cpu: '900m' } } }] }), '200 ', 'what every kubelet can is not asked for');
  });

  it('writes nothing but the status of custom resources through it', async () => {
    const versions = [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }];
    await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: 'parts.x.io' }, spec: { group: 'x.io', scope: 'Cluster', names: { plural: 'parts', kind: 'Part' }, versions } });
    await create('/apis/x.io/v1/parts', { apiVersion: 'x.io/v1', kind: 'Part', metadata: { name: 'a', labels: { own: 'yes' } } });
    const body = (size: number): object => ({ apiVersion: 'x.io/v1', kind: 'Part', metadata: { name: 'a', labels: { asked: 'yes' } }, status: { size } });
    const path = '/apis/x.io/v1/parts/a/status';
    const applied = await api.request('PATCH', `${path}?fieldManager=applier`, { body: body(1), headers: { 'content-type': 'application/apply-patch+yaml' } });
    const patched = await api.request('PATCH', `${path}?fieldManager=patcher`, { body: body(2), headers: { 'content-type': 'application/merge-patch+json' } });
    for (const answer of [applied, patched]) {
      assert.equal(answer.code, 200, answer.text);
      const { metadata } = answer.json<{ metadata: { labels: object; managedFields: { manager: string; fieldsV1: object }[] } }>();
      assert.deepEqual(metadata.labels, { own: 'yes' });
      for (const { manager, fieldsV1 } of metadata.managedFields) if (manager.endsWith('er')) assert.deepEqual(Object.keys(fieldsV1), ['f:status'], manager);
    }
  });

  it('says which field of a pod\'s or a job\'s status is wrong', async () => {
    await create('/api/v1/namespaces/default/pods', { metadata: { name: 'claiming' }, spec: { resourceClaims: [{ name: 'r', resourceClaimTemplateName: 't' }], containers: [{ name: 'c', image: 'i' }] } });
    const claims = await api.request('PATCH', '/api/v1/namespaces/default/pods/claiming/status', { body: { status: { resourceClaimStatuses: [{ name: 'r', resourceClaimName: '!' }] } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.match(claims.text, /status\.resourceClaimStatuses\[0\]\.resourceClaimName: Invalid value/);
    await create('/apis/batch/v1/namespaces/default/jobs', { metadata: { name: 'j' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } } });
    const start = (year: number) => api.request('PATCH', '/apis/batch/v1/namespaces/default/jobs/j/status', { body: { status: { startTime: `${year}-01-01T00:00:00Z` } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal((await start(2025)).code, 200);
    assert.match((await start(2026)).text, /status\.startTime: Required value: field is immutable for unsuspended job once set/);
  });

  it('tells people how it is, and programs that ask for the kind', async () => {
    const get = (path: string, accept?: string) => api.request('GET', path, { headers: accept === undefined ? {} : { accept } });
    const text = await get('/statusz');
    assert.equal(text.headers['content-type'], 'text/plain; charset=utf-8');
    assert.match(text.text, /^\nkube-apiserver statusz\nWarning: .*\n\nStarted: \w+ \w+ [\d ]\d [\d:]+ UTC \d+\nUp: 0 hr \d\d min \d\d sec\n/);
    const status = (await get('/statusz', 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz')).json();
    assert.deepEqual([status['kind'], status['apiVersion'], status['emulationVersion']], ['Statusz', 'config.k8s.io/v1beta1', '1.36']);
    assert.equal((await get('/flagz', 'application/json;v=v1beta1;g=config.k8s.io;as=Flagz')).json()['kind'], 'Flagz');
    for (const accept of ['application/json', 'application/json;v=v1beta1;g=config.k8s.io;as=Flagz']) assert.equal((await get('/statusz', accept)).code, 406, accept);
    assert.equal((await api.request('GET', '/statusz', { anonymous: true })).code, 403);
  });

  it('keeps the status of a ServiceCIDR from those who write its spec', async () => {
    const condition = { type: 'Ready', status: 'False', reason: 'x', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
    await create('/apis/networking.k8s.io/v1/servicecidrs', { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] }, status: { conditions: [condition] } });
    const kept = await api.request('GET', '/apis/networking.k8s.io/v1/servicecidrs/more');
    assert.deepEqual(kept.json<{ status?: object }>().status, {});
  });
});
