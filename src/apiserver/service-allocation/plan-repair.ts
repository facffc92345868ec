/**
 * What is wrong between Services and their claims, and what would make it right. Pure.
 *
 * Claims are written with their Service, so nothing of this happens by itself: it comes of a store that was written by an
 * older version or another server, of a restored backup, and of people who edit IPAddress objects.
 *
 * Source: KEP-1880; behaviour of upstream's repair controllers (reasons and texts of the events).
 */
import type { Service } from '#api/core/service.ts';
import type { IPAddress as IPAddressObject } from '#api/networking/ip-address.ts';
import { IPAddress } from '#api/networking/ip-address.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { parseAddress } from '#apimachinery/ip-range.ts';
import type { Claim, ServiceName } from './claims.ts';
import { claimsOf, familyLabel, familyOf, holderOf, isHeldBy, isManaged } from './claims.ts';
import { rangesOf } from './plan-allocation.ts';
import type { PortRange } from './port-range.ts';
import { formatPorts } from './port-range.ts';

export interface RepairView {
  readonly ranges: readonly AddressRange[];
  readonly ports: PortRange;
  claim(claim: Claim): IPAddressObject | undefined;
  service(name: ServiceName): Service | undefined;
}

export interface Finding {
  readonly about: KubeObject;
  readonly reason: string;
  readonly message: string;
  /** As the metrics of repair call it. */
  readonly type: 'invalid' | 'outOfRange' | 'repair' | 'duplicate' | 'leak';
  readonly good: 'address' | 'port';
  /** What makes it right: the claim is written for this Service, or goes. */
  readonly remedy?: { readonly is: 'write'; readonly claim: Claim; readonly holder: ServiceName } | { readonly is: 'delete'; readonly claim: Claim };
}

/** Whether a Service holds what its spec says. */
export function* checkService(service: Service, view: RepairView): Iterable<Finding> {
  for (const claim of claimsOf(service.spec)) yield* claim.kind === IPAddress ? checkAddress(service, claim, view) : checkPort(service, claim, view);
}

function* checkAddress(service: Service, claim: Claim, view: RepairView): Iterable<Finding> {
  const holder = nameOf(service);
  const finding = { about: service, good: 'address' } as const;
  const shown = `[${familyOf(claim.name)}]`;
  const write = { is: 'write', claim, holder } as const;
  if (parseAddress(claim.name) === undefined) {
    return yield { ...finding, type: 'invalid', reason: 'ClusterIPNotValid', message: `Cluster IP ${claim.name} is not a valid IP; please recreate Service` };
  }
  if (rangesOf(view.ranges, claim.name).length === 0) {
    return yield { ...finding, type: 'outOfRange', reason: 'ClusterIPOutOfRange', message: `Cluster IP ${shown}: ${claim.name} is not within any configured Service CIDR; please recreate service` };
  }
  const found = view.claim(claim);
  if (found === undefined) {
    return yield { ...finding, type: 'repair', reason: 'ClusterIPNotAllocated', message: `Cluster IP ${shown}: ${claim.name} is not allocated; repairing`, remedy: write };
  }
  if (!isHeldBy(found, holder)) {
    if (isHeldByAnother(found, claim, view)) {
      return yield { ...finding, type: 'duplicate', reason: 'ClusterIPAlreadyAllocated', message: `Cluster IP ${shown}:${claim.name} was assigned to multiple services; please recreate service` };
    }
    return yield { ...finding, type: 'repair', reason: 'ClusterIPNotAllocated', message: `the ClusterIP ${shown}: ${claim.name} for Service ${holder.namespace}/${holder.name} has a wrong reference; repairing`, remedy: write };
  }
  if (!isManaged(found) || found.metadata.labels?.[familyLabel] !== familyOf(claim.name)) {
    yield { ...finding, type: 'repair', reason: 'ClusterIPNotAllocated', message: `Cluster IP ${shown}: ${claim.name} has wrong labels; repairing`, remedy: write };
  }
}

function* checkPort(service: Service, claim: Claim, view: RepairView): Iterable<Finding> {
  const holder = nameOf(service);
  const finding = { about: service, good: 'port' } as const;
  const port = Number(claim.name);
  if (port < view.ports.from || port >= view.ports.to) {
    return yield { ...finding, type: 'outOfRange', reason: 'PortOutOfRange', message: `Port ${port} is not within the port range ${formatPorts(view.ports)}; please recreate service` };
  }
  const found = view.claim(claim);
  if (found !== undefined && isHeldBy(found, holder)) return undefined;
  if (found !== undefined && isHeldByAnother(found, claim, view)) {
    return yield { ...finding, type: 'duplicate', reason: 'PortAlreadyAllocated', message: `Port ${port} was assigned to multiple services; please recreate service` };
  }
  return yield { ...finding, type: 'repair', reason: 'PortNotAllocated', message: `Port ${port} is not allocated; repairing`, remedy: { is: 'write', claim, holder } };
}

/** Whether a claim is somebody's. */
export function* checkClaim(claim: Claim, found: IPAddressObject, view: RepairView): Iterable<Finding> {
  const isAddress = claim.kind === IPAddress;
  // Addresses that others keep here are theirs to look after.
  if (isAddress && !isManaged(found)) return;
  const finding = { about: found, good: isAddress ? 'address' : 'port', type: 'leak', remedy: { is: 'delete', claim } } as const;
  const what = isAddress ? 'IPAddress' : 'Port';
  const holder = holderOf(found.spec);
  if (holder === undefined) {
    yield { ...finding, reason: 'IPAddressNotAllocated', message: `${what} ${claim.name} appears to have been modified, not referencing a Service: cleaning up` };
    return;
  }
  const service = view.service(holder);
  if (service === undefined) {
    yield { ...finding, reason: isAddress ? 'IPAddressNotAllocated' : 'PortNotAllocated', message: `${what}: ${claim.name} for Service ${holder.namespace}/${holder.name} appears to have leaked: cleaning up` };
  } else if (!holds(service, claim)) {
    yield { ...finding, reason: isAddress ? 'IPAddressWrongReference' : 'PortWrongReference', message: `${what}: ${claim.name} for Service ${holder.namespace}/${holder.name} has a wrong reference; cleaning up` };
  }
}

/** Whether the claim names another Service that really has it. */
function isHeldByAnother(found: IPAddressObject, claim: Claim, view: RepairView): boolean {
  const holder = holderOf(found.spec);
  const service = holder === undefined ? undefined : view.service(holder);
  return service !== undefined && holds(service, claim);
}

function holds({ spec }: Service, claim: Claim): boolean {
  return claimsOf(spec).some(({ kind, name }) => kind === claim.kind && name === claim.name);
}

function nameOf({ metadata }: Service): ServiceName {
  return { namespace: metadata.namespace, name: metadata.name };
}
