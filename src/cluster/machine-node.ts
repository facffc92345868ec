/** The nodes that this machine is: their runtimes, kubelets, pod networks, and its Service rules. */
import { mkdir } from 'node:fs/promises';
import { present } from '#base/assert.ts';
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
import { kubeletConfiguration, kubeletPaths } from '#kubelet/server/kubelet-configuration.ts';
import { versionInfo } from '#apiserver/documents/version.ts';
import type { Pages } from '#serving/diagnostics.ts';
import type { ZView } from '#serving/z-pages.ts';
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
import type { ClusterLayout, NodeLayout } from './layout.ts';
import { nodeLayout } from './layout.ts';
import type { ClusterSettings } from './settings.ts';
import { nodeNamesOf } from './settings.ts';

export interface MachineKubeletOptions extends Omit<KubeletOptions, 'platform' | 'configureNetwork'>, Omit<LinuxMachineOptions, 'rootDir'> {
  readonly layout: NodeLayout;
  /** Pod ranges of the whole cluster. Without them the network is somebody else's affair. */
  readonly clusterCidrs?: readonly string[] | undefined;
  /** What /statusz and /flagz say. Default: what every kubelet knows of itself. */
  readonly view?: (() => ZView) | undefined;
  /** For the kubelet's own HTTPS port. `clientCaPem`: the authority of the API server's client certificate. */
  readonly server?: { readonly address: string; readonly serving?: PemPair; readonly clientCaPem?: string } | undefined;
}

/** A component with the kubelet's handle. Containers stay when it is closed. */
export interface MachineNode extends RunningComponent {
  readonly handle: KubeletHandle;
}

export interface RuntimeOptions {
  readonly layout: NodeLayout;
  /** Those that come with Skiff, for all nodes of a cluster built once. */
  readonly images: () => ReturnType<typeof bundledImages>;
  /** Of a runtime that is there already. */
  readonly endpoint: string | undefined;
}

interface RuntimeDependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

/** A runtime for each node of the cluster. Throws when they would have to share one: a kubelet takes all that a runtime has for its own. */
export function prepareRuntimes(layout: ClusterLayout, settings: ClusterSettings, endpoint: string | undefined, dependencies: RuntimeDependencies): Promise<readonly RuntimeConnection[]> {
  const names = nodeNamesOf(settings);
  if (endpoint !== undefined && names.length > 1) return Promise.reject(new Error(`${names.length} nodes need ${names.length} container runtimes, and ${endpoint} is one`));
  let built: ReturnType<typeof bundledImages> | undefined;
  const images = (): ReturnType<typeof bundledImages> => (built ??= bundledImages(layout));
  return Promise.all(names.map((_, index) => prepareRuntime({ layout: nodeLayout(layout, index + 1), images, endpoint }, dependencies)));
}

/** Starts or adopts the container runtime of a node, gives it the sandbox image, and starts it again when it dies. */
export async function prepareRuntime({ layout, images, endpoint }: RuntimeOptions, dependencies: RuntimeDependencies): Promise<RuntimeConnection> {
  if (endpoint !== undefined) return connectRuntime(endpoint, dependencies);
  const containerd = await startContainerd(containerdOf(layout), dependencies);
  dependencies.log.info({ pid: containerd.pid, adopted: containerd.wasAdopted }, 'containerd runs');
  const connection = connectRuntime(containerd.socket, dependencies);
  // Built here rather than pulled: a cluster starts without any registry.
  if ((await connection.images.imageStatus({ image: pauseImage })) === undefined) {
    const archive = (await images()).find(({ name }) => name === pauseImage);
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
  const server = createKubeletServer({ kubelet, clock, log, ...certificates, access: delegatedAccess({ client, clock, nodeName }), summary: () => stats.summary(), logFolder: '/var/log', pages: pagesOf(options, clock) });
  await server.listen({ host: address, port });
  return server;
}

/** What the kubelet shows of itself; where nobody says how it was started, it has no flags. */
function pagesOf(options: MachineKubeletOptions, clock: Clock): Pages {
  const startedMs = clock.nowMs();
  const view = (): ZView => ({ component: 'kubelet', version: versionInfo, paths: kubeletPaths, startedMs, nowMs: clock.nowMs(), flags: {} });
  return { view: options.view ?? view, configurations: () => ({ kubeletconfig: kubeletConfiguration({ ...options, address: options.server?.address }) }), profiling: clock };
}

export interface MachineNodes extends RunningComponent {
  readonly handles: readonly KubeletHandle[];
}

/** Kubelets and proxy of a cluster on one machine. The proxy writes the rules of the machine, whose nodes share its network. */
export async function startMachineNodes(
  { layout, settings, certificates }: { readonly layout: ClusterLayout; readonly settings: ClusterSettings; readonly certificates: ClusterCertificates },
  contexts: { readonly kubelets: readonly { readonly nodeName: string; readonly context: ComponentContext }[]; readonly proxy: ComponentContext },
  connections: readonly RuntimeConnection[],
): Promise<MachineNodes> {
  const clusterCidrs = [settings.podCidr];
  const serving = certificates.pairs['kubelet-server'];
  const server = { address: '0.0.0.0', clientCaPem: certificates.ca.certificatePem, ...(serving === undefined ? {} : { serving }) };
  const names = { clusterDns: [clusterDnsAddress(settings.serviceCidr)], clusterDomain };
  const kubelets = await Promise.all(contexts.kubelets.map(({ nodeName, context }, index) => startMachineKubelet(
    context,
    { layout: nodeLayout(layout, index + 1), nodeName, port: settings.kubeletPort + index, clusterCidrs, server, ...names },
    present(connections[index], `the runtime of ${nodeName}`),
  )));
  const proxy = startProxy(contexts.proxy, { nodeName: settings.nodeName, neighbours: nodeNamesOf(settings).slice(1), clusterName: layout.name, clusterCidrs });
  return {
    handles: kubelets.map(({ handle }) => handle),
    ready: Promise.all([...kubelets.map(({ ready }) => ready), proxy.ready]).then(() => undefined),
    async close() {
      await Promise.all([...kubelets.map((kubelet) => kubelet.close()), proxy.close()]);
    },
  };
}
