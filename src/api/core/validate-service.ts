/** Rules on services. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { validateCidr, validateIpAddress } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName, validateLabels } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { ServicePort, ServiceSpec } from './service.ts';
import { validateClusterIps, validateClusterIpsUpdate } from './validate-cluster-ips.ts';
import { validatePortReference } from './validate-probe.ts';

type Service = SpecPart<ServiceSpec>;

export function* validateService({ spec }: Service): Iterable<FieldError> {
  const headless = spec.clusterIP === 'None';
  if ((spec.ports ?? []).length === 0 && !headless && spec.type !== 'ExternalName') yield required('spec.ports');
  if (spec.type === 'LoadBalancer' && headless) yield invalidValue('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for LoadBalancer services");
  if (spec.type === 'NodePort' && headless) yield invalidValue('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for NodePort services");
  if (spec.type === 'ExternalName') yield* validateExternalName(spec);
  yield* validatePorts(spec);
  yield* validateLabels(spec.selector ?? {}, 'spec.selector');
  yield* validateAddresses(spec);
  yield* validateTraffic(spec);
}

function* validateExternalName(spec: ServiceSpec): Iterable<FieldError> {
  const without = 'may not be set for ExternalName services';
  if (spec.clusterIP !== undefined || (spec.clusterIPs ?? []).length > 0) yield forbiddenField('spec.clusterIPs', without);
  if ((spec.ipFamilies ?? []).length > 0) yield forbiddenField('spec.ipFamilies', without);
  if (spec.ipFamilyPolicy !== undefined) yield forbiddenField('spec.ipFamilyPolicy', without);
  const name = spec.externalName ?? '';
  if (name === '') yield required('spec.externalName');
  else for (const message of dns1123Subdomain(name.replace(/\.$/, ''))) yield invalidValue('spec.externalName', name, message);
}

function* validatePorts(spec: ServiceSpec): Iterable<FieldError> {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    yield* validatePort(port, ports.length > 1, names, at);
    if (spec.type === 'LoadBalancer' && port.port === 10250) yield invalidValue(`${at}.port`, port.port, 'may not expose port 10250 externally since it is used by kubelet');
    const key = `${port.protocol ?? 'TCP'}/${port.port}`;
    if (numbers.has(key)) yield duplicate(at, { protocol: port.protocol, port: port.port, targetPort: 0 });
    numbers.add(key);
    if (port.nodePort === undefined) continue;
    if (spec.type === 'ClusterIP' || spec.type === 'ExternalName') yield forbiddenField(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`);
    const nodeKey = `${port.protocol ?? 'TCP'}/${port.nodePort}`;
    if (nodePorts.has(nodeKey)) yield duplicate(`${at}.nodePort`, port.nodePort);
    nodePorts.add(nodeKey);
  }
}

function* validatePort(port: ServicePort, named: boolean, names: Set<string>, path: string): Iterable<FieldError> {
  const { name = '', targetPort, appProtocol } = port;
  if (named && name === '') yield required(`${path}.name`);
  if (name !== '') {
    for (const message of dns1123Label(name)) yield invalidValue(`${path}.name`, name, message);
    if (names.has(name)) yield duplicate(`${path}.name`, name);
    names.add(name);
  }
  for (const message of portNumber(port.port)) yield invalidValue(`${path}.port`, port.port, message);
  if (targetPort !== undefined) yield* validatePortReference(targetPort, `${path}.targetPort`);
  if (appProtocol !== undefined) for (const message of qualifiedName(appProtocol)) yield invalidValue(`${path}.appProtocol`, appProtocol, message);
}

function* validateAddresses(spec: ServiceSpec): Iterable<FieldError> {
  yield* validateClusterIps(spec);
  for (const [index, address] of (spec.externalIPs ?? []).entries()) yield* validateIpAddress(address, `spec.externalIPs[${index}]`);
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) yield* validateCidr(range, `spec.loadBalancerSourceRanges[${index}]`);
}

function* validateTraffic(spec: ServiceSpec): Iterable<FieldError> {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds !== undefined && (seconds <= 0 || seconds > 86_400)) {
    yield invalidValue('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, 'must be greater than 0 and less than 86400');
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  if (spec.externalTrafficPolicy !== undefined && !external) {
    yield invalidValue('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services');
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') {
    yield forbiddenField('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'");
  }
  if (spec.loadBalancerClass !== undefined && spec.type !== 'LoadBalancer') {
    yield forbiddenField('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'");
  }
}

export function* validateServiceUpdate({ spec }: Service, { spec: old }: Service): Iterable<FieldError> {
  yield* validateClusterIpsUpdate(spec, old);
  if (spec.loadBalancerClass !== undefined && old.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && !saysTheSame(spec.loadBalancerClass, old.loadBalancerClass)) {
    yield invalidValue('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set');
  }
}
