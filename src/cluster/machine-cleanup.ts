/** Takes from the machine what a node with real containers put there. */
import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRuntime } from '#kubelet/cri/grpc.ts';
import type { RuntimeConnection } from '#kubelet/cri/grpc.ts';
import { purgeContainerd, startContainerd } from '#kubelet/runtime/containerd.ts';
import { mountsBelow, run } from '#kubelet/runtime/machine.ts';
import { removeCgroup } from '#kubelet/volumes/cgroups.ts';
import { purgeNetwork } from '#network/node-network.ts';
import { purgeProxy } from '#proxy/proxy.ts';
import { containerdOf } from './containerd-of.ts';
import { restoreKernelSettings } from './kernel-settings.ts';
import type { ClusterLayout, NodeLayout } from './layout.ts';
import { knownNodeLayouts } from './layout.ts';
import type { ClusterSettings } from './settings.ts';
import type { StopDependencies } from './stop-cluster.ts';

/** How long a container may take to end after it was told to. */
const graceSeconds = 5;
/** Sandboxes taken down at once: each costs a process of the network plugin and one of runc. */
const removalsAtOnce = 8;

/** Ends every container and pod network of the cluster, then containerd, then the rules that led to them. */
export async function stopContainers(layout: ClusterLayout, settings: ClusterSettings | undefined, dependencies: StopDependencies): Promise<void> {
  const nodes = await knownNodeLayouts(layout);
  await Promise.all(nodes.map((node) => stopContainersOf(node, dependencies)));
  await removeRules(layout, nodes, settings);
}

async function stopContainersOf(layout: NodeLayout, dependencies: StopDependencies): Promise<void> {
  // One that has died is started again: only it can take its pods down properly.
  const containerd = await startContainerd(containerdOf(layout), dependencies);
  const connection = connectRuntime(containerd.socket, dependencies);
  try {
    await removePods(connection, dependencies);
  } finally {
    connection.close();
  }
  await containerd.stop();
}

/** Removes the rest. Works on a machine where nothing is left, or nothing ever was. */
export async function purgeMachine(layout: ClusterLayout, settings: ClusterSettings | undefined, dependencies: StopDependencies): Promise<void> {
  const nodes = await knownNodeLayouts(layout);
  await Promise.all(nodes.map((node) => purgeContainerd(containerdOf(node), dependencies)));
  await removeRules(layout, nodes, settings);
  for (const directory of [layout.stateDir, layout.runDir]) {
    for (const mount of await mountsBelow(directory)) await run('umount', ['-l', mount]).catch(() => undefined);
  }
  for (const node of nodes) {
    await rm(node.kubeletDir, { recursive: true, force: true });
    await removeCgroup(node.cgroupRoot);
  }
  await restoreKernelSettings(layout.name);
  // Made by shims and network plugins for everybody; they stay while somebody else uses them.
  for (const directory of sharedDirectories) await rmdir(directory).catch(() => undefined);
}

const sharedDirectories = [
  '/run/containerd/s', '/run/containerd/runc/k8s.io', '/run/containerd/runc', '/run/containerd', '/var/lib/cni/results', '/var/lib/cni/cache', '/var/lib/cni',
];

async function removeRules(layout: ClusterLayout, nodes: readonly NodeLayout[], settings: ClusterSettings | undefined): Promise<void> {
  await purgeProxy(layout.name).catch(() => undefined);
  for (const node of nodes) {
    const podCidrs = [...(settings === undefined ? [] : [settings.podCidr]), ...(await configuredRanges(node))];
    await purgeNetwork({ clusterName: node.name, podCidrs, cniConfDir: node.cniConfDir, leaseDir: node.leaseDir }).catch(() => undefined);
  }
}

/** The node's pod ranges as its network list has them: a kubelet that runs alone has no settings. */
async function configuredRanges(layout: NodeLayout): Promise<readonly string[]> {
  interface NetworkList {
    readonly plugins?: readonly { readonly ipam?: { readonly ranges?: readonly (readonly { readonly subnet?: string }[])[] } }[];
  }
  const text = await readFile(join(layout.cniConfDir, '10-skiff.conflist'), 'utf8').catch(() => '{}');
  const { plugins = [] } = JSON.parse(text) as NetworkList;
  return plugins.flatMap(({ ipam }) => ipam?.ranges ?? []).flat().flatMap(({ subnet }) => subnet ?? []);
}

async function removePods({ runtime }: RuntimeConnection, { log }: StopDependencies): Promise<void> {
  const running = await runtime.listContainers({ state: 'CONTAINER_RUNNING' });
  await Promise.all(running.map(({ id }) => runtime.stopContainer(id, graceSeconds).catch((error: unknown) => log.warn({ error, container: id }, 'a container could not be stopped'))));
  const sandboxes = [...(await runtime.listPodSandbox())];
  const work = async (): Promise<void> => {
    for (let sandbox = sandboxes.pop(); sandbox !== undefined; sandbox = sandboxes.pop()) {
      const { id, metadata } = sandbox;
      try {
        await runtime.stopPodSandbox(id);
        await runtime.removePodSandbox(id);
      } catch (error) {
        log.warn({ error, pod: `${metadata.namespace}/${metadata.name}` }, 'a pod could not be taken down');
      }
    }
  };
  await Promise.all(Array.from({ length: removalsAtOnce }, work));
}
