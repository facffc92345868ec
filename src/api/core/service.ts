import { defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, intOrString, list, map, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { Condition } from '#apimachinery/condition.ts';
import { serviceColumns } from './service-columns.ts';
import { defaultService, serviceStrategy } from './service-strategy.ts';
import { validateService, validateServiceStatusUpdate, validateServiceUpdate } from './validate-service.ts';

export const ServicePort = struct('io.k8s.api.core.v1.ServicePort', {
  name: string(1),
  protocol: oneOf(2, ['SCTP', 'TCP', 'UDP'], { default: 'TCP', published: true }),
  appProtocol: string(6, { pointer: true }),
  port: int32(3, { required: true }),
  targetPort: intOrString(4),
  nodePort: int32(5),
});
export interface ServicePort extends Infer<typeof ServicePort> {}

export const ClientIPConfig = struct('io.k8s.api.core.v1.ClientIPConfig', {
  timeoutSeconds: int32(1, { pointer: true }),
});
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const SessionAffinityConfig = struct('io.k8s.api.core.v1.SessionAffinityConfig', {
  clientIP: pointer(1, ClientIPConfig),
});
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = struct('io.k8s.api.core.v1.ServiceSpec', {
  ports: list(1, ServicePort, { listType: 'map', keys: ['port', 'protocol'], patch: 'merge', mergeKey: 'port' }),
  selector: map(2, 'string', { atomic: true }),
  clusterIP: string(3),
  clusterIPs: list(18, 'string', { listType: 'atomic' }),
  type: oneOf(4, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], { default: 'ClusterIP' }),
  externalIPs: list(5, 'string', { listType: 'atomic' }),
  sessionAffinity: oneOf(7, ['ClientIP', 'None'], { default: 'None' }),
  loadBalancerIP: string(8),
  loadBalancerSourceRanges: list(9, 'string', { listType: 'atomic' }),
  externalName: string(10),
  externalTrafficPolicy: oneOf(11, ['Cluster', 'Local']),
  healthCheckNodePort: int32(12),
  publishNotReadyAddresses: bool(13),
  sessionAffinityConfig: pointer(14, SessionAffinityConfig),
  ipFamilies: list(19, 'string', { listType: 'atomic' }),
  ipFamilyPolicy: oneOf(17, ['PreferDualStack', 'RequireDualStack', 'SingleStack'], { pointer: true }),
  allocateLoadBalancerNodePorts: bool(20, { pointer: true }),
  loadBalancerClass: string(21, { pointer: true }),
  internalTrafficPolicy: oneOf(22, ['Cluster', 'Local'], { pointer: true }),
  trafficDistribution: string(23, { pointer: true }),
});
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const PortStatus = struct('io.k8s.api.core.v1.PortStatus', {
  port: int32(1, { required: true }),
  protocol: oneOf(2, ['SCTP', 'TCP', 'UDP'], { required: true }),
  error: string(3, { pointer: true }),
});
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = struct('io.k8s.api.core.v1.LoadBalancerIngress', {
  ip: string(1),
  hostname: string(2),
  ipMode: string(3, { pointer: true }),
  ports: list(4, PortStatus, { listType: 'atomic' }),
});
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = struct('io.k8s.api.core.v1.LoadBalancerStatus', {
  ingress: list(1, LoadBalancerIngress, { listType: 'atomic' }),
});
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServiceStatus = struct('io.k8s.api.core.v1.ServiceStatus', {
  loadBalancer: object(1, LoadBalancerStatus),
  conditions: list(2, Condition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const Service = defineResource({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  scope: 'Namespaced',
  storePrefix: 'services/specs',
  fields: {
    spec: object(2, ServiceSpec),
    status: object(3, ServiceStatus),
  },
  subresources: [subresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], { group: '', version: 'v1', kind: 'ServiceProxyOptions' }), status()],
  strategy: serviceStrategy,
  defaults: defaultService,
  validate: [validateService],
  validateUpdate: [validateServiceUpdate],
  validateStatusUpdate: [validateServiceStatusUpdate],
  columns: serviceColumns,
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
});
export interface Service extends Infer<typeof Service> {}
