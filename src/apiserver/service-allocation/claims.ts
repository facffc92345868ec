/**
 * What a Service holds beside itself: per address an IPAddress, per node port a record of the same shape. Each is an
 * object whose name is the address or port, so that the store itself sees to it that nobody gets what somebody has.
 *
 * Source: KEP-1880. Node ports: upstream keeps one bitmap of all, which all writers of Services contend for and which is
 * not written with the Service; a record per port has neither fault.
 */
import type { ServiceSpec } from '#api/core/service.ts';
import type { IPAddress as IPAddressObject } from '#api/networking/ip-address.ts';
import { IPAddress, IPAddressSpec } from '#api/networking/ip-address.ts';
import type { ManagedFieldsEntry, ObjectMeta } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { defineResource } from '#apimachinery/resource.ts';
import { object } from '#apimachinery/schema.ts';
import { formatAddress, parseAddress } from '#apimachinery/ip-range.ts';

/** A node port that is taken. Not served: nobody but the API servers sees it. */
export const NodePortClaim: ResourceKind<IPAddressObject> = defineResource({
  group: 'allocation.skiff', version: 'v1', kind: 'NodePortClaim', plural: 'nodeportclaims', scope: 'Cluster', verbs: [],
  storePrefix: 'ranges/servicenodeports',
  fields: { spec: object(2, IPAddressSpec, { required: true }) },
  strategy: { name: 'path-segment', generation: false },
});

export interface Claim {
  readonly kind: ResourceKind<IPAddressObject>;
  /** The address in canonical form, or the port. */
  readonly name: string;
}

/** Who holds it. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export const familyLabel = 'ipaddress.kubernetes.io/ip-family';
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const allocatorName = 'ipallocator.k8s.io';

export function keyOfClaim({ kind, name }: Claim): string {
  return `/registry/${kind.storePrefix}/${name}`;
}

export function addressClaim(address: string): Claim {
  // IPv6 has many ways to write one address.
  const parsed = address.includes(':') ? parseAddress(address) : undefined;
  return { kind: IPAddress, name: parsed === undefined ? address : formatAddress(parsed) };
}

export function portClaim(port: number): Claim {
  return { kind: NodePortClaim, name: String(port) };
}

/** All that a Service with this spec holds. */
export function claimsOf(spec: Pick<ServiceSpec, 'type' | 'clusterIPs' | 'ports' | 'healthCheckNodePort'>): Claim[] {
  const claims: Claim[] = [];
  if (spec.type !== 'ExternalName') for (const address of spec.clusterIPs ?? []) if (address !== 'None' && address !== '') claims.push(addressClaim(address));
  for (const port of nodePortsOf(spec)) claims.push(portClaim(port));
  return claims;
}

/** Each node port once, the one for health checks included: ports of several protocols may share a number. */
export function nodePortsOf({ ports = [], healthCheckNodePort = 0 }: Pick<ServiceSpec, 'ports' | 'healthCheckNodePort'>): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const { nodePort = 0 } of ports) if (nodePort > 0) numbers.add(nodePort);
  if (healthCheckNodePort > 0) numbers.add(healthCheckNodePort);
  return numbers;
}

/** Whether the claim says that it belongs to this Service. */
export function isHeldBy({ spec }: IPAddressObject, service: ServiceName): boolean {
  const holder = holderOf(spec);
  return holder !== undefined && holder.name === service.name && holder.namespace === service.namespace;
}

/** The Service that a claim names; undefined when it names something else. */
export function holderOf(spec: IPAddressSpec | undefined): ServiceName | undefined {
  // A stored object has a reference; what was written past the server may have none.
  const parent = (spec as Partial<IPAddressSpec> | undefined)?.parentRef;
  if (parent === undefined || (parent.group ?? '') !== '' || parent.resource !== 'services') return undefined;
  return { namespace: parent.namespace ?? '', name: parent.name ?? '' };
}

/** Whether the allocator made the address and looks after it. */
export function isManaged({ metadata }: { readonly metadata: Pick<ObjectMeta, 'labels'> }): boolean {
  return metadata.labels?.[managedByLabel] === allocatorName;
}

export function familyOf(address: string): string {
  return parseAddress(address)?.family ?? '';
}

/** The object of a claim, ready to be written. */
export function claimDraft({ kind, name }: Claim, service: ServiceName, made: { readonly uid: string; readonly nowIso: string }): Draft<IPAddressObject> {
  const isAddress = kind === IPAddress;
  return {
    kind: kind.kind,
    apiVersion: kind.apiVersion,
    metadata: {
      name,
      uid: made.uid,
      creationTimestamp: made.nowIso,
      ...(isAddress && {
        labels: { [familyLabel]: familyOf(name), [managedByLabel]: allocatorName },
        managedFields: [{ manager: 'kube-apiserver', operation: 'Update', apiVersion: kind.apiVersion, time: made.nowIso, fieldsType: 'FieldsV1', fieldsV1: ownedFields }] as Draft<ManagedFieldsEntry>[],
      }),
    },
    spec: { parentRef: { resource: 'services', namespace: service.namespace, name: service.name } },
  } as unknown as Draft<IPAddressObject>;
}

const ownedFields = {
  'f:metadata': { 'f:labels': { '.': {}, [`f:${familyLabel}`]: {}, [`f:${managedByLabel}`]: {} } },
  'f:spec': { 'f:parentRef': { '.': {}, 'f:name': {}, 'f:namespace': {}, 'f:resource': {} } },
};
