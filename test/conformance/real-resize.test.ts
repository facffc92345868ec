/** Resources that change while containers run: the same behaviours as in resize.test.ts, shown by the kernel's control groups. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'node:test';
import { Pod } from '#api/core/pod.ts';
import type { Workspace } from './cluster.ts';
import { isReady } from './cluster.ts';
import type { Container } from './real-node.ts';
import { machineTests, noContainers, startRealNode } from './real-node.ts';
import { shared } from '../support/shared.ts';

const root = '/sys/fs/cgroup';
const isUnified = existsSync(`${root}/cgroup.controllers`);
const skip = noContainers() || (existsSync(isUnified ? `${root}/cgroup.controllers` : `${root}/cpu/cpu.shares`) ? false : 'there are no control groups');
const node = shared(startRealNode, skip);

const onMachine = machineTests(node);

interface Amounts {
  readonly requests?: Readonly<Record<string, string>> | undefined;
  readonly limits?: Readonly<Record<string, string>> | undefined;
}
const both = (cpu: string, memory: string): Amounts => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const sorted = (resources: Amounts | undefined): string => JSON.stringify([resources?.requests, resources?.limits].map((each) => Object.entries(each ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));
const isResized = (all: readonly Amounts[]) => ({ status, metadata }: Pod): boolean =>
  status.observedGeneration === metadata.generation && !(status.conditions ?? []).some((each) => each.type === 'PodResizePending' || each.type === 'PodResizeInProgress')
  && all.every((resources, index) => sorted(status.containerStatuses?.find((each) => each.name === names[index])?.resources) === sorted(resources));
const names = ['c', 'c2', 'c3', 'c4', 'c5', 'c6'];

/** What the kernel holds a process to: CPU shares (or weight) and quota, bytes of memory. */
interface Held {
  readonly weight: number;
  readonly quotaUs: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** The control group of a container's first process, or the one above it, which is the pod's. */
async function heldTo(w: Workspace, container: string, { above = false } = {}): Promise<Held> {
  const { status } = await w.client.get(Pod, w.key('p'));
  const id = status.containerStatuses?.find(({ name }) => name === container)?.containerID?.replace(/^.*:\/\//, '') ?? '';
  // As the host sees it: on the unified hierarchy a container sees its own group as the root.
  const pathOf = (controller: string): string => {
    const [directory = ''] = execFileSync('find', [join(root, controller), '-type', 'd', '-name', id], { encoding: 'utf8' }).split('\n');
    return join(directory, above ? '..' : '');
  };
  const read = async (controller: string, file: string): Promise<string> => (await readFile(join(pathOf(controller), file), 'utf8')).trim();
  const limit = (text: string | undefined): number | undefined => (text === 'max' || Number(text) < 0 || Number(text) > 2 ** 60 ? undefined : Number(text));
  if (isUnified) return { weight: Number(await read('', 'cpu.weight')), quotaUs: limit((await read('', 'cpu.max')).split(' ')[0]), memoryBytes: limit(await read('', 'memory.max')) };
  return { weight: Number(await read('cpu', 'cpu.shares')), quotaUs: limit(await read('cpu', 'cpu.cfs_quota_us')), memoryBytes: limit(await read('memory', 'memory.limit_in_bytes')) };
}

const millis = (text: string | undefined): number => (text === undefined ? 0 : Number.parseInt(text, 10));
const mebibytes = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number.parseInt(text, 10) * 2 ** 20);
/** Source: Kubernetes documentation, "Resource Management for Pods and Containers"; from shares to weights as runtimes do. */
function expected({ requests, limits }: Amounts): Held {
  const shares = Math.max(2, Math.floor((millis(requests?.['cpu'] ?? limits?.['cpu']) * 1024) / 1000));
  const quota = limits?.['cpu'] === undefined ? undefined : Math.max(1000, millis(limits['cpu']) * 100);
  return { weight: isUnified ? Math.max(1, 1 + Math.floor(((shares - 2) * 9999) / 262_142)) : shares, quotaUs: quota, memoryBytes: mebibytes(limits?.['memory']) };
}

async function resized(w: Workspace, from: readonly Amounts[], to: readonly Amounts[], how: 'patch' | 'replace' = 'patch'): Promise<void> {
  const containers = from.map((resources, index): Container => ({ ...node().pod(w, 'p', { script: 'exec sleep 3600' }).spec?.containers?.[0], name: names[index] ?? '', resources }));
  const made = node().pod(w, 'p', { spec: { restartPolicy: 'Always' } });
  await w.client.create(Pod, { ...made, spec: { ...made.spec, containers } });
  const earlier = await node().until(w, 'p', (pod) => isReady(pod) && isResized(from)(pod));
  for (const [index, resources] of from.entries()) assert.deepEqual(await heldTo(w, names[index] ?? ''), expected(resources), `${names[index]} at first`);
  if (how === 'patch') await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { containers: to.map((resources, index) => ({ name: names[index], resources })) } } }, { subresource: 'resize' });
  else {
    const found = await w.client.get(Pod, w.key('p'));
    await w.client.updateSubresource(Pod, { ...found, spec: { ...found.spec, containers: found.spec.containers.map((each, index) => ({ ...each, resources: to[index] ?? each.resources })) } }, 'resize');
  }
  const done = await node().until(w, 'p', isResized(to));
  assert.deepEqual([done.status.qosClass, done.metadata.generation, done.status.containerStatuses?.map(({ restartCount }) => restartCount)], [earlier.status.qosClass, 2, to.map(() => 0)]);
  for (const [index, resources] of to.entries()) assert.deepEqual(await heldTo(w, names[index] ?? ''), expected(resources), `${names[index]} afterwards`);
  // The pod as a whole has room for its parts, and no more where all have limits.
  const sum = (name: 'cpu' | 'memory'): number => to.reduce((total, { limits }) => total + Number.parseInt(limits?.[name] ?? '0', 10), 0);
  const whole = await heldTo(w, 'c', { above: true });
  assert.equal(whole.quotaUs, to.every(({ limits }) => limits?.['cpu'] !== undefined) ? Math.max(1000, sum('cpu') * 100) : undefined, 'quota of the pod');
  assert.equal(whole.memoryBytes, to.every(({ limits }) => limits?.['memory'] !== undefined) ? sum('memory') * 2 ** 20 : undefined, 'memory of the pod');
}

describe('conformance: resizing real containers', { skip, concurrency: 2 }, () => {
  const three = [both('20m', '20Mi'), both('20m', '20Mi'), both('20m', '20Mi')];
  const name = (what: string): string => `[sig-node] Pod InPlace Resize Container ${what} [MinimumKubeletVersion:1.34] [Conformance]`;
  const guaranteed = (what: string): string => name(`guaranteed pods with multiple containers 3 containers - ${what}`);
  onMachine(guaranteed('increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)'), (w) => resized(w, three, [both('30m', '20Mi'), both('10m', '30Mi'), both('30m', '30Mi')]));
  onMachine(guaranteed('increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease'), (w) => resized(w, three, [both('30m', '30Mi'), both('10m', '10Mi'), both('10m', '10Mi')]));
  onMachine(guaranteed('increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase'), (w) => resized(w, three, [both('30m', '30Mi'), both('30m', '30Mi'), both('10m', '10Mi')]));
  onMachine(name('burstable pods - extended 6 containers - various operations performed (including adding limits and requests)'), (w) =>
    resized(w, [
      {}, { requests: { cpu: '20m' } }, { requests: { memory: '20Mi' } }, { requests: { cpu: '20m', memory: '20Mi' } }, both('20m', '20Mi'), { requests: { cpu: '20m', memory: '20Mi' }, limits: { cpu: '40m', memory: '40Mi' } },
    ], [
      { requests: { cpu: '10m' } }, { requests: { cpu: '30m', memory: '10Mi' } }, { requests: { memory: '30Mi' }, limits: { memory: '50Mi' } }, { requests: { cpu: '10m', memory: '10Mi' } }, both('30m', '30Mi'), { requests: { cpu: '10m', memory: '30Mi' }, limits: { cpu: '30m', memory: '50Mi' } },
    ]));
  onMachine(name('burstable pods - extended resize with equivalents'), (w) => resized(w, [{ requests: { cpu: '2m' }, limits: { cpu: '10m' } }], [{ requests: { cpu: '1m' }, limits: { cpu: '5m' } }]));
  onMachine(name('resize pod via the replace endpoint'), (w) => resized(w, [both('20m', '20Mi')], [both('30m', '30Mi')], 'replace'));
});
