/** The node that this machine is: its runtime, kubelet, pod network and Service rules. */
import { mkdir } from 'node:fs/promises';
import type { ComponentContext } from '#client/component.ts';
import { connectRuntime } from '#kubelet/cri/grpc.ts';
import type { RuntimeConnection } from '#kubelet/cri/grpc.ts';
import { pauseImage } from '#kubelet/images/bundled-images.ts';
import { startKubelet } from '#kubelet/kubelet.ts';
import type { KubeletHandle } from '#kubelet/kubelet-handle.ts';
import { machinePlatform } from '#kubelet/machine-platform.ts';
import { startContainerd } from '#kubelet/runtime/containerd.ts';
import { setUpNetwork } from '#network/node-network.ts';
import { startProxy } from '#proxy/proxy.ts';
import { containerdOf } from './containerd-of.ts';
import { bundledImages } from './demo-images.ts';
import type { LocalClusterDependencies, LocalClusterOptions } from './local-cluster.ts';

export interface MachineNodeDependencies extends LocalClusterDependencies {
  readonly kubeletContext: ComponentContext;
  readonly proxyContext: ComponentContext;
}

export interface MachineNode {
  readonly handle: KubeletHandle;
  /** Resolves when kubelet and proxy work. */
  readonly ready: Promise<void>;
  /** Containers and rules stay. */
  close(): Promise<void>;
}

/** Starts or adopts the container runtime and gives it the sandbox image. */
export async function prepareRuntime({ layout, runtimeEndpoint }: LocalClusterOptions, dependencies: LocalClusterDependencies): Promise<RuntimeConnection> {
  if (runtimeEndpoint !== undefined) return connectRuntime(runtimeEndpoint, dependencies);
  const containerd = await startContainerd(containerdOf(layout), dependencies);
  dependencies.log.info({ pid: containerd.pid, adopted: containerd.wasAdopted }, 'containerd runs');
  const connection = connectRuntime(containerd.socket, dependencies);
  // Built here rather than pulled: a cluster starts without any registry.
  if ((await connection.images.imageStatus({ image: pauseImage })) === undefined) {
    const archive = (await bundledImages(layout)).find(({ name }) => name === pauseImage);
    if (archive !== undefined) await containerd.importImage(archive.file);
  }
  return connection;
}

export async function startMachineNode(options: LocalClusterOptions, dependencies: MachineNodeDependencies, connection: RuntimeConnection): Promise<MachineNode> {
  const { layout, settings } = options;
  const { kubeletContext, proxyContext } = dependencies;
  await Promise.all([layout.kubeletDir, layout.kubeletRunDir, layout.podLogsDir].map((directory) => mkdir(directory, { recursive: true })));
  const platform = await machinePlatform(kubeletContext, {
    connection,
    nodeName: settings.nodeName,
    rootDir: layout.kubeletDir,
    runDir: layout.kubeletRunDir,
    logDir: layout.podLogsDir,
    cgroupRoot: layout.cgroupRoot,
  });
  const kubelet = startKubelet(kubeletContext, {
    nodeName: settings.nodeName,
    platform,
    port: settings.kubeletPort,
    configureNetwork: (podCidrs) => setUpNetwork({
      clusterName: layout.name, podCidrs, clusterCidrs: [settings.podCidr], cniConfDir: layout.cniConfDir, leaseDir: layout.leaseDir,
    }),
  });
  const proxy = startProxy(proxyContext, { nodeName: settings.nodeName, clusterName: layout.name, clusterCidrs: [settings.podCidr] });
  return {
    handle: kubelet.handle,
    ready: Promise.all([kubelet.ready, proxy.ready]).then(() => undefined),
    async close() {
      await Promise.all([kubelet.close(), proxy.close()]);
      await platform.close();
      connection.close();
    },
  };
}
