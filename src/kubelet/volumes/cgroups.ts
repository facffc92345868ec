import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '#api/core/pod.ts';
import { qosClassOf } from '#api/core/qos.ts';
import type { LinuxContainerResources } from '../cri/records.ts';

const mountPoint = '/sys/fs/cgroup';

/** Where a pod's processes are counted: `<root>/kubepods[/burstable|/besteffort]/pod<uid>`. Source: Kubernetes' cgroup layout. */
export function podCgroup(root: string, pod: Pod): string {
  const qos = pod.status.qosClass ?? qosClassOf(pod.spec);
  const tier = qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`;
  return `${root === '/' ? '' : root}/kubepods${tier}/pod${pod.metadata.uid}`;
}

/**
 * Makes the pod's control group with the limits of the pod as a whole; what has no limit loses the one it had. Without the right to do so it does nothing: the
 * runtime then makes the groups it needs, with the limits of the containers.
 */
export async function prepareCgroup(path: string, resources: LinuxContainerResources): Promise<void> {
  const values = (await isUnified()) ? unifiedValues(resources) : legacyValues(resources);
  for (const [controller, files] of values) {
    try {
      await makeGroup(controller, path);
      for (const [file, value] of files) await writeFile(join(mountPoint, controller, path, file), value);
    } catch {
      // A controller that is not there, or not ours to use.
    }
  }
}

/** Removes the group and those below it; what still holds a process stays. */
export async function removeCgroup(path: string): Promise<void> {
  const controllers = (await isUnified()) ? [''] : await readdir(mountPoint).catch(() => []);
  for (const controller of controllers) await removeTree(join(mountPoint, controller, path));
}

/** The group of a pod that is only known by its uid. */
export async function removeCgroupOf(root: string, podUid: string): Promise<void> {
  const base = root === '/' ? '' : root;
  for (const tier of ['', '/burstable', '/besteffort']) await removeCgroup(`${base}/kubepods${tier}/pod${podUid}`);
}

async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  await rmdir(directory).catch(() => undefined);
}

async function isUnified(): Promise<boolean> {
  return access(`${mountPoint}/cgroup.controllers`).then(() => true, () => false);
}

type GroupFiles = readonly (readonly [controller: string, files: readonly (readonly [file: string, value: string])[]])[];

function legacyValues({ cpuShares = 0, cpuPeriod, cpuQuota, memoryLimitInBytes }: LinuxContainerResources): GroupFiles {
  return [
    ['cpu', [['cpu.shares', String(cpuShares)], ...(cpuQuota === undefined ? [] : [['cpu.cfs_period_us', String(cpuPeriod)]] as const), ['cpu.cfs_quota_us', String(cpuQuota ?? -1)]]],
    ['memory', [['memory.limit_in_bytes', String(memoryLimitInBytes ?? -1)]]],
  ];
}

function unifiedValues({ cpuShares = 2, cpuPeriod, cpuQuota, memoryLimitInBytes }: LinuxContainerResources): GroupFiles {
  const weight = Math.max(1, Math.floor(1 + ((cpuShares - 2) * 9999) / 262_142));
  return [['', [
    ['cpu.weight', String(weight)],
    ['cpu.max', cpuQuota === undefined ? 'max' : `${cpuQuota} ${cpuPeriod}`],
    ['memory.max', String(memoryLimitInBytes ?? 'max')],
  ]]];
}

/** On the unified hierarchy every group must hand its controllers down. */
async function makeGroup(controller: string, path: string): Promise<void> {
  if (controller !== '') {
    await mkdir(join(mountPoint, controller, path), { recursive: true });
    return;
  }
  let directory = mountPoint;
  for (const part of path.split('/').filter((name) => name !== '')) {
    const available = (await readFile(join(directory, 'cgroup.controllers'), 'utf8')).trim().split(' ').filter((name) => name !== '');
    for (const name of available) await writeFile(join(directory, 'cgroup.subtree_control'), `+${name}`).catch(() => undefined);
    directory = join(directory, part);
    await mkdir(directory, { recursive: true });
  }
}
