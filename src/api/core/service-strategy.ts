/**
 * Defaults of services that depend on their type, and what an update keeps of what was allocated. Addresses and node
 * ports themselves are allocated by the API server.
 *
 * Source: behaviour of the v1.36 API server.
 */
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft, Strategy } from '#apimachinery/resource.ts';
import type { ServiceSpec, ServiceStatus } from './service.ts';
import { serviceWarnings } from './service-warnings.ts';

type Service = Parts<ServiceSpec, ServiceStatus>;

/** How long a client sticks to its endpoint: three hours. */
const affinitySeconds = 10_800;

export function defaultService({ spec, status }: { spec: Draft<ServiceSpec>; status: Draft<ServiceStatus> }): void {
  for (const port of spec.ports ?? []) if (port.targetPort === undefined || port.targetPort === '') port.targetPort = port.port;
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if (external || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status.loadBalancer.ingress ?? []) if (ingress.ip !== undefined) ingress.ipMode ??= 'VIP';
}

/** Whether the service has addresses in the cluster. */
export function needsClusterIp(spec: Pick<ServiceSpec, 'type'>): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** Whether its ports have node ports. */
export function needsNodePorts(spec: Pick<ServiceSpec, 'type' | 'allocateLoadBalancerNodePorts'>): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** Whether load balancers ask a port of its own for the health of a node. */
export function needsHealthCheckPort(spec: Pick<ServiceSpec, 'type' | 'externalTrafficPolicy'>): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

export const serviceStrategy: Strategy<Service> = {
  name: 'dns-label',
  createOnUpdate: true,
  generation: false,
  warnings: serviceWarnings,

  prepareForUpdate(draft, old) {
    keepAllocated(draft.spec, old.spec);
    dropWhatTypeLacks(draft.spec, old.spec);
  },
};

/** A client that leaves out what was allocated does not mean to give it up. */
function keepAllocated(spec: Draft<ServiceSpec>, old: ServiceSpec): void {
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    spec.clusterIP ??= old.clusterIP;
    if (spec.clusterIPs === undefined && spec.clusterIP === old.clusterIP && old.clusterIPs !== undefined) spec.clusterIPs = [...old.clusterIPs];
    spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
    if (spec.ipFamilies === undefined && old.ipFamilies !== undefined) spec.ipFamilies = [...old.ipFamilies];
  }
  if (needsNodePorts(spec) && needsNodePorts(old)) {
    for (const port of spec.ports ?? []) {
      port.nodePort ??= old.ports?.find((before) => before.port === port.port && before.protocol === port.protocol)?.nodePort;
    }
  }
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(old)) spec.healthCheckNodePort ??= old.healthCheckNodePort;
}

/** Changing only the type also gives up what the new type does not have, unless the client set it anew. */
function dropWhatTypeLacks(spec: Draft<ServiceSpec>, old: ServiceSpec): void {
  if (needsClusterIp(old) && !needsClusterIp(spec) && spec.clusterIP === old.clusterIP) {
    for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) delete spec[key];
  }
  if (needsNodePorts(old) && !needsNodePorts(spec)) {
    const before = new Set((old.ports ?? []).map((port) => port.nodePort));
    for (const port of spec.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort;
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(spec) && spec.healthCheckNodePort === old.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (!external && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (spec.type === 'ExternalName' && spec.internalTrafficPolicy === old.internalTrafficPolicy) delete spec.internalTrafficPolicy;
}
