import { createHash } from 'node:crypto';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service, ServicePort } from '#api/core/service.ts';
import { baseChains, baseSets, hairpinSet } from './base-table.ts';
import type { Chain, NftSet, RuleSet, Table } from './rule-set.ts';
import { EndpointIndex } from './service-endpoints.ts';
import type { Family, ProxyNode, Target, TargetChoice, TransportProtocol } from './service-endpoints.ts';

export interface RuleOptions {
  readonly node: ProxyNode;
  readonly clusterName: string;
  /** Pod ranges of the whole cluster; what comes from elsewhere to a cluster IP gets the node's address. */
  readonly clusterCidrs: readonly string[];
  /** Ranges of cluster addresses: what is sent to one that no Service has is dropped, not sent into the world. */
  readonly serviceCidrs?: readonly string[];
  readonly masqueradeAll?: boolean;
  /** Whether node ports answer on 127.0.0.1 as well (IPv4; needs route_localnet). Default true. */
  readonly nodePortsOnLoopback?: boolean;
}

export function tableName(clusterName: string): string {
  return `skiff-${clusterName}`;
}

/** The rules of some services within one table: names are unique to the service, but for the elements of shared sets. */
export interface Fragment {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Elements by set; `hairpin-connections` may have the same element as another service's fragment. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly affinitySets: ReadonlyMap<string, NftSet>;
}

export type ServiceRules = Readonly<Record<Family, Fragment>>;

/**
 * The rules for these Services. Pure; the same input in any order gives the same rules.
 *
 * Source: Kubernetes' documentation of virtual IPs and service proxies; KEP-3866 for the nftables mode.
 */
export function planRules(services: readonly Service[], slices: readonly EndpointSlice[], options: RuleOptions): RuleSet {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = serviceOfSlice(slice);
    if (key === undefined) continue;
    const known = byService.get(key);
    if (known === undefined) byService.set(key, [slice]);
    else known.push(slice);
  }
  const sorted = [...services].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return composeRules(sorted.map((service) => planServiceRules(service, byService.get(idOf(service)) ?? [], options)), options);
}

/** The rules of one Service, given its slices. Pure. */
export function planServiceRules(service: Service, slices: readonly EndpointSlice[], options: RuleOptions): ServiceRules {
  const builders = { ip: new FragmentBuilder('ip', options), ip6: new FragmentBuilder('ip6', options) };
  if (isProxied(service)) {
    const endpoints = new EndpointIndex(slices, options.node);
    for (const family of ['ip', 'ip6'] as const) {
      const addresses = addressesOf(service, family);
      if (addresses.clusterIps.length === 0 && addresses.externalIps.length === 0) continue;
      builders[family].claim(addresses.clusterIps);
      for (const port of service.spec.ports ?? []) {
        builders[family].add({ service, port, addresses, choice: endpoints.choose(service, port.name ?? '', family) });
      }
    }
  }
  return { ip: builders.ip.build(), ip6: builders.ip6.build() };
}

/** Whole tables out of the rules of services. Pure. */
export function composeRules(parts: readonly ServiceRules[], options: RuleOptions): RuleSet {
  return { tables: (['ip', 'ip6'] as const).map((family) => composeTable(family, parts.map((part) => part[family]), options)) };
}

function composeTable(family: Family, fragments: readonly Fragment[], options: RuleOptions): Table {
  const chains = new Map(baseChains(family, options));
  const declared = baseSets(family);
  const elements = new Map([...declared.keys()].map((name) => [name, new Map<string, string>()]));
  const sets = new Map<string, NftSet>([...declared].map(([name, { is, declaration }]) => [name, { is, declaration, elements: elements.get(name) ?? new Map() }]));
  for (const fragment of fragments) {
    for (const [name, chain] of fragment.chains) chains.set(name, chain);
    for (const [name, set] of fragment.affinitySets) sets.set(name, set);
    for (const [name, own] of fragment.elements) {
      const all = elements.get(name);
      for (const [key, value] of own) all?.set(key, value);
    }
  }
  return { family, name: tableName(options.clusterName), chains, sets };
}

/** `namespace/name` of the Service that a slice belongs to. */
export function serviceOfSlice({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.['kubernetes.io/service-name'];
  return name === undefined || name === '' ? undefined : `${metadata.namespace}/${name}`;
}

interface ServicePortPlan {
  readonly service: Service;
  readonly port: ServicePort;
  readonly addresses: ServiceAddresses;
  readonly choice: TargetChoice;
}

interface ServiceAddresses {
  readonly clusterIps: readonly string[];
  readonly externalIps: readonly string[];
  readonly loadBalancerIps: readonly string[];
}

export function idOf(service: Service): string {
  return `${service.metadata.namespace}/${service.metadata.name}`;
}

/** Services with a virtual address, unless somebody else proxies them or they are headless. */
function isProxied(service: Service): boolean {
  const { spec, metadata } = service;
  return (
    spec.type !== 'ExternalName' && spec.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None' &&
    metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined &&
    metadata.labels?.['service.kubernetes.io/headless'] === undefined
  );
}

function addressesOf({ spec, status }: Service, family: Family): ServiceAddresses {
  const ofFamily = (addresses: readonly string[]): readonly string[] => addresses.filter((address) => address !== '' && address.includes(':') === (family === 'ip6'));
  const clusterIps = ofFamily(spec.clusterIPs ?? [spec.clusterIP ?? '']);
  return {
    clusterIps,
    externalIps: ofFamily(spec.externalIPs ?? []),
    loadBalancerIps: ofFamily((status.loadBalancer.ingress ?? []).filter((ingress) => ingress.ipMode !== 'Proxy').map((ingress) => ingress.ip ?? '')),
  };
}

/** Collects the chains, sets and elements of one service in one address family. */
class FragmentBuilder {
  readonly #family: Family;
  readonly #options: RuleOptions;
  readonly #chains = new Map<string, Chain>();
  readonly #affinitySets = new Map<string, NftSet>();
  readonly #clusterIps = new Map<string, string>();
  readonly #serviceIps = new Map<string, string>();
  readonly #nodePorts = new Map<string, string>();
  readonly #unservedIps = new Map<string, string>();
  readonly #unservedNodePorts = new Map<string, string>();
  readonly #firewallIps = new Map<string, string>();
  readonly #hairpins = new Map<string, string>();
  readonly #podRanges: readonly string[];

  constructor(family: Family, options: RuleOptions) {
    this.#family = family;
    this.#options = options;
    this.#podRanges = options.clusterCidrs.filter((cidr) => cidr.includes(':') === (family === 'ip6'));
  }

  /** Nothing but the service's ports answers at these addresses. */
  claim(clusterIps: readonly string[]): void {
    for (const ip of clusterIps) this.#clusterIps.set(ip, '');
  }

  add(plan: ServicePortPlan): void {
    const { service, port, addresses, choice } = plan;
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as TransportProtocol;
    const id = `${idOf(service)}/${protocol}/${port.name ?? ''}`;
    const isInternalLocal = service.spec.internalTrafficPolicy === 'Local';
    const isExternalLocal = service.spec.externalTrafficPolicy === 'Local';
    for (const target of choice.cluster.concat(choice.local)) {
      if (target.isLocal) this.#hairpins.set(`${target.address} . ${target.address}`, '');
    }

    const clusterChain = this.#balancingChain('service', id, plan, protocol, choice.cluster);
    const localChain = isInternalLocal || isExternalLocal ? this.#balancingChain('local', id, plan, protocol, choice.local) : undefined;
    const internal = isInternalLocal ? localChain : clusterChain;
    for (const ip of addresses.clusterIps) {
      const key = `${ip} . ${protocol} . ${port.port}`;
      if (internal === undefined) this.#unservedIps.set(key, choice.anywhere ? 'drop' : 'goto reject-chain');
      else this.#serviceIps.set(key, `goto ${this.#internalChain(id, key, internal)}`);
    }

    const outside = addresses.externalIps.concat(addresses.loadBalancerIps);
    const nodePort = addresses.clusterIps.length > 0 ? (port.nodePort ?? 0) : 0;
    if (outside.length === 0 && nodePort === 0) return;
    const external = this.#externalChain(id, isExternalLocal, clusterChain, localChain);
    const unserved = choice.anywhere ? 'drop' : 'goto reject-chain';
    for (const ip of outside) {
      const key = `${ip} . ${protocol} . ${port.port}`;
      if (external === undefined) this.#unservedIps.set(key, unserved);
      else this.#serviceIps.set(key, `goto ${external}`);
    }
    const ranges = (service.spec.loadBalancerSourceRanges ?? []).filter((range) => range.includes(':') === (this.#family === 'ip6'));
    if (ranges.length > 0) {
      const firewall = chainName('firewall', id);
      this.#chains.set(firewall, { declaration: '', rules: [`${this.#family} saddr { ${[...new Set(ranges)].sort().join(', ')} } return`, 'drop'] });
      for (const ip of addresses.loadBalancerIps) this.#firewallIps.set(`${ip} . ${protocol} . ${port.port}`, `goto ${firewall}`);
    }
    if (nodePort === 0) return;
    const key = `${protocol} . ${nodePort}`;
    if (external === undefined) this.#unservedNodePorts.set(key, unserved);
    else this.#nodePorts.set(key, `goto ${external}`);
  }

  /** The chain that picks one of the targets, or undefined when there are none. */
  #balancingChain(kind: string, id: string, plan: ServicePortPlan, protocol: TransportProtocol, targets: readonly Target[]): string | undefined {
    if (targets.length === 0) return undefined;
    const name = chainName(kind, id);
    if (plan.service.spec.sessionAffinity === 'ClientIP') {
      this.#chains.set(name, { declaration: '', rules: this.#affinityRules(id, plan.service, protocol, targets) });
    } else {
      const choices = targets.map((target, index) => `${index} : ${target.address} . ${target.port}`).join(', ');
      const only = targets[0];
      const pick =
        targets.length === 1 && only !== undefined
          ? `dnat to ${this.#withPort(only)}`
          : `dnat ${this.#family} addr . port to numgen random mod ${targets.length} map { ${choices} }`;
      this.#chains.set(name, { declaration: '', rules: [`meta l4proto ${protocol} ${pick}`] });
    }
    return name;
  }

  /** Every target has a set of the clients it serves; those are looked up first, the others get one by chance. */
  #affinityRules(id: string, service: Service, protocol: TransportProtocol, targets: readonly Target[]): readonly string[] {
    const timeoutSeconds = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
    const known: string[] = [];
    const chosen: string[] = [];
    targets.forEach((target, index) => {
      const of = `${id}/${target.address}/${target.port}/${timeoutSeconds}`;
      const set = chainName('affinity', of);
      const chain = chainName('endpoint', of);
      this.#affinitySets.set(set, {
        is: 'set', isDynamic: true,
        declaration: `type ${this.#family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}; flags dynamic,timeout; timeout ${timeoutSeconds}s;`,
        elements: new Map(),
      });
      this.#chains.set(chain, {
        declaration: '',
        rules: [`update @${set} { ${this.#family} saddr }`, `meta l4proto ${protocol} dnat to ${this.#withPort(target)}`],
      });
      known.push(`${this.#family} saddr @${set} goto ${chain}`);
      chosen.push(`${index} : goto ${chain}`);
    });
    return [...known, `numgen random mod ${targets.length} vmap { ${chosen.join(', ')} }`];
  }

  /** In front of the targets of a cluster IP: who does not come from a pod gets the node's address. */
  #internalChain(id: string, key: string, next: string): string {
    if (this.#options.masqueradeAll !== true && this.#podRanges.length === 0) return next;
    const name = chainName('internal', id);
    const [ip = '', protocol = '', port = ''] = key.split(' . ');
    const mark =
      this.#options.masqueradeAll === true
        ? 'jump mark-for-masquerade'
        : `${this.#family} saddr != { ${this.#podRanges.join(', ')} } jump mark-for-masquerade`;
    const rules = this.#chains.get(name)?.rules.slice(0, -1) ?? [];
    this.#chains.set(name, { declaration: '', rules: [...rules, `${this.#family} daddr ${ip} ${protocol} dport ${port} ${mark}`, `goto ${next}`] });
    return name;
  }

  /** In front of the targets for traffic from outside; undefined when outsiders cannot be served at all. */
  #externalChain(id: string, isLocal: boolean, clusterChain: string | undefined, localChain: string | undefined): string | undefined {
    if (clusterChain === undefined) return undefined;
    const name = chainName('external', id);
    const rules: string[] = [];
    if (!isLocal) rules.push('jump mark-for-masquerade', `goto ${clusterChain}`);
    else {
      // Pods and the node itself may use any endpoint: for them the address is just another name of the service.
      if (this.#podRanges.length > 0) rules.push(`${this.#family} saddr { ${this.#podRanges.join(', ')} } goto ${clusterChain}`);
      rules.push('fib saddr type local jump mark-for-masquerade', `fib saddr type local goto ${clusterChain}`);
      rules.push(localChain === undefined ? 'drop' : `goto ${localChain}`);
    }
    this.#chains.set(name, { declaration: '', rules });
    return name;
  }

  #withPort({ address, port }: Target): string {
    return this.#family === 'ip' ? `${address}:${port}` : `[${address}]:${port}`;
  }

  build(): Fragment {
    const elements = new Map<string, ReadonlyMap<string, string>>();
    const shared = {
      'cluster-ips': this.#clusterIps, 'service-ips': this.#serviceIps, 'service-nodeports': this.#nodePorts, 'no-endpoint-services': this.#unservedIps,
      'no-endpoint-nodeports': this.#unservedNodePorts, 'firewall-ips': this.#firewallIps, [hairpinSet]: this.#hairpins,
    };
    for (const [name, own] of Object.entries(shared)) if (own.size > 0) elements.set(name, own);
    return { chains: this.#chains, elements, affinitySets: this.#affinitySets };
  }
}

/** nft takes names of up to 127 characters; the hash keeps cut ones apart. */
function chainName(kind: string, id: string): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return `${kind}-${hash}-${id}`.replace(/[^A-Za-z0-9/_.-]/g, '.').slice(0, 127);
}
