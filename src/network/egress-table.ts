import { networkName } from './cni-config.ts';

export interface EgressOptions {
  readonly clusterName: string;
  /** The node's pod ranges. */
  readonly podCidrs: readonly string[];
  /** The whole cluster's pod ranges: between pods addresses stay as they are. */
  readonly clusterCidrs: readonly string[];
}

export function egressTableName(clusterName: string): string {
  return networkName(clusterName).replace(/^skiff-/, 'skiff-net-');
}

/**
 * The nftables script that replaces the egress tables: what leaves the cluster from a pod of this node gets the node's
 * address. Pure. Applying it again changes nothing.
 */
export function planEgressTables(options: EgressOptions): string {
  const name = egressTableName(options.clusterName);
  return (['ip', 'ip6'] as const)
    .flatMap((family) => {
      const ofFamily = (cidrs: readonly string[]): readonly string[] => cidrs.filter((cidr) => cidr.includes(':') === (family === 'ip6'));
      const pods = ofFamily(options.podCidrs);
      if (pods.length === 0) return [];
      const multicast = family === 'ip' ? '224.0.0.0/4' : 'ff00::/8';
      const inside = [...new Set([...ofFamily(options.clusterCidrs), ...pods])];
      return [
        `add table ${family} ${name}`,
        `delete table ${family} ${name}`,
        `table ${family} ${name} {`,
        `  chain postrouting {`,
        `    type nat hook postrouting priority srcnat; policy accept;`,
        ...pods.map((cidr) => `    ${family} saddr ${cidr} ${family} daddr != { ${[...inside, multicast].join(', ')} } masquerade`),
        `  }`,
        `}`,
      ];
    })
    .concat('')
    .join('\n');
}
