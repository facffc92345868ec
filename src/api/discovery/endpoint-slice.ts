import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, required, tooMany } from '#apimachinery/field-error.ts';
import { ipFamily, ipWarnings, validateNonSpecialIp } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName, validateLabels } from '#apimachinery/names.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft } from '#apimachinery/resource.ts';
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
const limits = { endpoints: 1000, addresses: 100, ports: 20_000, hints: 8, topology: 16 };

function* validateSlice({ addressType, endpoints, ports }: Slice): Iterable<FieldError> {
  if (endpoints.length > limits.endpoints) yield tooMany('endpoints', endpoints.length, limits.endpoints);
  else for (const [index, endpoint] of endpoints.entries()) yield* validateEndpoint(endpoint, addressType, `endpoints[${index}]`);
  if (ports.length > limits.ports) yield tooMany('ports', ports.length, limits.ports);
  else yield* validatePorts(ports);
}

function* validateEndpoint(endpoint: Endpoint, addressType: string, at: string): Iterable<FieldError> {
  const { addresses, deprecatedTopology, hints, hostname, nodeName } = endpoint;
  if (addresses.length === 0) yield required(`${at}.addresses`, 'must contain at least 1 address');
  if (addresses.length > limits.addresses) yield tooMany(`${at}.addresses`, addresses.length, limits.addresses);
  for (const [position, address] of addresses.entries()) yield* validateAddress(address, addressType, `${at}.addresses[${position}]`);
  if (nodeName !== undefined) for (const message of dns1123Subdomain(nodeName)) yield invalidValue(`${at}.nodeName`, nodeName, message);
  if (deprecatedTopology !== undefined) {
    const count = Object.keys(deprecatedTopology).length;
    if (count > limits.topology) yield tooMany(`${at}.deprecatedTopology`, count, limits.topology);
    yield* validateLabels(deprecatedTopology, `${at}.deprecatedTopology`);
  }
  if (hostname !== undefined) for (const message of dns1123Label(hostname)) yield invalidValue(`${at}.hostname`, hostname, message);
  yield* validateHints(hints?.forZones ?? [], labelValue, `${at}.hints.forZones`);
  yield* validateHints(hints?.forNodes ?? [], dns1123Subdomain, `${at}.hints.forNodes`);
}

function* validateHints(hints: readonly { readonly name: string }[], check: (name: string) => readonly string[], path: string): Iterable<FieldError> {
  if (hints.length > limits.hints) return yield tooMany(path, hints.length, limits.hints);
  const names = new Set<string>();
  for (const [index, { name }] of hints.entries()) {
    if (names.has(name)) yield duplicate(`${path}[${index}].name`, name);
    names.add(name);
    for (const message of check(name)) yield invalidValue(`${path}[${index}].name`, name, message);
  }
}

function* validatePorts(ports: readonly EndpointPort[]): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, { appProtocol, name = '' }] of ports.entries()) {
    const at = `ports[${index}]`;
    if (name !== '') for (const message of dns1123Label(name)) yield invalidValue(`${at}.name`, name, message);
    if (names.has(name)) yield duplicate(`${at}.name`, name);
    names.add(name);
    if (appProtocol !== undefined) for (const message of qualifiedName(appProtocol)) yield invalidValue(`${at}.appProtocol`, appProtocol, message);
  }
}

function* validateAddress(address: string, type: string, path: string): Iterable<FieldError> {
  if (type === 'FQDN') return yield* validateDomain(address, path);
  const family = ipFamily(address);
  if (family !== (type === 'IPv4' ? 4 : 6)) yield invalidValue(path, address, `must be a valid ${type} address`);
  yield* family === undefined ? [invalidValue(path, address, 'must be a valid IP address')] : validateNonSpecialIp(address, path);
}

function* validateDomain(name: string, path: string): Iterable<FieldError> {
  if (name === '') return yield required(path);
  const domain = name.endsWith('.') ? name.slice(0, -1) : name;
  for (const message of dns1123Subdomain(domain)) yield invalidValue(path, domain, message);
  const labels = domain.split('.');
  if (labels.length < 2) return yield invalidValue(path, domain, 'should be a domain with at least two segments separated by dots');
  for (const label of labels) for (const message of dns1123Label(label)) yield invalidValue(path, label, message);
}

/** The topology went with the first version of the group; clients of this one do not write it. */
function dropTopology(draft: Draft<Slice>, old?: Slice): void {
  if (old !== undefined && saysTheSame(draft.endpoints, old.endpoints)) return;
  for (const endpoint of draft.endpoints) delete endpoint.deprecatedTopology;
}

function prepareChange(draft: Draft<Slice & KubeObject>, old: Slice & KubeObject): void {
  dropTopology(draft, old);
  // Labels tell whose slice it is.
  if (!saysTheSame(draft.metadata.labels ?? {}, old.metadata.labels ?? {})) draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function* sliceWarnings({ addressType, endpoints }: Slice): Iterable<string> {
  if (addressType === 'FQDN') yield 'spec.addressType: FQDN endpoints are deprecated';
  for (const [index, { addresses }] of endpoints.entries()) for (const [position, address] of addresses.entries()) yield* ipWarnings(address, `endpoints[${index}].addresses[${position}]`);
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
  strategy: { generation: true, generationFrom: ['addressType', 'endpoints', 'ports'], prepareForCreate: dropTopology, prepareForUpdate: prepareChange, warnings: sliceWarnings },
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
