import { networkName } from './cni-config.ts';

/** What `nft -j list chain` prints, as far as it is looked at. */
export interface ListedChain {
  readonly nftables: readonly { readonly chain?: { readonly policy?: string } }[];
}

/** Whether a chain drops what no rule of it accepts: Docker and firewalls set FORWARD so, and then no pod is reached. Pure. */
export function dropsByDefault(chain: ListedChain): boolean {
  return chain.nftables.some((each) => each.chain?.policy === 'drop');
}

/** The conditions of the iptables rules that let a cluster's pods through, for `-C`, `-I` and `-D`. Pure. */
export function forwardRules(clusterName: string, clusterCidrs: readonly string[], family: 'ip' | 'ip6'): readonly (readonly string[])[] {
  return clusterCidrs
    .filter((cidr) => cidr.includes(':') === (family === 'ip6'))
    .flatMap((cidr) => ['-s', '-d'].map((side) => [side, cidr, '-m', 'comment', '--comment', networkName(clusterName), '-j', 'ACCEPT']));
}
