import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { validateIpAddress } from '#apimachinery/ip.ts';
import { portNumber } from '#apimachinery/names.ts';
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
  for (const [index, subset] of subsets.entries()) {
    const at = `subsets[${index}]`;
    if ((subset.addresses ?? []).length === 0 && (subset.notReadyAddresses ?? []).length === 0) yield required(at, 'must specify `addresses` or `notReadyAddresses`');
    for (const which of ['addresses', 'notReadyAddresses'] as const) {
      for (const [position, address] of (subset[which] ?? []).entries()) {
        if (address.ip !== '') yield* validateIpAddress(address.ip, `${at}.${which}[${position}].ip`);
      }
    }
    for (const [position, port] of (subset.ports ?? []).entries()) {
      if ((subset.ports ?? []).length > 1 && port.name === undefined) yield required(`${at}.ports[${position}].name`);
      for (const message of portNumber(port.port)) yield invalidValue(`${at}.ports[${position}].port`, port.port, message);
    }
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
  fields: {
    subsets: list(2, EndpointSubset, { listType: 'atomic' }),
  },
  strategy: { createOnUpdate: true },
  validate: [validateSubsets],
  columns: [nameColumn, column<Subsets>('Endpoints', showEndpoints), ageColumn],
});
export interface Endpoints extends Infer<typeof Endpoints> {}
