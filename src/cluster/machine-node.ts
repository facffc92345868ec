/** The node that this machine is: its runtime, kubelet, pod network and Service rules. */
import { mkdir } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import { connectRuntime } from '#kubelet/cri/grpc.ts';
import type { RuntimeConnection } from '#kubelet/cri/grpc.ts';
import { pauseImage } from '#kubelet/images/bundled-images.ts';
import type { KubeletOptions } from '#kubelet/kubelet.ts';
import { startKubelet } from '#kubelet/kubelet.ts';
import type { KubeletHandle } from '#kubelet/kubelet-handle.ts';
import { machinePlatform } from '#kubelet/machine-platform.ts';
import type { LinuxMachineOptions } from '#kubelet/node/linux-machine.ts';
import type { NodePlatform } from '#kubelet/platform.ts';
import { startContainerd } from '#kubelet/runtime/containerd.ts';
import { delegatedAccess } from '#kubelet/server/delegated-access.ts';
import { createKubeletServer } from '#kubelet/server/kubelet-server.ts';
import { StatsReader } from '#kubelet/stats/summary.ts';
import { setUpNetwork } from '#network/node-network.ts';
import type { PemPair } from '#pki/authority.ts';
import { startProxy } from '#proxy/proxy.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import type { ClusterCertificates } from './certificates.ts';
import { clusterDnsAddress, clusterDomain } from './cluster-dns.ts';
import { containerdOf } from './containerd-of.ts';
import { bundledImages } from './demo-images.ts';
import { rememberKernelSettings } from './kernel-settings.ts';
import type { ClusterLayout } from './layout.ts';
import type { ClusterSettings } from './settings.ts';

export interface MachineKubeletOptions extends Omit<KubeletOptions, 'platform' | 'configureNetwork'>, Omit<LinuxMachineOptions, 'rootDir'> {
  readonly layout: ClusterLayout;
  /** Pod ranges of the whole cluster. Without them the network is somebody else's affair. */
  readonly clusterCidrs?: readonly string[] | undefined;
  /** For the kubelet's own HTTPS port. `clientCaPem`: the authority of the API server's client certificate. */
  readonly server?: { readonly address: string; readonly serving?: PemPair; readonly clientCaPem?: string } | undefined;
}

/** A component with the kubelet's handle. Containers stay when it is closed. */
export interface MachineNode extends RunningComponent {
  readonly handle: KubeletHandle;
}

/** Starts or adopts the container runtime, gives it the sandbox image, and starts it again when it dies. */
export async function prepareRuntime(layout: ClusterLayout, endpoint: string | undefined, dependencies: { readonly clock: Clock; readonly log: Logger }): Promise<RuntimeConnection> {
  if (endpoint !== undefined) return connectRuntime(endpoint, dependencies);
  const containerd = await startContainerd(containerdOf(layout), dependencies);
  dependencies.log.info({ pid: containerd.pid, adopted: containerd.wasAdopted }, 'containerd runs');
  const connection = connectRuntime(containerd.socket, dependencies);
  // Built here rather than pulled: a cluster starts without any registry.
  if ((await connection.images.imageStatus({ image: pauseImage })) === undefined) {
    const archive = (await bundledImages(layout)).find(({ name }) => name === pauseImage);
    if (archive !== undefined) await containerd.importImage(archive.file);
  }
  const supervision = new AbortController();
  containerd.supervise(supervision.signal);
  return {
    ...connection,
    close() {
      supervision.abort(new Error('the node is closing'));
      connection.close();
    },
  };
}

/** The kubelet on this machine, with the runtime behind `connection`, which is closed with it. */
export async function startMachineKubelet(context: ComponentContext, options: MachineKubeletOptions, connection: RuntimeConnection): Promise<MachineNode> {
  const { layout, clusterCidrs } = options;
  if (clusterCidrs !== undefined) await rememberKernelSettings();
  await Promise.all([layout.kubeletDir, layout.kubeletRunDir, layout.podLogsDir].map((directory) => mkdir(directory, { recursive: true })));
  const platform = await machinePlatform(context, {
    ...options, connection, rootDir: layout.kubeletDir, runDir: layout.kubeletRunDir, logDir: layout.podLogsDir, cgroupRoot: layout.cgroupRoot,
  });
  const kubelet = startKubelet(context, {
    ...options,
    platform,
    ...(clusterCidrs === undefined ? {} : {
      configureNetwork: (podCidrs) => setUpNetwork({ clusterName: layout.name, podCidrs, clusterCidrs, cniConfDir: layout.cniConfDir, leaseDir: layout.leaseDir }),
    }),
  });
  const server = options.server === undefined ? undefined : await serveKubelet(context, options, kubelet.handle, platform);
  return {
    handle: kubelet.handle,
    ready: kubelet.ready,
    async close() {
      await server?.close({ drainMs: 1000 });
      await kubelet.close();
      await platform.close();
      connection.close();
    },
  };
}

async function serveKubelet({ client, clock, log }: ComponentContext, options: MachineKubeletOptions, kubelet: KubeletHandle, platform: NodePlatform): Promise<SecureServer> {
  const { nodeName, port = 10_250 } = options;
  const { address = '0.0.0.0', ...certificates } = options.server ?? {};
  const stats = new StatsReader(platform, { nodeName, clock });
  const server = createKubeletServer({ kubelet, clock, log, ...certificates, access: delegatedAccess({ client, clock, nodeName }), summary: () => stats.summary() });
  await server.listen({ host: address, port });
  return server;
}

/** Kubelet and proxy of a cluster on one machine. */
export async function startMachineNode(
  { layout, settings, certificates }: { readonly layout: ClusterLayout; readonly settings: ClusterSettings; readonly certificates: ClusterCertificates },
  contexts: { readonly kubelet: ComponentContext; readonly proxy: ComponentContext },
  connection: RuntimeConnection,
): Promise<MachineNode> {
  const { nodeName } = settings;
  const clusterCidrs = [settings.podCidr];
  const serving = certificates.pairs['kubelet-server'];
  const server = { address: '0.0.0.0', clientCaPem: certificates.ca.certificatePem, ...(serving === undefined ? {} : { serving }) };
  const names = { clusterDns: [clusterDnsAddress(settings.serviceCidr)], clusterDomain };
  const kubelet = await startMachineKubelet(contexts.kubelet, { layout, nodeName, port: settings.kubeletPort, clusterCidrs, server, ...names }, connection);
  const proxy = startProxy(contexts.proxy, { nodeName, clusterName: layout.name, clusterCidrs });
  return {
    handle: kubelet.handle,
    ready: Promise.all([kubelet.ready, proxy.ready]).then(() => undefined),
    async close() {
      await Promise.all([kubelet.close(), proxy.close()]);
    },
  };
}
