/** The cluster around the server: Services, nodes, API servers behind this one. */
import { Option } from 'commander';
import type { FlagGroup } from '../flags.ts';
import { durationOption, listOption, portRange, textOption } from '../flags.ts';

export interface ClusterFlags {
  readonly serviceClusterIpRange: readonly string[];
  readonly serviceNodePortRange: { readonly from: number; readonly to: number };
  readonly kubeletClientCertificate?: string;
  readonly kubeletClientKey?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly kubeletPreferredAddressTypes?: readonly string[];
  readonly kubeletTimeout?: number;
  readonly proxyClientCertFile?: string;
  readonly proxyClientKeyFile?: string;
}

export const clusterFlags: FlagGroup = {
  title: 'Services, nodes, API servers behind this one:',
  options: [
    listOption('--service-cluster-ip-range <ranges>', 'addresses of Services', ['10.96.0.0/16']),
    new Option('--service-node-port-range <range>', 'node ports').argParser(portRange).default({ from: 30_000, to: 32_768 }, '30000-32767'),
    textOption('--kubelet-client-certificate <file>', 'how kubelets know this server'),
    textOption('--kubelet-client-key <file>', 'its key'),
    textOption('--kubelet-certificate-authority <file>', 'verifies kubelets\' certificates'),
    listOption('--kubelet-preferred-address-types <types>', 'which address of a node is taken'),
    durationOption('--kubelet-timeout <duration>', 'how long a kubelet may take to answer'),
    new Option('--kubelet-port <port>', 'deprecated: nodes tell their port').hideHelp(),
    textOption('--proxy-client-cert-file <file>', 'how API servers behind this one know it'),
    textOption('--proxy-client-key-file <file>', 'its key'),
  ],
};
