import type { RuleOptions } from './plan-rules.ts';
import type { Chain, NftSet } from './rule-set.ts';
import type { Family } from './service-endpoints.ts';

/** Bit 14, as kube-proxy's default: set on packets that get the node's address on their way out. */
const masqueradeMark = '0x4000';

/** The one set whose elements several services may share. */
export const hairpinSet = 'hairpin-connections';

/** The sets and maps that every table has. */
export function baseSets(family: Family): ReadonlyMap<string, Pick<NftSet, 'is' | 'declaration'>> {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const byIp = { is: 'map', declaration: `type ${address} . inet_proto . inet_service : verdict;` } as const;
  const byPort = { is: 'map', declaration: 'type inet_proto . inet_service : verdict;' } as const;
  return new Map<string, Pick<NftSet, 'is' | 'declaration'>>([
    ['service-ips', byIp], ['service-nodeports', byPort], ['no-endpoint-services', byIp], ['no-endpoint-nodeports', byPort], ['firewall-ips', byIp],
    ['cluster-ips', { is: 'set', declaration: `type ${address};` }],
    [hairpinSet, { is: 'set', declaration: `type ${address} . ${address};` }],
  ]);
}

/** The chains that every table has: where packets come by, and what they are looked up in. */
export function baseChains(family: Family, { nodePortsOnLoopback = true, serviceCidrs = [] }: Pick<RuleOptions, 'nodePortsOnLoopback' | 'serviceCidrs'>): readonly (readonly [string, Chain])[] {
  const transport = 'meta l4proto { tcp, udp, sctp }';
  const loopback = family === 'ip' ? '127.0.0.0/8' : '::1';
  const toNode = `fib daddr type local ${nodePortsOnLoopback && family === 'ip' ? '' : `${family} daddr != ${loopback} `}`;
  const byIp = `${family} daddr . meta l4proto . th dport`;
  const byPort = 'meta l4proto . th dport';
  const checks = [
    `ct state new ${transport} ${byIp} vmap @no-endpoint-services`,
    `ct state new ${transport} ${toNode}${byPort} vmap @no-endpoint-nodeports`,
  ];
  // Behind the translation: only what no rule has led elsewhere still goes to a cluster address.
  const ranges = serviceCidrs.filter((cidr) => cidr.includes(':') === (family === 'ip6'));
  const untranslated = [
    `ct state new ${family} daddr @cluster-ips goto reject-chain`,
    ...(ranges.length === 0 ? [] : [`ct state new ${family} daddr { ${[...ranges].sort().join(', ')} } drop`]),
  ];
  const chain = (declaration: string, rules: readonly string[]): Chain => ({ declaration, rules });
  return [
    ['mark-for-masquerade', chain('', [`meta mark set meta mark or ${masqueradeMark}`])],
    ['reject-chain', chain('', ['meta l4proto tcp reject with tcp reset', 'reject'])],
    ['services', chain('', [`${transport} ${byIp} vmap @service-ips`, `${transport} ${toNode}${byPort} vmap @service-nodeports`])],
    ['nat-prerouting', chain('type nat hook prerouting priority dstnat; policy accept;', ['jump services'])],
    ['nat-output', chain('type nat hook output priority -100; policy accept;', ['jump services'])],
    ['nat-postrouting', chain('type nat hook postrouting priority srcnat; policy accept;', [
      `${family} saddr . ${family} daddr @${hairpinSet} masquerade fully-random`,
      `meta mark and ${masqueradeMark} == 0 return`,
      `meta mark set meta mark xor ${masqueradeMark}`,
      'masquerade fully-random',
    ])],
    ['filter-prerouting', chain('type filter hook prerouting priority dstnat - 10; policy accept;', [`ct state new ${transport} ${byIp} vmap @firewall-ips`])],
    ['filter-input', chain('type filter hook input priority filter; policy accept;', checks)],
    ['filter-forward', chain('type filter hook forward priority filter; policy accept;', [...checks, ...untranslated])],
    ['filter-output', chain('type filter hook output priority filter; policy accept;', [...checks, ...untranslated])],
    // route_localnet lets packets to 127.0.0.0/8 in from outside; only the node itself may use that.
    ...(family === 'ip' && nodePortsOnLoopback
      ? ([['raw-prerouting', chain('type filter hook prerouting priority raw; policy accept;', ['iif != lo ip daddr 127.0.0.0/8 drop'])]] as const)
      : []),
  ];
}
