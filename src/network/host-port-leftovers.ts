/** What `nft -j list table` prints, as far as it is looked at. */
export interface ListedTable {
  readonly nftables: readonly {
    readonly chain?: { readonly name: string };
    readonly rule?: { readonly chain: string; readonly expr: readonly Readonly<Record<string, unknown>>[] };
  }[];
}

const baseChains = new Set(['PREROUTING', 'POSTROUTING', 'OUTPUT', 'INPUT']);
const ownChains = new Set(['CNI-HOSTPORT-SETMARK', 'CNI-HOSTPORT-MASQ', 'CNI-HOSTPORT-DNAT']);

/**
 * Whether a `nat` table holds nothing but the frame that the portmap plugin made by way of iptables and never takes away:
 * no port is forwarded any more, and nobody else uses it. Pure.
 */
export function isHostPortLeftover(table: ListedTable): boolean {
  return table.nftables.every(({ chain, rule }) => {
    if (chain !== undefined) return baseChains.has(chain.name) || ownChains.has(chain.name);
    if (rule === undefined) return true;
    if (rule.chain === 'CNI-HOSTPORT-SETMARK' || rule.chain === 'CNI-HOSTPORT-MASQ') return true;
    const jump = rule.expr.find((each) => 'jump' in each)?.['jump'] as { readonly target?: string } | undefined;
    return baseChains.has(rule.chain) && jump?.target !== undefined && ownChains.has(jump.target);
  });
}
