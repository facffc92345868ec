import type { DnsView, EndpointName, NamedPort, ServiceNames } from './dns-index.ts';
import { addressOfLabel, addressOfReverseName } from './names.ts';
import type { AddressRecord, DnsAnswer, DnsRecord, Question, SoaData } from './records.ts';

/** The names that are ours. */
export interface DnsZone {
  /** `cluster.local`, in lower case. */
  readonly domain: string;
  /** Seconds; of records and of the knowledge that there is none. */
  readonly ttl: number;
}

export type AnswerPlan =
  | ({ readonly kind: 'answer' } & DnsAnswer)
  /** An ExternalName: `answers` lead to `target`, which is not ours; what it is has to be asked elsewhere. */
  | { readonly kind: 'alias'; readonly answers: readonly DnsRecord[]; readonly target: string }
  /** Not ours. */
  | { readonly kind: 'forward' };

/** The version of the names' scheme. Source: Kubernetes DNS-Based Service Discovery 1.1.0. */
const schemaVersion = '1.1.0';
/** Seconds; it does not change while a server runs. */
const schemaTtl = 28_800;

/** Services may name each other in circles; nobody needs a longer way than this. */
const maxAliases = 8;

/**
 * What to answer. Pure.
 *
 * Source: Kubernetes DNS-Based Service Discovery 1.1.0; where it is silent, CoreDNS' kubernetes plugin with
 * `pods insecure` and `fallthrough in-addr.arpa ip6.arpa`.
 */
export function planAnswer(question: Question, view: DnsView, zone: DnsZone): AnswerPlan {
  const labels = labelsInZone(question.name, zone);
  return labels === undefined ? planReverse(question, view, zone) : planInZone(question, labels, { view, zone, aliases: [] });
}

interface Context {
  readonly view: DnsView;
  readonly zone: DnsZone;
  /** The CNAMEs on the way here. */
  readonly aliases: readonly DnsRecord[];
}

/** The labels in front of the cluster's domain; undefined when the name is not below it. */
function labelsInZone(name: string, { domain }: DnsZone): readonly string[] | undefined {
  if (name === domain) return [];
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1).split('.') : undefined;
}

function planInZone(question: Question, labels: readonly string[], context: Context): AnswerPlan {
  const { type } = question;
  // Whole zones are not handed out.
  if (type === 'AXFR' || type === 'IXFR') return { kind: 'answer', rcode: 'REFUSED', answers: [], authorities: [], additionals: [], isAuthoritative: false };
  if (labels.length === 0) return planApex(question, context);
  switch (labels.at(-1)) {
    case 'svc':
      return planServices(question, labels.slice(0, -1), context);
    case 'pod':
      return planPods(question, labels.slice(0, -1), context);
    case 'dns-version':
      if (labels.length > 1) return absent(context);
      return type === 'TXT' ? found([{ name: question.name, type: 'TXT', ttl: schemaTtl, data: schemaVersion }], context) : found([], context);
    case 'dns':
      if (labels.length === 1) return found([], context);
      return labels.length === 2 && labels[0] === 'ns' ? found(addressesOf(question, ownAddresses(context), context), context) : absent(context);
    default:
      return absent(context);
  }
}

function planApex({ name, type }: Question, context: Context): AnswerPlan {
  const { ttl } = context.zone;
  if (type === 'SOA') return found([soa(context)], context);
  if (type !== 'NS') return found([], context);
  const target = nameServer(context);
  return found([{ name, type: 'NS', ttl, data: target }], context, ownAddresses(context).map((address) => addressRecord(target, address, ttl)));
}

function planServices(question: Question, labels: readonly string[], context: Context): AnswerPlan {
  const { view } = context;
  const [name, namespace] = [labels.at(-2), labels.at(-1)];
  if (namespace === undefined) return found([], context);
  if (name === undefined) return view.hasNamespace(namespace) ? found([], context) : absent(context);
  const service = view.service(namespace, name);
  if (service === undefined) return absent(context);
  const [first, second] = labels;
  const isPort = labels.length === 4 && first?.startsWith('_') === true && second?.startsWith('_') === true;
  if (service.externalName !== undefined) return labels.length === 2 ? planAlias(question, service.externalName, context) : absent(context);
  if (labels.length === 2) return planService(question, service, anyPort, context);
  if (isPort) return planService(question, service, portFilter(first.slice(1), second.slice(1)), context);
  if (labels.length > 3 || first === undefined) return absent(context);
  // Nothing stands at `_tcp.hello`, but something below it does.
  if (service.ports.some(({ name: port, protocol }) => first === `_${protocol}` && port !== '')) return found([], context);
  return planEndpoints(question, service, readyOf(service, view.endpointsByHostname(service, first)), anyPort, context);
}

type PortFilter = (port: NamedPort) => boolean;
const anyPort: PortFilter = () => true;
const portFilter = (name: string, protocol: string): PortFilter => (port) => port.name === name && port.protocol === protocol && name !== '';

function planService(question: Question, service: ServiceNames, isAsked: PortFilter, context: Context): AnswerPlan {
  if (service.isHeadless) return planEndpoints(question, service, readyOf(service, context.view.endpoints(service)), isAsked, context);
  const ports = service.ports.filter(isAsked);
  if (isAsked !== anyPort && ports.length === 0) return absent(context);
  if (question.type !== 'SRV') return found(addressesOf(question, service.clusterIps, context), context);
  const target = nameOf(service, context);
  return found(
    srvRecords(question.name, ports.map(({ port }) => ({ target, port })), context),
    context,
    service.clusterIps.map((address) => addressRecord(target, address, context.zone.ttl)),
  );
}

/** Source: section 2.4.1: a headless service without ready endpoints has no name at all. */
function planEndpoints(question: Question, service: ServiceNames, endpoints: readonly EndpointName[], isAsked: PortFilter, context: Context): AnswerPlan {
  const asked = isAsked === anyPort ? endpoints : endpoints.filter(({ ports }) => ports.some(isAsked));
  if (asked.length === 0) return absent(context);
  if (question.type !== 'SRV') return found(addressesOf(question, asked.map(({ address }) => address), context), context);
  const { ttl } = context.zone;
  const suffix = nameOf(service, context);
  const targets = asked.flatMap(({ hostname, ports }) => ports.filter(isAsked).map(({ port }) => ({ target: `${hostname}.${suffix}`, port })));
  const addresses = new Map(asked.map(({ hostname, address }) => [`${hostname} ${address}`, addressRecord(`${hostname}.${suffix}`, address, ttl)]));
  return found(srvRecords(question.name, targets, context), context, [...addresses.values()]);
}

/** `1-2-3-4.namespace.pod`: any address, for the name says it already. */
function planPods(question: Question, labels: readonly string[], context: Context): AnswerPlan {
  const namespace = labels.at(-1);
  if (namespace === undefined) return found([], context);
  if (labels.length > 2 || !context.view.hasNamespace(namespace)) return absent(context);
  const label = labels.length === 2 ? labels[0] : undefined;
  if (label === undefined) return found([], context);
  const address = addressOfLabel(label);
  return address === undefined ? absent(context) : found(addressesOf(question, [address], context), context);
}

function planAlias(question: Question, target: string, context: Context): AnswerPlan {
  if (!isHostName(target)) return absent(context);
  const aliases: readonly DnsRecord[] = [...context.aliases, { name: question.name, type: 'CNAME', ttl: context.zone.ttl, data: target }];
  const labels = labelsInZone(target, context.zone);
  if (question.type === 'CNAME' || aliases.length > maxAliases || aliases.some((alias) => alias.name === target)) return found([], { ...context, aliases });
  if (labels === undefined) return { kind: 'alias', answers: aliases, target };
  return planInZone({ ...question, name: target }, labels, { ...context, aliases });
}

/** An address is no name to lead to, nor is what does not fit into a packet. */
function isHostName(name: string): boolean {
  return name.length <= 253 && !/^[\d.]+$/.test(name) && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}

function planReverse(question: Question, view: DnsView, zone: DnsZone): AnswerPlan {
  const address = question.type === 'PTR' && question.name.endsWith('.arpa') ? addressOfReverseName(question.name) : undefined;
  if (address === undefined) return { kind: 'forward' };
  const context = { view, zone, aliases: [] };
  const service = view.serviceAt(address);
  const names = service !== undefined
    ? [nameOf(service, context)]
    : view.endpointsAt(address).filter((use) => isPublished(use.service, use.endpoint)).map((use) => `${use.endpoint.hostname}.${nameOf(use.service, context)}`);
  if (names.length === 0) return { kind: 'forward' };
  return found([...new Set(names)].map((name) => ({ name: question.name, type: 'PTR', ttl: zone.ttl, data: name })), context);
}

/** The name exists. Without answers of the type asked for, the SOA says for how long that may be remembered. */
function found(answers: readonly DnsRecord[], context: Context, additionals: readonly DnsRecord[] = []): AnswerPlan {
  const authorities = answers.length === 0 && context.aliases.length === 0 ? [soa(context)] : [];
  return { kind: 'answer', rcode: 'NOERROR', answers: [...context.aliases, ...answers], authorities, additionals, isAuthoritative: true };
}

/** There is no such name. */
function absent(context: Context): AnswerPlan {
  return { kind: 'answer', rcode: 'NXDOMAIN', answers: context.aliases, authorities: [soa(context)], additionals: [], isAuthoritative: true };
}

function soa({ view, zone }: Context): DnsRecord {
  const { domain, ttl } = zone;
  const data: SoaData = { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: view.serial % 2 ** 32, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl };
  return { name: domain, type: 'SOA', ttl, data };
}

function isPublished(service: ServiceNames, endpoint: EndpointName): boolean {
  return endpoint.isReady || service.publishesNotReady;
}

function readyOf(service: ServiceNames, endpoints: readonly EndpointName[]): readonly EndpointName[] {
  return service.publishesNotReady ? endpoints : endpoints.filter(({ isReady }) => isReady);
}

function nameOf({ name, namespace }: Pick<ServiceNames, 'name' | 'namespace'>, { zone }: Context): string {
  return `${name}.${namespace}.svc.${zone.domain}`;
}

/** Where this server itself is found. */
const ownService = { namespace: 'kube-system', name: 'kube-dns' } as const;

function nameServer(context: Context): string {
  return context.view.service(ownService.namespace, ownService.name) === undefined ? `ns.dns.${context.zone.domain}` : nameOf(ownService, context);
}

function ownAddresses({ view }: Context): readonly string[] {
  return view.service(ownService.namespace, ownService.name)?.clusterIps ?? [];
}

/** Those of the family asked for, each once. */
function addressesOf({ name, type }: Question, addresses: readonly string[], { zone }: Context): readonly DnsRecord[] {
  if (type !== 'A' && type !== 'AAAA') return [];
  const ofFamily = new Set(addresses.filter((address) => address.includes(':') === (type === 'AAAA')));
  return [...ofFamily].map((address) => addressRecord(name, address, zone.ttl));
}

function addressRecord(name: string, address: string, ttl: number): AddressRecord {
  return { name, type: address.includes(':') ? 'AAAA' : 'A', ttl, data: address };
}

/** All of one rank; the weights of all together make 100. Source: RFC 2782. */
function srvRecords(name: string, targets: readonly { readonly target: string; readonly port: number }[], { zone }: Context): readonly DnsRecord[] {
  const unique = new Map(targets.map((each) => [`${each.target} ${each.port}`, each]));
  const weight = Math.max(1, Math.floor(100 / Math.max(1, unique.size)));
  return [...unique.values()].map(({ target, port }) => ({ name, type: 'SRV', ttl: zone.ttl, data: { priority: 0, weight, port, target } }));
}
