/**
 * Which addresses and node ports a write of a Service takes. Pure but for chance and the draft, which it completes.
 * Texts are upstream's: tools match on them.
 *
 * Source: Kubernetes documentation, "Service", "Service ClusterIP allocation"; behaviour of the v1.36 API server.
 */
import type { Random } from '#base/random.ts';
import type { ServiceSpec } from '#api/core/service.ts';
import { needsHealthCheckPort, needsNodePorts } from '#api/core/service-strategy.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { AddressRange, IpFamily } from '#apimachinery/ip-range.ts';
import { containsAddress, formatAddress, parseAddress } from '#apimachinery/ip-range.ts';
import { pickAddress } from './pick-address.ts';
import type { Claim } from './claims.ts';
import { addressClaim, nodePortsOf, portClaim } from './claims.ts';
import { keepsFamilies } from './plan-families.ts';
import type { PortRange } from './port-range.ts';
import { formatPorts, pickPort } from './port-range.ts';

type Spec = Draft<ServiceSpec>;

/** What there is to be given out. */
export interface Supply {
  /** Those that addresses may be taken from now. */
  readonly ranges: readonly AddressRange[];
  readonly ports: PortRange;
  /** Never given to who did not ask for it: the API server's own. */
  readonly reserved: string;
  readonly random: Random;
  isTaken(claim: Claim): boolean;
}

/** How a claim came about: asked for by its number, or whichever was free. */
export type Scope = 'static' | 'dynamic';

export interface Take {
  readonly claim: Claim;
  readonly scope: Scope;
  /** Of an address: the range it is from. */
  readonly range?: AddressRange;
}

/** What is not to be had. */
export class AllocationFailure extends Error {
  /** Absent: nothing the client asked for is wrong, the server has no more. */
  readonly field: FieldError | undefined;
  /** Somebody has it: whether still, the store knows. */
  readonly isTaken: boolean;
  readonly good: 'address' | 'port';
  readonly scope: Scope;
  constructor(message: string, { good, scope, field, isTaken = false }: { readonly good: 'address' | 'port'; readonly scope: Scope; readonly field?: FieldError; readonly isTaken?: boolean }) {
    super(message);
    this.good = good;
    this.scope = scope;
    this.field = field;
    this.isTaken = isTaken;
  }
}

/** All that the write takes. The families are settled. Throws an AllocationFailure. */
export function planTakes(spec: Spec, old: ServiceSpec | undefined, supply: Supply): readonly Take[] {
  const takes: Take[] = [];
  const taken = new Set<string>();
  const session: Session = {
    supply,
    isTaken: (claim) => taken.has(`${claim.kind.kind}/${claim.name}`) || supply.isTaken(claim),
    take: (each) => {
      taken.add(`${each.claim.kind.kind}/${each.claim.name}`);
      takes.push(each);
    },
  };
  takeAddresses(spec, old, session);
  takePorts(spec, old, session);
  takeHealthCheckPort(spec, old, session);
  return takes;
}

interface Session {
  readonly supply: Supply;
  readonly isTaken: (claim: Claim) => boolean;
  readonly take: (take: Take) => void;
}

function takeAddresses(spec: Spec, old: ServiceSpec | undefined, session: Session): void {
  if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === 'None' || keepsFamilies(spec, old)) return;
  const families = spec.ipFamilies ?? [];
  let from = 0;
  if (old !== undefined && old.type !== 'ExternalName') {
    // The first address stays for good; a second comes with a second family.
    if (old.clusterIPs?.[0] === 'None' || families.length <= (old.ipFamilies ?? []).length) return;
    from = 1;
  }
  const addresses = (spec.clusterIPs ??= []);
  for (let index = from; index < families.length; index++) {
    const asked = addresses[index] ?? '';
    addresses[index] = asked === '' ? freeAddress(families[index] as IpFamily, session) : claimAddress(asked, addresses, session);
  }
  if (addresses[0] !== undefined) spec.clusterIP = addresses[0];
}

function freeAddress(family: IpFamily, { supply, isTaken, take }: Session): string {
  for (const range of supply.ranges) {
    if (range.family !== family) continue;
    const address = pickAddress(supply.random, range, (each) => each === supply.reserved || isTaken(addressClaim(each)));
    if (address === undefined) continue;
    take({ claim: addressClaim(address), scope: 'dynamic', range });
    return address;
  }
  throw new AllocationFailure('failed to allocate a serviceIP: range is full', { good: 'address', scope: 'dynamic' });
}

/** The address stays as the client wrote it; its claim has the canonical form. */
function claimAddress(asked: string, all: readonly string[], { supply, isTaken, take }: Session): string {
  const address = parseAddress(asked);
  const fail = (why: string, taken: boolean): AllocationFailure =>
    new AllocationFailure(why, { good: 'address', scope: 'static', isTaken: taken, field: invalidValue('spec.clusterIPs', [...all], `failed to allocate IP ${asked}: ${why}`) });
  const range = address === undefined ? undefined : supply.ranges.find((each) => containsAddress(each, address));
  if (address === undefined || range === undefined) throw fail('the provided network does not match the current range', false);
  const claim = addressClaim(formatAddress(address));
  if (isTaken(claim)) throw fail('provided IP is already allocated', true);
  take({ claim, scope: 'static', range });
  return asked;
}

function takePorts(spec: Spec, old: ServiceSpec | undefined, session: Session): void {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return;
  const had: ReadonlySet<number> = old === undefined ? new Set() : nodePortsOf(old);
  const ports = spec.ports ?? [];
  /** Ports that share their number with another protocol share its node port too. */
  const byPort = new Map<number, number>();
  for (const [index, port] of ports.entries()) {
    const asked = port.nodePort ?? 0;
    if (asked === 0 && !needsNodePorts(spec)) continue;
    const shared = old === undefined ? byPort.get(port.port) : undefined;
    const wanted = asked !== 0 ? asked : (shared ?? (old === undefined ? ports.find((each) => each.port === port.port && (each.nodePort ?? 0) !== 0)?.nodePort : undefined));
    if (wanted === undefined) port.nodePort = freePort(session);
    else {
      port.nodePort = wanted;
      if (wanted !== shared && !had.has(wanted) && !(old !== undefined && hasBefore(ports, index, wanted))) claimPort(wanted, session, (why, isTaken) => new AllocationFailure(why, { good: 'port', scope: 'static', isTaken, field: invalidValue(`spec.ports[${index}].nodePort`, wanted, why) }));
    }
    if (shared === undefined) byPort.set(port.port, port.nodePort);
  }
}

function hasBefore(ports: NonNullable<Spec['ports']>, index: number, nodePort: number): boolean {
  return ports.slice(0, index).some((each) => each.nodePort === nodePort);
}

function takeHealthCheckPort(spec: Spec, old: ServiceSpec | undefined, session: Session): void {
  if (!needsHealthCheckPort(spec) || (old !== undefined && needsHealthCheckPort(old))) return;
  const asked = spec.healthCheckNodePort ?? 0;
  if (asked === 0) spec.healthCheckNodePort = freePort(session, 'a HealthCheck NodePort 0');
  else claimPort(asked, session, (why, isTaken) => new AllocationFailure(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`, { good: 'port', scope: 'static', isTaken }));
}

function freePort({ supply, isTaken, take }: Session, what = 'a nodePort'): number {
  const port = pickPort(supply.random, supply.ports, (each) => isTaken(portClaim(each)));
  if (port === undefined) throw new AllocationFailure(`failed to allocate ${what}: range is full`, { good: 'port', scope: 'dynamic' });
  take({ claim: portClaim(port), scope: 'dynamic' });
  return port;
}

function claimPort(port: number, { supply, isTaken, take }: Session, failure: (why: string, isTaken: boolean) => AllocationFailure): void {
  const { from, to } = supply.ports;
  if (port < from || port >= to) throw failure(`provided port is not in the valid range. The range of valid ports is ${formatPorts(supply.ports)}`, false);
  const claim = portClaim(port);
  if (isTaken(claim)) throw failure('provided port is already allocated', true);
  take({ claim, scope: 'static' });
}

/** Of several ranges those that address belongs to; for metrics and repair. */
export function rangesOf(ranges: readonly AddressRange[], address: string): readonly AddressRange[] {
  const parsed = parseAddress(address);
  return parsed === undefined ? [] : ranges.filter((range) => containsAddress(range, parsed));
}

