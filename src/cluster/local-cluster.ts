/** A whole cluster on this machine in one process: the ordered start behind `skiff up`. */
import { hostname } from 'node:os';
import { mkdir } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { Node } from '#api/core/node.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import type { ComponentContext } from '#client/component.ts';
import type { KubeletHandle } from '#kubelet/kubelet-handle.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { ClusterCertificates } from './certificates.ts';
import { ensureCertificates } from './certificates.ts';
import { adminUser, nodeUser, proxyUser } from './component-users.ts';
import type { ControlPlane } from './control-plane.ts';
import { forwardToKubelet } from './forward-to-kubelet.ts';
import { writeKubeconfigs } from './kubeconfigs.ts';
import type { ClusterLayout } from './layout.ts';
import { nodeAddress } from './node-address.ts';
import type { ClusterSettings } from './settings.ts';
import { nodeNamesOf } from './settings.ts';

export type RuntimeChoice = 'containerd' | 'simulated';

export interface LocalClusterOptions {
  readonly layout: ClusterLayout;
  readonly settings: ClusterSettings;
  readonly runtime: RuntimeChoice;
  /** `unix://...` of a runtime that is there already, in place of a containerd of the cluster's own. */
  readonly runtimeEndpoint?: string | undefined;
}

export interface LocalClusterDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Hears of every step of the start: its name when it begins; what it answers is called when it is done. */
  readonly step: (name: string) => (remark?: string) => void;
}

export interface LocalCluster {
  /** https://127.0.0.1:port */
  readonly server: string;
  /** Stops the components; containers and Service rules stay. */
  close(): Promise<void>;
}

/** How long a node may take until it is ready. Beyond it something is wrong that the log tells. */
const nodeReadyTimeoutMs = 60_000;

/** Starts everything in one order. Resolves when the nodes are ready. What was started is closed when a step fails. */
export async function startLocalCluster(options: LocalClusterOptions, dependencies: LocalClusterDependencies): Promise<LocalCluster> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const server = await startInOrder(options, dependencies, closers);
    return { server, close };
  } catch (error) {
    await close().catch((closeError: unknown) => dependencies.log.warn({ error: closeError }, 'closing after a failed start failed too'));
    throw error;
  }
}

async function startInOrder(options: LocalClusterOptions, dependencies: LocalClusterDependencies, closers: (() => Promise<void>)[]): Promise<string> {
  const { layout, settings } = options;
  const { clock, random, log, step } = dependencies;
  const address = nodeAddress();

  await mkdir(layout.stateDir, { recursive: true });

  // Its thread starts on another core while the certificates are read and the control plane's files are loaded.
  const opening = openSqliteStore({ file: layout.storeFile, clock, random });
  opening.catch(() => undefined);
  const certified = step('Certificates');
  const certificates = await certificatesFor(layout, settings, address, clock);
  certified();

  const opened = step('Store');
  const [{ startControlPlane }, { inProcessNodes }] = await Promise.all([import('./control-plane.ts'), import('./in-process-nodes.ts')]);
  const store = await opening;
  closers.push(() => store.close());
  opened();

  const served = step('Control plane');
  let kubelets: readonly KubeletHandle[] = [];
  let apiServer: ApiServer | undefined;
  const controlPlane = await startControlPlane({
    store, clock, random, log,
    serviceAccountKey: certificates.serviceAccountKey,
    serviceClusterIpRanges: [settings.serviceCidr],
    serviceNodePortRange: settings.nodePorts,
    // As in the original: an event is of interest for an hour.
    eventTtlMs: 3_600_000,
    logFolder: '/var/log',
    requestTimeoutMs: 60_000,
    ...(certificates.pairs['front-proxy-client'] !== undefined && { frontProxy: { client: certificates.pairs['front-proxy-client'], caPem: certificates.frontProxyCa.certificatePem } }),
    nodes: {
      ...inProcessNodes((name) => kubelets.find(({ nodeName }) => nodeName === name), clock),
      ...(options.runtime === 'containerd' && { forward: forwardToKubelet(() => apiServer, certificates.pairs['apiserver-kubelet-client']) }),
    },
    controllers: { rootCaPem: certificates.ca.certificatePem, clusterCidrs: [settings.podCidr] },
  });
  ({ apiServer } = controlPlane);
  closers.push(() => controlPlane.close());
  const server = await listen(controlPlane, settings, certificates, address);
  await writeKubeconfigs(layout, certificates, server);
  served(`answers on ${server}`);

  // After the API answers: what the runtime's client loads would only keep it waiting.
  const machineNode = options.runtime === 'containerd' ? await import('./machine-node.ts') : undefined;
  const runtimes = machineNode?.prepareRuntimes(layout, settings, options.runtimeEndpoint, dependencies);
  runtimes?.catch(() => undefined);

  const started = step(options.runtime === 'containerd' ? 'Node' : 'Node (simulated)');
  const nodeNames = nodeNamesOf(settings);
  const kubeletContexts = nodeNames.map((nodeName) => ({ nodeName, context: controlPlane.contextFor('kubelet', nodeUser(nodeName)) }));
  const { startClusterDns } = await import('./cluster-dns.ts');
  const dns = startClusterDns(controlPlane.contextFor('kube-dns', adminUser('system:kube-dns')), { settings, address });
  closers.push(() => dns.close());
  if (machineNode === undefined || runtimes === undefined) {
    const { startSimulatedNode } = await import('./simulated-node.ts');
    const nodes = kubeletContexts.map(({ nodeName, context }) => startSimulatedNode(context, { random, index: settings.index, nodeName, internalIp: address }));
    closers.push(async () => void await Promise.all(nodes.map(({ kubelet }) => kubelet.close())));
    kubelets = nodes.map(({ kubelet }) => kubelet.handle);
    await Promise.all(nodes.map(({ kubelet }) => kubelet.ready));
  } else {
    const nodes = await machineNode.startMachineNodes({ layout, settings, certificates }, { kubelets: kubeletContexts, proxy: controlPlane.contextFor('kube-proxy', proxyUser) }, await runtimes);
    closers.push(() => nodes.close());
    kubelets = nodes.handles;
    await nodes.ready;
  }
  await Promise.all(kubeletContexts.map(({ nodeName, context }) => nodeIsReady(context, nodeName, clock)));
  await dns.ready;
  started(`${nodeNames.join(', ')} ${nodeNames.length === 1 ? 'is' : 'are'} ready`);
  return server;
}

function certificatesFor(layout: ClusterLayout, settings: ClusterSettings, address: string, clock: Clock): Promise<ClusterCertificates> {
  return ensureCertificates(layout.pkiDir, {
    nodeName: settings.nodeName,
    nodeAddresses: [address],
    apiServiceAddress: firstAddress(settings.serviceCidr),
    hostname: hostname(),
  }, { clock });
}

async function listen(controlPlane: ControlPlane, settings: ClusterSettings, certificates: ClusterCertificates, address: string): Promise<string> {
  const serving = certificates.pairs['apiserver'];
  if (serving === undefined) throw new Error('there is no serving certificate');
  try {
    await controlPlane.apiServer.listen({
      host: '0.0.0.0', port: settings.apiPort, serving, clientCaPem: certificates.ca.certificatePem, advertiseAddress: address,
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`port ${settings.apiPort} is taken by another program; choose another one with --port`, { cause: error });
    }
    throw error;
  }
  return `https://127.0.0.1:${settings.apiPort}`;
}

/** 10.96.0.1 of 10.96.0.0/16: what the `kubernetes` Service gets. */
function firstAddress(cidr: string): string {
  const octets = ipaddr.IPv4.networkAddressFromCIDR(cidr).octets;
  return [octets[0], octets[1], octets[2], (octets[3] ?? 0) + 1].join('.');
}

async function nodeIsReady({ informers }: ComponentContext, name: string, clock: Clock): Promise<void> {
  const nodes = informers.for(Node, { fieldSelector: `metadata.name=${name}` });
  const found = Promise.withResolvers<void>();
  let last = 'it is not registered';
  const look = (node: Node | undefined): void => {
    const condition = node?.status.conditions?.find(({ type }) => type === 'Ready');
    if (condition?.status === 'True') found.resolve();
    else if (condition !== undefined) last = condition.message ?? condition.reason ?? 'it says nothing';
  };
  const stop = nodes.addHandler({ added: look, updated: look });
  const timer = clock.after(nodeReadyTimeoutMs, () => found.reject(new Error(`the node is not ready after ${nodeReadyTimeoutMs / 1000} s: ${last}`)));
  // The timer alone would not keep the process from ending.
  try {
    await found.promise;
  } finally {
    timer.cancel();
    stop();
  }
}

