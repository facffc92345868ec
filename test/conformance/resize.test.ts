/** Resources that change while containers run: what the API says and what the runtime is told. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Pod } from '#api/core/pod.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import { Workspace, isReady, workspaceTests } from './cluster.ts';
import { programs } from './programs.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 2, clock: 'simulated', behaviour: programs });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

describe('conformance: resizing in place', { concurrency: false }, () => {
  interface Amounts {
    readonly requests?: Readonly<Record<string, string>> | undefined;
    readonly limits?: Readonly<Record<string, string>> | undefined;
  }
  const both = (cpu: string, memory: string): Amounts => ({ requests: { cpu, memory }, limits: { cpu, memory } });
  const containers = (all: readonly Amounts[]): NonNullable<Given<Pod['spec']>['containers']> => all.map((resources, index) => ({ name: `c${index + 1}`, image: 'busybox', resources }));
  const hasResources = (all: readonly Amounts[]) => ({ spec, status, metadata }: Pod): boolean =>
    status.observedGeneration === metadata.generation && !(status.conditions ?? []).some((each) => each.type === 'PodResizePending' || each.type === 'PodResizeInProgress')
    && all.every((resources, index) => {
      const container = status.containerStatuses?.find((each) => each.name === `c${index + 1}`);
      return JSON.stringify(sorted(spec.containers[index]?.resources)) === JSON.stringify(sorted(resources)) && JSON.stringify(sorted(container?.resources)) === JSON.stringify(sorted(resources)) && container?.restartCount === 0;
    });
  /** What the runtime was told of a container, in the units of a pod. */
  const told = (pod: Pod, name1: string): unknown => {
    const id = pod.status.containerStatuses?.find((each) => each.name === name1)?.containerID?.replace(/^.*:\/\//, '') ?? '';
    const { cpuShares = 0, memoryLimitInBytes = 0 } = cluster.nodes.get(pod.spec.nodeName ?? '')?.runtime.resourcesOf(id) ?? {};
    return { cpu: cpuShares <= 2 ? 0 : Math.ceil((cpuShares * 1000) / 1024), limit: memoryLimitInBytes / 2 ** 20 };
  };
  /** What shares can say: nothing below 3. */
  const millis = (text = '0'): number => (Number.parseInt(text, 10) < 3 ? 0 : Number.parseInt(text, 10));
  const mebibytes = (text = '0'): number => Number.parseInt(text, 10);
  const sorted = (resources: Amounts | undefined): unknown => [resources?.requests, resources?.limits].map((each) => Object.entries(each ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  const resized = async (w: Workspace, from: readonly Amounts[], to: readonly Amounts[]): Promise<void> => {
    await w.client.create(Pod, w.pod('p', { spec: { containers: containers(from) } }));
    await w.until(Pod, 'p', (pod) => isReady(pod) && hasResources(from)(pod));
    const earlier = await w.client.get(Pod, w.key('p'));
    const patch = { spec: { containers: to.map((resources, index) => ({ name: `c${index + 1}`, resources })) } };
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch }, { subresource: 'resize' });
    const done = await w.until(Pod, 'p', hasResources(to));
    assert.equal(done.status.qosClass, earlier.status.qosClass);
    assert.equal(done.metadata.generation, (earlier.metadata.generation ?? 0) + 1);
    for (const [index, resources] of to.entries()) assert.deepEqual(told(done, `c${index + 1}`), { cpu: millis(resources.requests?.['cpu'] ?? resources.limits?.['cpu']), limit: mebibytes(resources.limits?.['memory']) });
  };
  const three = [both('20m', '20Mi'), both('20m', '20Mi'), both('20m', '20Mi')];
  const name = (what: string): string => `[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - ${what} [MinimumKubeletVersion:1.34] [Conformance]`;
  inCluster(name('increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)'), (w) => resized(w, three, [both('30m', '20Mi'), both('10m', '30Mi'), both('30m', '30Mi')]));
  inCluster(name('increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease'), (w) => resized(w, three, [both('30m', '30Mi'), both('10m', '10Mi'), both('10m', '10Mi')]));
  inCluster(name('increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase'), (w) => resized(w, three, [both('30m', '30Mi'), both('30m', '30Mi'), both('10m', '10Mi')]));
  inCluster('[sig-node] Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests) [MinimumKubeletVersion:1.34] [Conformance]', (w) =>
    resized(w, [
      {}, { requests: { cpu: '20m' } }, { requests: { memory: '20Mi' } }, { requests: { cpu: '20m', memory: '20Mi' } }, both('20m', '20Mi'), { requests: { cpu: '20m', memory: '20Mi' }, limits: { cpu: '40m', memory: '40Mi' } },
    ], [
      { requests: { cpu: '10m' } }, { requests: { cpu: '30m', memory: '10Mi' } }, { requests: { memory: '30Mi' }, limits: { memory: '50Mi' } }, { requests: { cpu: '10m', memory: '10Mi' } }, both('30m', '30Mi'), { requests: { cpu: '10m', memory: '30Mi' }, limits: { cpu: '30m', memory: '50Mi' } },
    ]));
  inCluster('[sig-node] Pod InPlace Resize Container burstable pods - extended resize with equivalents [MinimumKubeletVersion:1.34] [Conformance]', (w) =>
    // Both are the least that a kernel can be told.
    resized(w, [{ requests: { cpu: '2m' }, limits: { cpu: '10m' } }], [{ requests: { cpu: '1m' }, limits: { cpu: '5m' } }]));
  inCluster('[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', { spec: { containers: containers([both('20m', '20Mi')]) } }));
    await w.until(Pod, 'p', isReady);
    const found = await w.client.get(Pod, w.key('p'));
    const [first, ...others] = found.spec.containers;
    assert.ok(first !== undefined);
    await w.client.updateSubresource(Pod, { ...found, spec: { ...found.spec, containers: [{ ...first, resources: both('30m', '30Mi') }, ...others] } }, 'resize');
    const done = await w.until(Pod, 'p', hasResources([both('30m', '30Mi')]));
    assert.deepEqual(await w.client.get(Pod, w.key('p')), await w.client.get(Pod, w.key('p')));
    assert.equal(done.metadata.generation, 2);
  });
});

describe('resizing that cannot be done now', { concurrency: false }, () => {
  it('waits while the node is full, and is refused where it could never be', async () => {
    const w = await new Workspace(cluster).open();
    const on = { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } };
    const asks = (cpu: string) => [{ name: 'c', image: 'pause', resources: { requests: { cpu } } }];
    await w.client.create(Pod, w.pod('other', { spec: { ...on, terminationGracePeriodSeconds: 0, containers: asks('2') } }));
    await w.client.create(Pod, w.pod('p', { spec: { ...on, containers: asks('1') } }));
    for (const name of ['other', 'p']) await w.until(Pod, name, isReady);
    const resize = (cpu: string): Promise<unknown> => w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } } }, { subresource: 'resize' });
    const pending = (reason: string) => ({ status }: Pod): boolean => status.conditions?.some((each) => each.type === 'PodResizePending' && each.reason === reason) === true;
    await resize('3');
    const deferred = await w.until(Pod, 'p', pending('Deferred'));
    assert.equal(deferred.status.containerStatuses?.[0]?.resources?.requests?.['cpu'], '1');
    await assert.rejects(resize('50'), /Node didn't have enough allocatable resources: cpu, requested: 50000, allocatable: 4000/);
    await w.client.delete(Pod, w.key('other'));
    const done = await w.until(Pod, 'p', ({ status }) => status.containerStatuses?.[0]?.resources?.requests?.['cpu'] === '3');
    assert.ok(!pending('Deferred')(done));
    await w.close();
  });
  it('starts containers anew that want it so', async () => {
    const w = await new Workspace(cluster).open();
    await w.client.create(Pod, w.pod('p', { spec: { containers: [{ name: 'c', image: 'pause', resources: { requests: { memory: '20Mi' }, limits: { memory: '20Mi' } }, resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }] } }));
    await w.until(Pod, 'p', isReady);
    await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { containers: [{ name: 'c', resources: { requests: { memory: '30Mi' }, limits: { memory: '30Mi' } } }] } } }, { subresource: 'resize' });
    await w.until(Pod, 'p', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].resources?.limits?.['memory'] === '30Mi');
    await w.close();
  });
});
