import type { Pod } from '#api/core/pod.ts';
import type { DnsConfig } from '../cri/records.ts';

export interface DnsSettings {
  /** Addresses of the cluster's DNS service; empty when there is none. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver. */
  readonly host: Required<DnsConfig>;
}

/** Limits of resolv.conf as libraries read it. */
const maxServers = 3;
const maxSearches = 32;

/** The resolver of a pod. Pure. Source: Kubernetes documentation, "Pod's DNS Policy" and "Pod's DNS Config". */
export function planDns(pod: Pod, { clusterDns, clusterDomain, host }: DnsSettings): DnsConfig {
  const { spec, metadata } = pod;
  const own = spec.dnsConfig;
  let base: DnsConfig = host;
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const usesCluster = (policy === 'ClusterFirst' && spec.hostNetwork !== true) || policy === 'ClusterFirstWithHostNet';
  if (policy === 'None') base = {};
  else if (usesCluster && clusterDns.length > 0) {
    base = {
      servers: clusterDns,
      searches: [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches],
      options: ['ndots:5'],
    };
  }
  const options = new Map((base.options ?? []).map((option) => [option.split(':')[0] ?? option, option]));
  for (const { name = '', value } of own?.options ?? []) options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...(base.servers ?? []), ...(own?.nameservers ?? [])])].slice(0, maxServers),
    searches: [...new Set([...(base.searches ?? []), ...(own?.searches ?? [])])].slice(0, maxSearches),
    options: [...options.values()],
  };
}

/** Reads resolv.conf. */
export function parseResolvConf(text: string): Required<DnsConfig> {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) servers.push(values[0]);
    else if (keyword === 'search' || keyword === 'domain') searches = values.filter((search) => search !== '.');
    else if (keyword === 'options') options = values;
  }
  return { servers, searches, options };
}

/** A pod's name for itself, and its domain where it has one. */
export function hostNameOf(pod: Pod, clusterDomain: string): { readonly hostName: string; readonly domain: string } {
  const { spec, metadata } = pod;
  if (spec.hostnameOverride !== undefined) return { hostName: spec.hostnameOverride, domain: '' };
  // A name longer than a label cannot be a host's name; what would end in a separator is cut further.
  const hostName = spec.hostname ?? metadata.name.slice(0, 63).replace(/[-.]+$/, '');
  return { hostName, domain: spec.subdomain === undefined || spec.subdomain === '' ? '' : `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` };
}

/** What the kernel takes. Source: gethostname(2). */
const maxKernelHostName = 64;

/** What the kernel of the pod is told its name is: with its domain where the pod asks for that. @throws Error when that is too long. */
export function kernelHostName(pod: Pod, clusterDomain: string): string {
  const { hostName, domain } = hostNameOf(pod, clusterDomain);
  if (domain === '' || pod.spec.setHostnameAsFQDN !== true) return hostName;
  const full = `${hostName}.${domain}`;
  if (full.length > maxKernelHostName) {
    throw new Error(`failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${maxKernelHostName} is the max, ${full.length} characters requested)`);
  }
  return full;
}

/** The pod's /etc/hosts. `hostFile` is that of the node, for pods on its network. Pure. */
export function planHostsFile(pod: Pod, options: { readonly podIps: readonly string[]; readonly clusterDomain: string; readonly hostFile: string }): string {
  const { hostName, domain } = hostNameOf(pod, options.clusterDomain);
  const names = domain === '' ? hostName : `${hostName}.${domain}\t${hostName}`;
  const body = pod.spec.hostNetwork === true
    ? `# Kubernetes-managed hosts file (host network).\n${options.hostFile}`
    : [
        '# Kubernetes-managed hosts file.', '127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet',
        'fe00::\tip6-mcastprefix', 'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters', ...options.podIps.map((ip) => `${ip}\t${names}`), '',
      ].join('\n');
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`).join('');
  return aliases === '' ? body : `${body}\n# Entries added by HostAliases.\n${aliases}`;
}
