import { defineResource } from '#apimachinery/resource.ts';
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
  protocol: oneOf(3, ['TCP', 'UDP', 'SCTP']),
  appProtocol: string(4, { pointer: true }),
}, { atomic: true });
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = struct('io.k8s.api.core.v1.EndpointSubset', {
  addresses: list(1, EndpointAddress, { listType: 'atomic' }),
  notReadyAddresses: list(2, EndpointAddress, { listType: 'atomic' }),
  ports: list(3, EndpointPort, { listType: 'atomic' }),
});
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

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
});
export interface Endpoints extends Infer<typeof Endpoints> {}
