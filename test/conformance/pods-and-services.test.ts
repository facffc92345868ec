import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { Endpoints } from '#api/core/endpoints.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import type { EndpointSlice as EndpointSliceObject } from '#api/discovery/endpoint-slice.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, workspaceTests } from './cluster.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

describe('conformance: pods', { concurrency: false }, () => {
  inCluster('[sig-node] Pods should be submitted and removed [NodeConformance] [Conformance]', async (w) => {
    const { metadata: { resourceVersion } } = await w.client.list(Pod, { namespace: w.namespace });
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const events of w.client.watch(Pod, { namespace: w.namespace, labelSelector: 'name=p', resourceVersion, signal: stop.signal })) {
        for (const { type } of events) seen.push(type);
        if (seen.includes('DELETED')) break;
      }
    })();
    await w.client.create(Pod, w.pod('p', { labels: { name: 'p' } }));
    assert.equal((await w.pods('name=p')).length, 1);
    await w.until(Pod, 'p', isReady);
    await w.client.delete(Pod, w.key('p'), { gracePeriodSeconds: 30 });
    await watching;
    stop.abort();
    assert.equal(seen[0], 'ADDED');
    assert.equal((await w.pods('name=p')).length, 0);
  });
  inCluster('[sig-node] Pods should be updated [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', { labels: { time: 'a' } }));
    await w.until(Pod, 'p', isReady);
    const found = await w.client.get(Pod, w.key('p'));
    await w.client.update(Pod, { ...found, metadata: { ...found.metadata, labels: { time: 'b' } } });
    assert.equal((await w.pods('time=b')).length, 1);
    assert.equal((await w.client.get(Pod, w.key('p'))).status.phase, 'Running');
  });
  inCluster('[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    await w.until(Pod, 'p', isReady);
    await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { spec: { activeDeadlineSeconds: 1 } } });
    await w.until(Pod, 'p', ({ status }) => status.phase === 'Failed' && status.reason === 'DeadlineExceeded');
  });
  inCluster('[sig-node] Pods should get a host IP [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    const pod = await w.until(Pod, 'p', ({ status }) => (status.hostIP ?? '') !== '');
    assert.match(pod.status.hostIP ?? '', /^\d+\.\d+\.\d+\.\d+$/);
    assert.ok(pod.status.hostIPs?.some((each) => each.ip === pod.status.hostIP));
  });
  inCluster('[sig-node] Pods should patch a pod status [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    await w.until(Pod, 'p', isReady);
    const patched = await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { metadata: { annotations: { patched: 'yes' } }, status: { message: 'Patched by e2e test', reason: 'E2E' } } }, { subresource: 'status' });
    assert.deepEqual([patched.status.message, patched.status.reason], ['Patched by e2e test', 'E2E']);
  });
  inCluster('[sig-node] Pods should delete a collection of pods [Conformance]', async (w) => {
    for (const name of ['a', 'b', 'c']) await w.client.create(Pod, w.pod(name, { labels: { type: 'Testing' }, spec: { terminationGracePeriodSeconds: 1 } }));
    assert.equal((await w.pods('type=Testing')).length, 3);
    await w.client.deleteCollection(Pod, { namespace: w.namespace, labelSelector: 'type=Testing' });
    await w.eventually(async () => (await w.pods('type=Testing')).length === 0);
  });
  inCluster('[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', { labels: { 'test-pod-static': 'true' }, spec: { terminationGracePeriodSeconds: 1 } }));
    await w.until(Pod, 'p', isReady);
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { metadata: { labels: { 'test-pod': 'patched' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'agnhost:patched' }] } } });
    await w.until(Pod, 'p', ({ metadata, spec }) => metadata.labels?.['test-pod'] === 'patched' && spec.containers[0]?.image === 'agnhost:patched');
    for (;;) {
      const found = await w.client.get(Pod, w.key('p'));
      const conditions = (found.status.conditions ?? []).map((each) => (each.type === 'Ready' ? { ...each, status: 'False' as const } : each));
      if (await w.client.updateStatus(Pod, { ...found, status: { ...found.status, conditions } }).then(() => true, () => false)) break;
    }
    await w.client.deleteCollection(Pod, { namespace: w.namespace, labelSelector: 'test-pod-static=true' });
    await w.untilGone(Pod, 'p');
  });
  inCluster('[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu [Conformance]', async (w) => {
    const resources = { cpu: '100m', memory: '100Mi' };
    await w.client.create(Pod, w.pod('p', { spec: { containers: [{ name: 'c', image: 'i', resources: { limits: resources, requests: resources } }] } }));
    assert.equal((await w.client.get(Pod, w.key('p'))).status.qosClass, 'Guaranteed');
  });
  inCluster('[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]', async (w) => {
    const made = await w.client.create(Pod, w.pod('p', { spec: { tolerations: [] } }));
    assert.equal(made.metadata.generation, 1);
    await w.until(Pod, 'p', (pod) => isReady(pod) && pod.status.observedGeneration === pod.metadata.generation);
    const before1 = (await w.client.get(Pod, w.key('p'))).metadata.generation ?? 0;
    await w.client.patch(Pod, w.key('p'), { type: 'merge', patch: { metadata: { labels: { x: 'y' } } } });
    assert.equal((await w.client.get(Pod, w.key('p'))).metadata.generation, before1);
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { containers: [{ name: 'c', image: 'agnhost:new' }] } } });
    const updated = await w.until(Pod, 'p', ({ status, metadata }) => metadata.generation === before1 + 1 && status.observedGeneration === before1 + 1);
    assert.equal(updated.spec.containers[0]?.image, 'agnhost:new');
  });
  inCluster('[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]', async (w) => {
    const made = await w.client.create(Pod, { ...w.pod('p'), metadata: { ...w.key('p'), generation: 100, finalizers: ['e2e.example.com/x'] } });
    assert.equal(made.metadata.generation, 1);
    await w.until(Pod, 'p', isReady);
    const { generation = 0 } = (await w.client.get(Pod, w.key('p'))).metadata;
    await w.client.delete(Pod, w.key('p'), { gracePeriodSeconds: 30 });
    await w.until(Pod, 'p', ({ metadata }) => metadata.deletionTimestamp !== undefined && metadata.generation === generation + 1);
    await w.client.patch(Pod, w.key('p'), { type: 'json', operations: [{ op: 'remove', path: '/metadata/finalizers' }] });
  });
  const withEphemeral = (pod: PodObject, ...names: string[]): PodObject => ({ ...pod, spec: { ...pod.spec, ephemeralContainers: names.map((name) => ({ name, image: 'busybox', command: ['sh'], stdin: true, tty: true })) as unknown as PodObject['spec']['ephemeralContainers'] } });
  const ephemeralRuns = (...names: string[]) => ({ status }: PodObject): boolean => names.every((name) => status.ephemeralContainerStatuses?.some((each) => each.name === name && each.state.running !== undefined));
  inCluster('[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    const pod = await w.until(Pod, 'p', isReady);
    await w.client.updateSubresource(Pod, withEphemeral(pod, 'debugger'), 'ephemeralcontainers');
    await w.until(Pod, 'p', ephemeralRuns('debugger'));
  });
  inCluster('[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p'));
    await w.until(Pod, 'p', isReady);
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox', command: ['sh'] }] } } }, { subresource: 'ephemeralcontainers' });
    const one = await w.until(Pod, 'p', ephemeralRuns('debugger'));
    assert.equal(one.spec.ephemeralContainers?.length, 1);
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { ephemeralContainers: [{ name: 'debugger2', image: 'busybox', command: ['sh'] }] } } }, { subresource: 'ephemeralcontainers' });
    const two = await w.until(Pod, 'p', ephemeralRuns('debugger', 'debugger2'));
    assert.equal(two.spec.ephemeralContainers?.length, 2);
  });
});

describe('conformance: Services and endpoints', { concurrency: false }, () => {
  const service = (w: Workspace, spec: Given<ServiceObject['spec']>, name = 'example'): Promise<ServiceObject> => w.client.create(Service, { metadata: w.key(name), spec });
  const slices = async (w: Workspace, name = 'example'): Promise<readonly EndpointSliceObject[]> =>
    (await w.client.list(EndpointSlice, { namespace: w.namespace, labelSelector: `kubernetes.io/service-name=${name}` })).items;
  const web = (w: Workspace, name: string, port: number, portName: string): Promise<PodObject> =>
    w.client.create(Pod, w.pod(name, { labels: { app: 'web' }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port, name: portName }] }], terminationGracePeriodSeconds: 0 } }));

  inCluster('[sig-network] Services should find a service from listing all namespaces [Conformance]', async (w) => {
    await service(w, { ports: [{ port: 80 }] });
    assert.ok((await w.client.list(Service, {})).items.some((each) => each.metadata.name === 'example' && each.metadata.namespace === w.namespace));
  });
  inCluster('[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]', async (w) => {
    await service(w, { selector: { does: 'not-match' }, ports: [{ name: 'example', port: 80 }] });
    await w.eventually(async () => (await slices(w)).length === 1);
    await w.client.delete(Service, w.key('example'));
    await w.eventually(async () => (await slices(w)).length === 0);
  });
  inCluster('[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [Conformance]', async (w) => {
    await web(w, 'pod1', 3000, 'example-name');
    await web(w, 'pod2', 3001, 'example-name');
    await service(w, { selector: { app: 'web' }, ports: [{ name: 'example', port: 80, targetPort: 'example-name' }] });
    await w.eventually(async () => {
      const names = new Set((await slices(w)).flatMap((each) => each.endpoints ?? []).filter((each) => each.conditions.ready === true).map((each) => each.targetRef?.name));
      return names.size === 2 && names.has('pod1') && names.has('pod2');
    });
    assert.deepEqual(new Set((await slices(w)).flatMap((each) => each.ports ?? []).map((each) => each.port)), new Set([3000, 3001]));
    await w.client.delete(Service, w.key('example'));
    await w.eventually(async () => (await slices(w)).length === 0);
  });
  inCluster('[sig-network] EndpointsController should create Endpoints for Pods matching a Service [Conformance]', async (w) => {
    await web(w, 'pod1', 3000, 'p');
    await service(w, { selector: { app: 'web' }, ports: [{ name: 'example', port: 80, targetPort: 3000 }] });
    const found = await w.until(Endpoints, 'example', ({ subsets }) => (subsets ?? []).some((each) => (each.addresses ?? []).length === 1));
    assert.equal(found.subsets?.[0]?.ports?.[0]?.port, 3000);
    await w.client.delete(Service, w.key('example'));
    await w.untilGone(Endpoints, 'example');
  });
  inCluster('[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods [Conformance]', async (w) => {
    await service(w, { selector: { does: 'not-match' }, ports: [{ name: 'example', port: 80 }] });
    await w.until(Endpoints, 'example', ({ subsets }) => (subsets ?? []).length === 0);
    await w.client.delete(Service, w.key('example'));
    await w.untilGone(Endpoints, 'example');
  });
  inCluster('[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete [Conformance]', async (w) => {
    await service(w, { ports: [{ name: 'example', port: 80, targetPort: 80 }] });
    const made = await w.client.create(Endpoints, { metadata: w.key('example'), subsets: [{ ports: [{ port: 80, name: 'example' }], addresses: [{ ip: '10.1.2.3' }] }] });
    await w.eventually(async () => (await slices(w)).some((each) => each.endpoints?.[0]?.addresses[0] === '10.1.2.3' && each.ports?.[0]?.port === 80));
    await w.client.update(Endpoints, { ...made, metadata: { ...made.metadata, resourceVersion: '' }, subsets: [{ ports: [{ port: 90, name: 'example' }], addresses: [{ ip: '10.2.3.4' }] }] });
    await w.eventually(async () => (await slices(w)).some((each) => each.endpoints?.[0]?.addresses[0] === '10.2.3.4' && each.ports?.[0]?.port === 90));
    await w.client.delete(Endpoints, w.key('example'));
    await w.eventually(async () => (await slices(w)).length === 0);
  });
  inCluster('[sig-network] Services should serve multiport endpoints from pods [Conformance]', async (w) => {
    await service(w, { selector: { app: 'web' }, ports: [{ name: 'portname1', port: 80, targetPort: 'p1' }, { name: 'portname2', port: 81, targetPort: 'p2' }] });
    const shown = async (): Promise<string> => (await slices(w)).flatMap(({ endpoints, ports }) => endpoints.flatMap((endpoint) => ports.map((port) => `${endpoint.targetRef?.name} ${port.name} ${port.port}`))).sort().join();
    await web(w, 'pod1', 100, 'p1');
    await w.eventually(async () => await shown() === 'pod1 portname1 100');
    await web(w, 'pod2', 101, 'p2');
    await w.eventually(async () => await shown() === 'pod1 portname1 100,pod2 portname2 101');
    await w.client.delete(Pod, w.key('pod1'));
    await w.eventually(async () => await shown() === 'pod2 portname2 101');
    await w.client.delete(Pod, w.key('pod2'));
    await w.eventually(async () => await shown() === '');
  });
});
