import type { PemPair } from '#pki/authority.ts';

/** What the controllers of a cluster are told; the flags of kube-controller-manager. */
export interface ControllerOptions {
  /** `--controllers`: names, `*` for all, `-name` for all but. Default: `*`. */
  readonly enabled?: readonly string[];
  /** The cluster's root certificates (`--root-ca-file`), which every namespace gets. Without it none is published. */
  readonly rootCaPem?: string;
  /** The authority that signs certificate requests (`--cluster-signing-cert-file`, `-key-file`). Without it none is signed. */
  readonly clusterSigning?: PemPair;
  /** `--cluster-signing-duration`: how long certificates are good at most. Default: a year. */
  readonly clusterSigningSeconds?: number;
  /** `--cluster-cidr`, one per family, from which nodes get their pod ranges. Default: 10.244.0.0/16. */
  readonly clusterCidrs?: readonly string[];
  /** `--node-cidr-mask-size`: 24 (IPv4). */
  readonly nodeCidrMaskSizeIpv4?: number;
  readonly nodeCidrMaskSizeIpv6?: number;
  /** `--node-monitor-period`. Default: 5 s. */
  readonly nodeMonitorPeriodMs?: number;
  /** `--node-monitor-grace-period`: a node that said nothing for so long is unreachable. Default: 50 s. */
  readonly nodeMonitorGracePeriodMs?: number;
  /** `--node-startup-grace-period`: the same for a node that never said anything. Default: 60 s. */
  readonly nodeStartupGracePeriodMs?: number;
}
