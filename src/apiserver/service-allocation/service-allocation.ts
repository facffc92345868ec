import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { Service as ServiceObject, ServicePort } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { StatusError, invalid } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import { writes } from '../admission/admission.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';
import type { AddressRange } from './address-pool.ts';
import { pickFree, reservedBand } from './address-pool.ts';

/** A number that was handed out is free again when no Service bears it after this time: its write has failed. */
const pendingMs = 60_000;

/**
 * Gives Services their cluster IPs and node ports. What is taken is read off the Services themselves, so nothing can
 * leak; what is being written counts as taken for a while.
 *
 * Runs after all other admission. Source: Kubernetes documentation, "Service", "Service ClusterIP allocation".
 */
export class ServiceAllocation implements AdmissionPlugin {
  readonly name = 'ServiceAllocation';
  readonly #ranges: readonly AddressRange[];
  readonly #ports: { readonly from: number; readonly to: number };
  readonly #clock: Clock;
  readonly #random: Random;
  /** How many Services bear an address or `port/protocol`. */
  readonly #taken = new Map<string, string>();
  readonly #pending = new Map<string, { readonly owner: string; readonly untilMs: number }>();

  constructor(options: {
    readonly ranges: readonly AddressRange[];
    /** Node ports, `to` not included. */
    readonly ports: { readonly from: number; readonly to: number };
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.#ranges = options.ranges;
    this.#ports = options.ports;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Learns what is taken, now and from every change on. */
  follow(services: ResourceCache<ServiceObject>): void {
    for (const cached of services.range('/registry/')) this.#take(cached.object);
    services.subscribe(({ type, current, previous }) => {
      if (previous !== undefined) this.#release(previous.object);
      if (type !== 'DELETED') this.#take(current.object);
    });
  }

  mutate(request: Parameters<NonNullable<AdmissionPlugin['mutate']>>[0]): void {
    if (!writes(request, Service)) return;
    const draft = request.object;
    const owner = `${request.namespace}/${draft.metadata.name ?? ''}`;
    const errors: FieldError[] = [];
    this.#addresses(draft, request.old as ServiceObject | undefined, owner, errors);
    this.#nodePorts(draft, request.old as ServiceObject | undefined, owner, errors);
    // What will not be stored holds nothing.
    if (request.dryRun || errors.length > 0) this.#giveUp(owner);
    if (errors.length > 0) throw invalid(Service, draft.metadata.name ?? '', errors);
  }

  #giveUp(owner: string): void {
    for (const [key, pending] of this.#pending) if (pending.owner === owner) this.#pending.delete(key);
  }

  #addresses(draft: Draft<ServiceObject>, old: ServiceObject | undefined, owner: string, errors: FieldError[]): void {
    const { spec } = draft;
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      return;
    }
    if (old !== undefined && old.spec.type !== 'ExternalName') {
      spec.clusterIP ??= old.spec.clusterIP;
      spec.clusterIPs ??= old.spec.clusterIPs === undefined ? undefined : [...old.spec.clusterIPs];
      spec.ipFamilies ??= old.spec.ipFamilies === undefined ? undefined : [...old.spec.ipFamilies];
      spec.ipFamilyPolicy ??= old.spec.ipFamilyPolicy;
    }
    spec.ipFamilyPolicy ??= 'SingleStack';
    spec.ipFamilies ??= this.#families(spec.ipFamilyPolicy);
    const asked = spec.clusterIP ?? spec.clusterIPs?.[0];
    if (asked === 'None') {
      spec.clusterIP = 'None';
      spec.clusterIPs = ['None'];
      return;
    }
    const addresses: string[] = [];
    for (const [index, family] of spec.ipFamilies.entries()) {
      const range = this.#ranges.find((each) => each.family === family);
      if (range === undefined) {
        errors.push({ type: 'FieldValueInvalid', path: `spec.ipFamilies[${index}]`, value: family, detail: 'not configured on this cluster' });
        continue;
      }
      const wanted = index === 0 ? asked : spec.clusterIPs?.[index];
      addresses.push(wanted === undefined || wanted === '' ? this.#freeAddress(range, owner) : this.#claimAddress(range, wanted, owner, `spec.clusterIPs`, errors));
    }
    if (addresses[0] !== undefined) spec.clusterIP = addresses[0];
    spec.clusterIPs = addresses;
  }

  #families(policy: string): ('IPv4' | 'IPv6')[] {
    const [first, second] = this.#ranges;
    if (first === undefined) return [];
    return policy === 'SingleStack' || second === undefined ? [first.family] : [first.family, second.family];
  }

  #freeAddress(range: AddressRange, owner: string): string {
    // The network's own address is never given out; the first goes to the API server.
    const last = range.family === 'IPv4' ? range.size - 1 : range.size;
    const index = pickFree(this.#random, { from: 2, to: last, upperFrom: Math.max(2, reservedBand(range.size)) }, (each) => this.#isTaken(range.at(each), owner));
    if (index === undefined) throw new StatusError(500, 'InternalError', `Internal error occurred: failed to allocate a serviceIP: range is full`);
    return this.#reserve(range.at(index), owner);
  }

  #claimAddress(range: AddressRange, address: string, owner: string, path: string, errors: FieldError[]): string {
    if (!range.contains(address)) {
      errors.push({ type: 'FieldValueInvalid', path, value: [address], detail: `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${range.cidr}` });
    } else if (this.#isTaken(address, owner)) {
      errors.push({ type: 'FieldValueInvalid', path, value: [address], detail: `failed to allocate IP ${address}: provided IP is already allocated` });
    }
    return this.#reserve(address, owner);
  }

  #nodePorts(draft: Draft<ServiceObject>, old: ServiceObject | undefined, owner: string, errors: FieldError[]): void {
    const { spec } = draft;
    const ports = spec.ports ?? [];
    const wants = spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    const isOldWanting = old !== undefined && (old.spec.type === 'NodePort' || old.spec.type === 'LoadBalancer');
    for (const [index, port] of ports.entries()) {
      if (!wants) {
        // A Service that needs none any more gives up what it had; one that asks for one in vain is refused by validation.
        if (isOldWanting && port.nodePort !== undefined && hadPort(old, port.nodePort)) delete port.nodePort;
        continue;
      }
      if (port.nodePort === undefined && isOldWanting) {
        const before = old.spec.ports?.find((each) => each.port === port.port && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.nodePort;
        if (before !== undefined && !ports.some((each) => each.nodePort === before)) port.nodePort = before;
      }
      if (port.nodePort === undefined || port.nodePort === 0) port.nodePort = this.#freePort(port, owner);
      else this.#claimPort(port, port.nodePort, owner, `spec.ports[${index}].nodePort`, errors);
    }
    if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && (spec.healthCheckNodePort ?? 0) === 0) {
      spec.healthCheckNodePort = old?.spec.healthCheckNodePort ?? this.#freePort({ protocol: 'TCP' }, owner);
    }
  }

  #freePort(port: { readonly protocol?: ServicePort['protocol'] }, owner: string): number {
    const { from, to } = this.#ports;
    const protocol = port.protocol ?? 'TCP';
    const found = pickFree(this.#random, { from, to, upperFrom: from + reservedBand(to - from) }, (each) => this.#isTaken(`${each}/${protocol}`, owner, true));
    if (found === undefined) throw new StatusError(500, 'InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
    this.#reserve(`${found}/${protocol}`, owner);
    return found;
  }

  #claimPort(port: { readonly protocol?: ServicePort['protocol'] }, number: number, owner: string, path: string, errors: FieldError[]): void {
    const { from, to } = this.#ports;
    const key = `${number}/${port.protocol ?? 'TCP'}`;
    if (number < from || number >= to) {
      errors.push({ type: 'FieldValueInvalid', path, value: number, detail: `provided port is not in the valid range. The range of valid ports is ${from}-${to - 1}` });
    } else if (this.#isTaken(key, owner)) {
      errors.push({ type: 'FieldValueInvalid', path, value: number, detail: 'provided port is already allocated' });
    } else {
      this.#reserve(key, owner);
    }
  }

  /** `byAnyone`: also what the owner itself has already; a fresh number must not be one of its own. */
  #isTaken(key: string, owner: string, byAnyone = false): boolean {
    const holder = this.#taken.get(key);
    if (holder !== undefined && (byAnyone || holder !== owner)) return true;
    const pending = this.#pending.get(key);
    return pending !== undefined && pending.untilMs > this.#clock.nowMs() && (byAnyone || pending.owner !== owner);
  }

  #reserve(key: string, owner: string): string {
    const nowMs = this.#clock.nowMs();
    for (const [other, { untilMs }] of this.#pending) {
      if (untilMs > nowMs) break;
      this.#pending.delete(other);
    }
    this.#pending.delete(key);
    this.#pending.set(key, { owner, untilMs: nowMs + pendingMs });
    return key;
  }

  #take(service: ServiceObject): void {
    for (const key of keysOf(service)) {
      this.#taken.set(key, `${service.metadata.namespace}/${service.metadata.name}`);
      this.#pending.delete(key);
    }
  }

  #release(service: ServiceObject): void {
    for (const key of keysOf(service)) this.#taken.delete(key);
  }
}

function hadPort(old: ServiceObject, nodePort: number): boolean {
  return old.spec.ports?.some((each) => each.nodePort === nodePort) === true;
}

function keysOf(service: ServiceObject): string[] {
  const { clusterIPs = [], ports = [], healthCheckNodePort } = service.spec;
  const keys = clusterIPs.filter((each) => each !== 'None' && each !== '');
  for (const port of ports) if (port.nodePort !== undefined) keys.push(`${port.nodePort}/${port.protocol ?? 'TCP'}`);
  if (healthCheckNodePort !== undefined) keys.push(`${healthCheckNodePort}/TCP`);
  return [...keys];
}
