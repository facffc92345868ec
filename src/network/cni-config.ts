/** What a cluster calls its network; also the name of the CNI network, which keeps results and leases apart. */
export function networkName(clusterName: string): string {
  return `skiff-${clusterName}`;
}

export interface CniOptions {
  readonly clusterName: string;
  /** The node's pod ranges: one, or one per address family. */
  readonly podCidrs: readonly string[];
  /** Where address leases are kept. */
  readonly leaseDir: string;
  /** Host ports through the portmap plugin, which needs iptables. */
  readonly withHostPorts: boolean;
  /** Default: the plugin's choice, that of the default route. */
  readonly mtu?: number;
}

export type CniConfig = Readonly<Record<string, unknown>>;

/** The CNI network list for a node. Pure. Source: CNI specification 1.0.0; the plugins ptp, host-local, portmap. */
export function planCniConfig(options: CniOptions): CniConfig {
  const hasV6 = options.podCidrs.some((cidr) => cidr.includes(':'));
  const hasV4 = options.podCidrs.some((cidr) => !cidr.includes(':'));
  return {
    cniVersion: '1.0.0',
    name: networkName(options.clusterName),
    plugins: [
      {
        type: 'ptp',
        // Egress is masqueraded by our own table: the plugin would need iptables for it.
        ipMasq: false,
        ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        ipam: {
          type: 'host-local',
          dataDir: options.leaseDir,
          ranges: options.podCidrs.map((subnet) => [{ subnet }]),
          routes: [...(hasV4 ? [{ dst: '0.0.0.0/0' }] : []), ...(hasV6 ? [{ dst: '::/0' }] : [])],
        },
      },
      ...(options.withHostPorts ? [{ type: 'portmap', capabilities: { portMappings: true }, snat: true }] : []),
    ],
  };
}
