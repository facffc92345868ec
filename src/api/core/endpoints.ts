import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { ipWarnings, validateIpAddress, validateNonSpecialIp } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { ObjectReference } from './references.ts';

export const EndpointAddress = struct('io.k8s.api.core.v1.EndpointAddress', {
  ip: string(1, { required: true }),
  hostname: string(3),
  nodeName: string(4, { pointer: true }),
  targetRef: pointer(2, ObjectReference),
}, { atomic: true });
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = struct('io.k8s.api.core.v1.EndpointPort', {
  name: string(1),
  port: int32(2, { required: true }),
  protocol: oneOf(3, ['SCTP', 'TCP', 'UDP'], { default: 'TCP' }),
  appProtocol: string(4, { pointer: true }),
}, { atomic: true });
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = struct('io.k8s.api.core.v1.EndpointSubset', {
  addresses: list(1, EndpointAddress, { listType: 'atomic' }),
  notReadyAddresses: list(2, EndpointAddress, { listType: 'atomic' }),
  ports: list(3, EndpointPort, { listType: 'atomic' }),
});
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

interface Subsets {
  readonly subsets?: readonly EndpointSubset[] | undefined;
}

function* validateSubsets({ subsets = [] }: Subsets): Iterable<FieldError> {
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const at = `subsets[${index}]`;
    if (addresses.length === 0 && notReadyAddresses.length === 0) yield required(at, 'must specify `addresses` or `notReadyAddresses`');
    for (const [position, address] of addresses.entries()) yield* validateAddress(address, `${at}.addresses[${position}]`);
    for (const [position, address] of notReadyAddresses.entries()) yield* validateAddress(address, `${at}.notReadyAddresses[${position}]`);
    for (const [position, port] of ports.entries()) yield* validatePort(port, ports.length > 1, `${at}.ports[${position}]`);
  }
}

function* validateAddress({ hostname = '', ip, nodeName }: EndpointAddress, path: string): Iterable<FieldError> {
  if (ip !== '') yield* validateIpAddress(ip, `${path}.ip`);
  if (hostname !== '') for (const message of dns1123Label(hostname)) yield invalidValue(`${path}.hostname`, hostname, message);
  if (nodeName !== undefined) for (const message of dns1123Subdomain(nodeName)) yield invalidValue(`${path}.nodeName`, nodeName, message);
  if (ip !== '') yield* validateNonSpecialIp(ip, `${path}.ip`);
}

function* validatePort({ appProtocol, name = '', port }: EndpointPort, isNamed: boolean, path: string): Iterable<FieldError> {
  if (name !== '') for (const message of dns1123Label(name)) yield invalidValue(`${path}.name`, name, message);
  else if (isNamed) yield required(`${path}.name`);
  for (const message of portNumber(port)) yield invalidValue(`${path}.port`, port, message);
  if (appProtocol !== undefined) for (const message of qualifiedName(appProtocol)) yield invalidValue(`${path}.appProtocol`, appProtocol, message);
}

function* warnOfAddresses({ subsets = [] }: Subsets): Iterable<string> {
  for (const [index, { addresses = [], notReadyAddresses = [] }] of subsets.entries()) {
    for (const [position, { ip }] of addresses.entries()) yield* ipWarnings(ip, `subsets[${index}].addresses[${position}].ip`);
    for (const [position, { ip }] of notReadyAddresses.entries()) yield* ipWarnings(ip, `subsets[${index}].notReadyAddresses[${position}].ip`);
  }
}

/** The first three addresses that take connections, with their ports. */
function showEndpoints({ subsets = [] }: Subsets): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map((address) => address.ip);
    return ports.flatMap((port) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`));
  });
  if (all.length === 0) return '<none>';
  const shown = all.slice(0, 3).join(',');
  return all.length > 3 ? `${shown} + ${all.length - 3} more...` : shown;
}

export const Endpoints = defineResource({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  scope: 'Namespaced',
  storePrefix: 'services/endpoints',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  fields: {
    subsets: list(2, EndpointSubset, { listType: 'atomic' }),
  },
  strategy: { createOnUpdate: true, warnings: warnOfAddresses },
  validate: [validateSubsets],
  columns: [nameColumn, column<Subsets>('Endpoints', showEndpoints), ageColumn],
});
export interface Endpoints extends Infer<typeof Endpoints> {}
