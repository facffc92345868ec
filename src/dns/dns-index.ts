import { canonicalIp, ipFamily } from '#apimachinery/ip.ts';
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { dashedAddress } from './names.ts';

/** What of a cluster has names. */
export interface DnsView {
  /** Grows with every change. */
  readonly serial: number;
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): ServiceNames | undefined;
  /** All endpoints of a service, in slices' order; not only ready ones. */
  endpoints(service: ServiceNames): readonly EndpointName[];
  endpointsByHostname(service: ServiceNames, hostname: string): readonly EndpointName[];
  /** The service that owns a cluster address. */
  serviceAt(address: string): ServiceNames | undefined;
  /** The endpoints at an address, of every service. */
  endpointsAt(address: string): readonly { readonly service: ServiceNames; readonly endpoint: EndpointName }[];
}

export interface ServiceNames {
  readonly namespace: string;
  readonly name: string;
  /** Set for type ExternalName, without the dot at the end. */
  readonly externalName: string | undefined;
  readonly isHeadless: boolean;
  /** Canonical; empty for headless ones. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly NamedPort[];
  /** Whether endpoints count before they are ready. */
  readonly publishesNotReady: boolean;
}

export interface NamedPort {
  /** Empty when the port has none. */
  readonly name: string;
  /** In lower case. */
  readonly protocol: string;
  readonly port: number;
}

export interface EndpointName {
  readonly hostname: string;
  /** Canonical. */
  readonly address: string;
  readonly isReady: boolean;
  readonly ports: readonly NamedPort[];
}

/** The endpoints of one service by slice, and what is made of them when it is first asked for. */
interface ServiceEndpoints {
  readonly bySlice: Map<string, readonly EndpointName[]>;
  all: readonly EndpointName[] | undefined;
  byHostname: ReadonlyMap<string, readonly EndpointName[]> | undefined;
}

interface AddressUse {
  readonly serviceKey: string;
  readonly endpoint: EndpointName;
}

/**
 * Everything that has a name, kept change by change. A change costs what it changes; a question costs a look-up. Names
 * of namespaces, services and hostnames are in lower case by the API's rules, so questions in lower case meet them.
 */
export class DnsIndex implements DnsView {
  #serial = 1;
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceNames>();
  readonly #endpoints = new Map<string, ServiceEndpoints>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #clusterIps = new Map<string, string>();
  /** By address, then by slice: two slices may hold the same address while endpoints move. */
  readonly #addresses = new Map<string, Map<string, AddressUse[]>>();

  get serial(): number {
    return this.#serial;
  }

  setNamespace(name: string): void {
    this.#namespaces.add(name);
    this.#serial++;
  }

  deleteNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.#serial++;
  }

  setService(service: Service): void {
    const names = namesOf(service);
    const key = keyOf(names);
    this.#forgetClusterIps(key);
    this.#services.set(key, names);
    for (const address of names.clusterIps) this.#clusterIps.set(address, key);
    this.#serial++;
  }

  deleteService({ metadata }: Service): void {
    const key = keyOf(metadata);
    this.#forgetClusterIps(key);
    this.#services.delete(key);
    this.#serial++;
  }

  setSlice(slice: EndpointSlice): void {
    const sliceKey = keyOf(slice.metadata);
    // Its label may have named another service before.
    this.#forgetSlice(sliceKey);
    const serviceKey = serviceKeyOf(slice);
    if (serviceKey === undefined) return;
    this.#serviceOfSlice.set(sliceKey, serviceKey);
    const endpoints = slice.addressType === 'FQDN' ? [] : endpointsOf(slice);
    const known = this.#endpoints.get(serviceKey) ?? { bySlice: new Map(), all: undefined, byHostname: undefined };
    known.bySlice.set(sliceKey, endpoints);
    known.all = undefined;
    known.byHostname = undefined;
    this.#endpoints.set(serviceKey, known);
    for (const endpoint of endpoints) {
      const uses = this.#addresses.get(endpoint.address) ?? new Map<string, AddressUse[]>();
      this.#addresses.set(endpoint.address, uses);
      const ofSlice = uses.get(sliceKey);
      if (ofSlice === undefined) uses.set(sliceKey, [{ serviceKey, endpoint }]);
      else ofSlice.push({ serviceKey, endpoint });
    }
    this.#serial++;
  }

  deleteSlice(slice: EndpointSlice): void {
    this.#forgetSlice(keyOf(slice.metadata));
    this.#serial++;
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  service(namespace: string, name: string): ServiceNames | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  endpoints(service: ServiceNames): readonly EndpointName[] {
    const known = this.#endpoints.get(keyOf(service));
    if (known === undefined) return [];
    known.all ??= [...known.bySlice.values()].flat();
    return known.all;
  }

  endpointsByHostname(service: ServiceNames, hostname: string): readonly EndpointName[] {
    const known = this.#endpoints.get(keyOf(service));
    if (known === undefined) return [];
    known.byHostname ??= Map.groupBy(this.endpoints(service), (endpoint) => endpoint.hostname);
    return known.byHostname.get(hostname) ?? [];
  }

  serviceAt(address: string): ServiceNames | undefined {
    const key = this.#clusterIps.get(address);
    return key === undefined ? undefined : this.#services.get(key);
  }

  endpointsAt(address: string): readonly { readonly service: ServiceNames; readonly endpoint: EndpointName }[] {
    return [...(this.#addresses.get(address)?.values() ?? [])].flat().flatMap(({ serviceKey, endpoint }) => {
      const service = this.#services.get(serviceKey);
      return service === undefined ? [] : [{ service, endpoint }];
    });
  }

  #forgetClusterIps(key: string): void {
    for (const address of this.#services.get(key)?.clusterIps ?? []) {
      // Another service may have got the address before we heard that this one lost it.
      if (this.#clusterIps.get(address) === key) this.#clusterIps.delete(address);
    }
  }

  #forgetSlice(sliceKey: string): void {
    const serviceKey = this.#serviceOfSlice.get(sliceKey);
    const known = serviceKey === undefined ? undefined : this.#endpoints.get(serviceKey);
    if (serviceKey === undefined || known === undefined) return;
    this.#serviceOfSlice.delete(sliceKey);
    for (const { address } of known.bySlice.get(sliceKey) ?? []) {
      const uses = this.#addresses.get(address);
      uses?.delete(sliceKey);
      if (uses?.size === 0) this.#addresses.delete(address);
    }
    known.bySlice.delete(sliceKey);
    known.all = undefined;
    known.byHostname = undefined;
    if (known.bySlice.size === 0) this.#endpoints.delete(serviceKey);
  }
}

function keyOf({ namespace, name }: { readonly namespace?: string | undefined; readonly name: string }): string {
  return `${namespace ?? ''}/${name}`;
}

function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  return service === undefined || service === '' ? undefined : keyOf({ namespace: metadata.namespace, name: service });
}

function namesOf({ metadata, spec }: Service): ServiceNames {
  const isHeadless = spec.clusterIP === 'None';
  const addresses = spec.clusterIPs !== undefined && spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    externalName: spec.type === 'ExternalName' ? (spec.externalName ?? '').toLowerCase().replace(/\.$/, '') : undefined,
    isHeadless,
    clusterIps: addresses.filter((address) => ipFamily(address) !== undefined).map(canonicalIp),
    ports: (spec.ports ?? []).map(({ name, protocol, port }) => ({ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port })),
    publishesNotReady: spec.publishNotReadyAddresses === true,
  };
}

function endpointsOf({ endpoints, ports }: EndpointSlice): readonly EndpointName[] {
  const named = ports.flatMap(({ name, protocol, port }) => (port === undefined ? [] : [{ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port }]));
  return endpoints.flatMap(({ addresses, hostname, conditions }) => addresses.map((each) => {
    const address = canonicalIp(each);
    const isReady = conditions.ready ?? true;
    return { hostname: hostname === undefined || hostname === '' ? dashedAddress(address) : hostname, address, isReady, ports: named };
  }));
}
