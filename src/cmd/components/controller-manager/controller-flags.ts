/** What kube-controller-manager's controllers are told. */
import { Option } from 'commander';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, durationOption, list, listOption, notBuilt, numberOption, switchOption, textOption } from '../flags.ts';

export interface ControllerFlags {
  readonly controllers: readonly string[];
  readonly clusterCidr?: readonly string[];
  readonly allocateNodeCidrs: boolean;
  readonly nodeCidrMaskSize?: number;
  readonly nodeCidrMaskSizeIpv4?: number;
  readonly nodeCidrMaskSizeIpv6?: number;
  readonly nodeMonitorPeriod?: number;
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeStartupGracePeriod?: number;
  readonly rootCaFile?: string;
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
  readonly clusterSigningDuration?: number;
  readonly useServiceAccountCredentials: boolean;
}

/** Flags that say how many of a controller's objects are worked on at once. */
const concurrent = [
  'cron-job', 'daemonset', 'deployment', 'endpoint', 'ephemeralvolume', 'gc', 'horizontal-pod-autoscaler', 'job', 'namespace', 'replicaset',
  'resource-quota', 'service-endpoint', 'service', 'serviceaccount-token', 'statefulset', 'ttl-after-finished', 'validating-admission-policy-status',
  'device-taint-eviction', 'resource-claim', 'selinux-warning',
].map((name) => alreadySo(`--concurrent-${name}-syncs <count>`, 'each controller has a number of its own'));

/** Flags of controllers that there are not, or that need no such setting. */
const withoutEffect = [
  ['--concurrent_rc_syncs <count>', 'each controller has a number of its own'],
  ['--min-resync-period <duration>', 'informers need no resync'],
  ['--controller-start-interval <duration>', 'controllers start side by side'],
  ['--cluster-name <name>', 'it is for cloud providers'],
  ['--cidr-allocator-type <type>', 'ranges are given here, not by a cloud'],
  ['--configure-cloud-routes [bool]', 'there are no cloud routes'],
  ['--route-reconciliation-period <duration>', 'there are no cloud routes'],
  ['--service-cluster-ip-range <ranges>', 'pod ranges do not overlap with Services where --cluster-cidr does not'],
  ['--service-account-private-key-file <file>', 'tokens come from the API server; Secrets get none'],
  ['--legacy-service-account-token-clean-up-period <duration>', 'Secrets get no tokens'],
  ['--enable-garbage-collector [bool]', 'it runs unless --controllers leaves it out'],
  ['--namespace-sync-period <duration>', 'namespaces are watched'],
  ['--resource-quota-sync-period <duration>', 'quotas are watched'],
  ['--endpoint-updates-batch-period <duration>', 'changes of one moment are written together'],
  ['--endpointslice-updates-batch-period <duration>', 'changes of one moment are written together'],
  ['--max-endpoints-per-slice <count>', 'it is 100'],
  ['--mirroring-max-endpoints-per-subset <count>', 'it is 1000'],
  ['--mirroring-concurrent-service-endpoint-syncs <count>', 'each controller has a number of its own'],
  ['--mirroring-endpointslice-updates-batch-period <duration>', 'changes of one moment are written together'],
  ['--terminated-pod-gc-threshold <count>', 'it is 12500'],
  ['--node-eviction-rate <rate>', 'pods are evicted as their tolerations say'],
  ['--secondary-node-eviction-rate <rate>', 'pods are evicted as their tolerations say'],
  ['--large-cluster-size-threshold <count>', 'pods are evicted as their tolerations say'],
  ['--unhealthy-zone-threshold <part>', 'pods are evicted as their tolerations say'],
  ['--horizontal-pod-autoscaler-sync-period <duration>', 'there is no such controller'],
  ['--horizontal-pod-autoscaler-tolerance <part>', 'there is no such controller'],
  ['--horizontal-pod-autoscaler-cpu-initialization-period <duration>', 'there is no such controller'],
  ['--horizontal-pod-autoscaler-initial-readiness-delay <duration>', 'there is no such controller'],
  ['--horizontal-pod-autoscaler-downscale-stabilization <duration>', 'there is no such controller'],
  ['--attach-detach-reconcile-sync-period <duration>', 'volumes are attached by nobody'],
  ['--disable-attach-detach-reconcile-sync [bool]', 'volumes are attached by nobody'],
  ['--disable-force-detach-on-timeout [bool]', 'volumes are attached by nobody'],
  ['--enable-dynamic-provisioning [bool]', 'volumes are provisioned by nobody'],
  ['--enable-hostpath-provisioner [bool]', 'volumes are provisioned by nobody'],
  ['--flex-volume-plugin-dir <directory>', 'there are no flex volumes'],
  ['--pvclaimbinder-sync-period <duration>', 'there is no such controller'],
  ['--pv-recycler-increment-timeout-nfs <seconds>', 'volumes are recycled by nobody'],
  ['--pv-recycler-minimum-timeout-hostpath <seconds>', 'volumes are recycled by nobody'],
  ['--pv-recycler-minimum-timeout-nfs <seconds>', 'volumes are recycled by nobody'],
  ['--pv-recycler-pod-template-filepath-hostpath <file>', 'volumes are recycled by nobody'],
  ['--pv-recycler-pod-template-filepath-nfs <file>', 'volumes are recycled by nobody'],
  ['--pv-recycler-timeout-increment-hostpath <seconds>', 'volumes are recycled by nobody'],
] as const;

/** Authorities of single signers: without them --cluster-signing-cert-file counts for all. */
const ownSigners = ['kube-apiserver-client', 'kubelet-client', 'kubelet-serving', 'legacy-unknown'].flatMap((signer) => [
  notBuilt(`--cluster-signing-${signer}-cert-file <file>`, 'an authority for one signer alone'),
  notBuilt(`--cluster-signing-${signer}-key-file <file>`, 'an authority for one signer alone'),
]);

export const controllerFlags: FlagGroup = {
  title: 'Controllers:',
  options: [
    new Option('--controllers <names>', 'which: * for all, -NAME for all but that one').argParser(list).default(['*'], '*'),
    switchOption('--use-service-account-credentials', 'every controller writes as its own service account, for which the default roles are made', false),
    listOption('--cluster-cidr <ranges>', 'pod ranges of the cluster'),
    switchOption('--allocate-node-cidrs', 'give every node a range of its own', false),
    numberOption('--node-cidr-mask-size <bits>', 'size of a node\'s range'),
    numberOption('--node-cidr-mask-size-ipv4 <bits>', 'the same for IPv4'),
    numberOption('--node-cidr-mask-size-ipv6 <bits>', 'the same for IPv6'),
    durationOption('--node-monitor-period <duration>', 'how often nodes are looked at'),
    durationOption('--node-monitor-grace-period <duration>', 'a node that said nothing for so long is unreachable'),
    durationOption('--node-startup-grace-period <duration>', 'the same for one that never said anything'),
    textOption('--root-ca-file <file>', 'root certificates that every namespace gets in kube-root-ca.crt, in place of the kubeconfig\'s'),
    textOption('--cluster-signing-cert-file <file>', 'the authority that signs certificate requests'),
    textOption('--cluster-signing-key-file <file>', 'its key'),
    durationOption('--cluster-signing-duration <duration>', 'how long its certificates are good at most (default: 8760h)'),
    ...ownSigners,
    ...concurrent,
    ...withoutEffect.map(([flags, why]) => alreadySo(flags, why)),
  ],
};

/** What the original's port, log and gates take beyond the flags that all components have. */
export const morePortFlags: FlagGroup = {
  title: 'Without effect:',
  options: [
    ...['--tls-cipher-suites <names>', '--tls-min-version <version>', '--tls-curve-preferences <ids>', '--tls-sni-cert-key <pair>'].map((flags) => alreadySo(flags, 'the port has one certificate, and TLS 1.2 or later')),
    ...['--http2-max-streams-per-connection <count>', '--permit-address-sharing [bool]', '--permit-port-sharing [bool]'].map((flags) => alreadySo(flags, 'the port is as it is')),
    ...['--log-json-info-buffer-size <size>', '--log-json-split-stream [bool]', '--log-text-info-buffer-size <size>', '--log-text-split-stream [bool]'].map((flags) => alreadySo(flags, 'lines are written at once, to standard error')),
    ...['--show-hidden-metrics-for-version <version>', '--disabled-metrics <names>', '--allow-metric-labels <labels>', '--allow-metric-labels-manifest <file>'].map((flags) => alreadySo(flags, 'metrics are shown as they are')),
    alreadySo('--emulated-version <version>', 'controllers are those of 1.36'),
    notBuilt('--cloud-provider <name>', 'cloud providers', ['external']),
    notBuilt('--cloud-config <file>', 'cloud providers'),
    notBuilt('--external-cloud-volume-plugin <name>', 'cloud providers'),
  ],
};
