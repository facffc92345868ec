import { defineResource } from '#apimachinery/resource.ts';
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
  name: string(1, { pointer: true }),
  protocol: oneOf(2, ['TCP', 'UDP', 'SCTP'], { pointer: true }),
  port: int32(3, { pointer: true }),
  appProtocol: string(4, { pointer: true }),
}, { atomic: true });
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSlice = defineResource({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  scope: 'Namespaced',
  fields: {
    addressType: string(4, { required: true }),
    endpoints: list(2, Endpoint, { always: true, listType: 'atomic' }),
    ports: list(3, EndpointPort, { always: true, listType: 'atomic' }),
  },
});
export interface EndpointSlice extends Infer<typeof EndpointSlice> {}
