import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, tooMany } from '#apimachinery/field-error.ts';
import { ipFamily } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, list, map, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { ObjectReference } from '../core/references.ts';

export const EndpointConditions = struct('io.k8s.api.discovery.v1.EndpointConditions', {
  ready: bool(1, { pointer: true }),
  serving: bool(2, { pointer: true }),
  terminating: bool(3, { pointer: true }),
});
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForZone = struct('io.k8s.api.discovery.v1.ForZone', {
  name: string(1, { required: true }),
});
export interface ForZone extends Infer<typeof ForZone> {}

export const ForNode = struct('io.k8s.api.discovery.v1.ForNode', {
  name: string(1, { required: true }),
});
export interface ForNode extends Infer<typeof ForNode> {}

export const EndpointHints = struct('io.k8s.api.discovery.v1.EndpointHints', {
  forZones: list(1, ForZone, { listType: 'atomic' }),
  forNodes: list(2, ForNode, { listType: 'atomic' }),
});
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = struct('io.k8s.api.discovery.v1.Endpoint', {
  addresses: list(1, 'string', { required: true, listType: 'set' }),
  conditions: object(2, EndpointConditions),
  hostname: string(3, { pointer: true }),
  targetRef: pointer(4, ObjectReference),
  deprecatedTopology: map(5, 'string'),
  nodeName: string(6, { pointer: true }),
  zone: string(7, { pointer: true }),
  hints: pointer(8, EndpointHints),
});
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = struct('io.k8s.api.discovery.v1.EndpointPort', {
  name: string(1, { pointer: true, default: '' }),
  protocol: oneOf(2, ['SCTP', 'TCP', 'UDP'], { pointer: true, default: 'TCP' }),
  port: int32(3, { pointer: true }),
  appProtocol: string(4, { pointer: true }),
}, { atomic: true });
export interface EndpointPort extends Infer<typeof EndpointPort> {}

interface Slice {
  readonly addressType: string;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
}

/** The most that one slice holds; a service with more has several. */
const limits = { endpoints: 1000, addresses: 100, ports: 20_000 };

function* validateSlice({ addressType, endpoints, ports }: Slice): Iterable<FieldError> {
  if (endpoints.length > limits.endpoints) yield tooMany('endpoints', endpoints.length, limits.endpoints);
  for (const [index, endpoint] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (endpoint.addresses.length > limits.addresses) yield tooMany(`${at}.addresses`, endpoint.addresses.length, limits.addresses);
    for (const [position, address] of endpoint.addresses.entries()) yield* validateAddress(address, addressType, `${at}.addresses[${position}]`);
    if (endpoint.hostname !== undefined) for (const message of dns1123Label(endpoint.hostname)) yield invalidValue(`${at}.hostname`, endpoint.hostname, message);
    if (endpoint.nodeName !== undefined) for (const message of dns1123Subdomain(endpoint.nodeName)) yield invalidValue(`${at}.nodeName`, endpoint.nodeName, message);
  }
  if (ports.length > limits.ports) yield tooMany('ports', ports.length, limits.ports);
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const name = port.name ?? '';
    if (name !== '') for (const message of dns1123Label(name)) yield invalidValue(`ports[${index}].name`, name, message);
    if (names.has(name)) yield duplicate(`ports[${index}].name`, name);
    names.add(name);
  }
}

function* validateAddress(address: string, type: string, path: string): Iterable<FieldError> {
  if (type === 'FQDN') for (const message of dns1123Subdomain(address)) yield invalidValue(path, address, message);
  else if (ipFamily(address) !== (type === 'IPv4' ? 4 : 6)) yield invalidValue(path, address, `must be a valid ${type} address`);
}

/** The first three, and how many more there are. */
function firstOf(texts: readonly string[]): string {
  if (texts.length === 0) return '<unset>';
  const shown = texts.slice(0, 3).join(',');
  return texts.length > 3 ? `${shown} + ${texts.length - 3} more...` : shown;
}

export const EndpointSlice = defineResource({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  scope: 'Namespaced',
  fields: {
    addressType: oneOf(4, ['FQDN', 'IPv4', 'IPv6'], { required: true }),
    endpoints: list(2, Endpoint, { always: true, listType: 'atomic' }),
    ports: list(3, EndpointPort, { always: true, listType: 'atomic' }),
  },
  strategy: { generation: true, generationFrom: ['addressType', 'endpoints', 'ports'] },
  validate: [validateSlice],
  validateUpdate: [immutableFields('addressType')],
  columns: [
    nameColumn,
    column<Slice>('AddressType', ({ addressType }) => addressType),
    column<Slice>('Ports', ({ ports }) => firstOf(ports.map((port) => (port.port === undefined ? '*' : String(port.port))))),
    column<Slice>('Endpoints', ({ endpoints }) => firstOf(endpoints.flatMap((endpoint) => endpoint.addresses))),
    ageColumn,
  ],
});
export interface EndpointSlice extends Infer<typeof EndpointSlice> {}
