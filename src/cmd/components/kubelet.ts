import type { Command } from 'commander';
import { Option } from 'commander';
import { hostname } from 'node:os';
import type { Given } from '#apimachinery/resource.ts';
import type { Taint } from '#api/core/scheduling.ts';
import { systemClock } from '#base/clock.ts';
import { systemRandom } from '#base/random.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import { whyNoContainersNow } from '#cluster/container-support.ts';
import { clusterLayout } from '#cluster/layout.ts';
import type { MachineKubeletOptions } from '#cluster/machine-node.ts';
import { nodeAddress } from '#cluster/node-address.ts';
import { kubeletPaths } from '#kubelet/server/kubelet-configuration.ts';
import { UserError } from '../fail.ts';
import { readPemFile } from './controller-manager.ts';
import { componentView } from './component-view.ts';
import { componentCommand, list, pairs, wholeNumber } from './flags.ts';
import type { ZView } from '#serving/z-pages.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags {
  readonly hostnameOverride?: string;
  readonly nodeIp?: readonly string[];
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly registerWithTaints?: readonly Given<Taint>[];
  readonly containerRuntimeEndpoint?: string;
  readonly rootDir?: string;
  readonly clusterName: string;
  readonly clusterCidr: readonly string[];
  readonly clusterDns?: readonly string[];
  readonly clusterDomain: string;
  readonly maxPods: number;
  readonly resolvConf?: string;
  readonly allowedUnsafeSysctls?: readonly string[];
  readonly podManifestPath?: string;
  readonly address: string;
  readonly port: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
}

const simulatedEndpoint = 'simulated://';

/** `skiff kubelet`, in the place of kubelet. */
export function command(): Command {
  const built = componentCommand(`The agent of this node. Flags as kubelet's. Without --container-runtime-endpoint it runs a containerd of its own and sets the pod network up; "${simulatedEndpoint}" is a node without containers.`)
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--hostname-override <name>', 'the node\'s name (default: the host name)')
    .addOption(new Option('--node-ip <addresses>', 'the node\'s addresses (default: that of the default route)').argParser(list))
    .addOption(new Option('--node-labels <labels>', 'key=value,... for the Node object').argParser(pairs))
    .addOption(new Option('--register-with-taints <taints>', 'key=value:effect,...').argParser(taints))
    .option('--container-runtime-endpoint <endpoint>', 'unix:///run/containerd/containerd.sock, for one')
    .option('--root-dir <directory>', 'where it keeps pods and its containerd (default: as "skiff up" with --name of --cluster-name)')
    .option('--cluster-name <name>', 'part of file, table and network names, where nodes of several clusters share a machine', 'kubelet')
    .addOption(new Option('--cluster-cidr <ranges>', 'pod ranges of the whole cluster').argParser(list).default(['10.244.0.0/16'], '10.244.0.0/16'))
    .addOption(new Option('--cluster-dns <addresses>', 'of the cluster\'s DNS').argParser(list))
    .option('--cluster-domain <domain>', 'of the cluster\'s DNS', 'cluster.local')
    .addOption(new Option('--max-pods <count>', 'how many pods may run here').argParser(wholeNumber).default(110))
    .addOption(new Option('--allowed-unsafe-sysctls <names>', 'kernel parameters that pods may set besides the safe ones; kernel.msg* stands for all of that beginning').argParser(list))
    .option('--pod-manifest-path <directory>', 'manifests of pods that run here whatever the API says (static pods)')
    .option('--resolv-conf <file>', 'the node\'s resolver')
    .option('--address <address>', 'where the kubelet\'s API listens', '0.0.0.0')
    .option('--tls-cert-file <file>', 'its serving certificate (default: one that it signs itself)')
    .option('--tls-private-key-file <file>', 'the key')
    .option('--client-ca-file <file>', 'authorities of client certificates, the API server\'s above all')
    .addOption(new Option('--port <port>', 'of the kubelet\'s API; 0 for none').argParser(wholeNumber).default(10_250));
  const view = componentView('kubelet', built, kubeletPaths);
  return built.action((flags: Flags) => runComponent('kubelet', flags, (context) => startNode(context, flags, view)));
}

async function startNode(context: ComponentContext, flags: Flags, view: () => ZView): Promise<RunningComponent> {
  const nodeName = flags.hostnameOverride ?? hostname().toLowerCase();
  if (flags.containerRuntimeEndpoint === simulatedEndpoint) {
    const { startSimulatedNode } = await import('#cluster/simulated-node.ts');
    const { nodeLabels: labels } = flags;
    return startSimulatedNode(context, { nodeName, index: 0, random: systemRandom, internalIp: flags.nodeIp?.[0] ?? nodeAddress(), ...(labels === undefined ? {} : { labels }) }).kubelet;
  }
  const isOwnRuntime = flags.containerRuntimeEndpoint === undefined;
  const obstacle = isOwnRuntime ? await whyNoContainersNow() : undefined;
  if (obstacle !== undefined) throw new UserError(`containers cannot run here: ${obstacle}. --container-runtime-endpoint ${simulatedEndpoint} starts a node without containers`);
  const [{ prepareRuntime, startMachineKubelet }, { bundledImages }] = await Promise.all([import('#cluster/machine-node.ts'), import('#cluster/demo-images.ts')]);
  const layout = clusterLayout({ name: flags.clusterName, stateDir: flags.rootDir });
  const connection = await prepareRuntime({ layout, images: () => bundledImages(layout), endpoint: flags.containerRuntimeEndpoint }, { clock: systemClock, log: context.log });
  return startMachineKubelet(context, {
    layout, nodeName, view, port: flags.port, server: serverOf(flags), maxPods: flags.maxPods, clusterDomain: flags.clusterDomain,
    ...(isOwnRuntime ? { clusterCidrs: flags.clusterCidr } : {}),
    ...(flags.nodeLabels === undefined ? {} : { labels: flags.nodeLabels }),
    ...(flags.registerWithTaints === undefined ? {} : { taints: flags.registerWithTaints }),
    ...(flags.allowedUnsafeSysctls === undefined ? {} : { allowedUnsafeSysctls: flags.allowedUnsafeSysctls }),
    ...(flags.podManifestPath === undefined ? {} : { staticPodPath: flags.podManifestPath }),
    ...(flags.clusterDns === undefined ? {} : { clusterDns: flags.clusterDns }),
    ...(flags.nodeIp === undefined ? {} : { nodeIps: flags.nodeIp }),
    ...(flags.resolvConf === undefined ? {} : { resolvConf: flags.resolvConf }),
  }, connection);
}

function serverOf({ address, port, tlsCertFile, tlsPrivateKeyFile, clientCaFile }: Flags): MachineKubeletOptions['server'] {
  if (port === 0) return undefined;
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) throw new UserError('--tls-cert-file and --tls-private-key-file are given together');
  return {
    address,
    ...(clientCaFile === undefined ? {} : { clientCaPem: readPemFile('--client-ca-file', clientCaFile) }),
    ...(tlsCertFile === undefined || tlsPrivateKeyFile === undefined ? {} : {
      serving: { certificatePem: readPemFile('--tls-cert-file', tlsCertFile), privateKeyPem: readPemFile('--tls-private-key-file', tlsPrivateKeyFile) },
    }),
  };
}

/** `key=value:effect`, the value may be left out. */
function taints(text: string): readonly Given<Taint>[] {
  return list(text, undefined).map((each) => {
    const [, key = '', value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(each) ?? [];
    if (key === '') throw new UserError(`--register-with-taints: "${each}" is not written like key=value:NoSchedule`);
    return { key, effect, ...(value === undefined ? {} : { value }) } as Given<Taint>;
  });
}
