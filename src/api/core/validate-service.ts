/** Rules on services. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { ipFamily, validateCidr, validateIpAddress, validateNonSpecialIp } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName, validateLabels } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { needsHealthCheckPort } from './service-strategy.ts';
import type { LoadBalancerIngress, ServicePort, ServiceSpec, ServiceStatus } from './service.ts';
import { validateClusterIps, validateClusterIpsUpdate } from './validate-cluster-ips.ts';
import { validatePortReference } from './validate-probe.ts';

type Service = Parts<ServiceSpec, ServiceStatus>;

const topologyMode = 'service.kubernetes.io/topology-mode';
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";

export function* validateService({ metadata, spec }: Service): Iterable<FieldError> {
  const annotations = metadata.annotations ?? {};
  const [mode, hints] = [annotations[topologyMode], annotations[topologyHints]];
  if (mode !== undefined && hints !== undefined && mode !== hints) yield invalidValue(`metadata.annotations[${topologyMode}]`, mode, `must match annotations[${topologyHints}] when both are specified`);
  const headless = spec.clusterIP === 'None';
  if ((spec.ports ?? []).length === 0 && !headless && spec.type !== 'ExternalName') yield required('spec.ports');
  if (spec.type === 'LoadBalancer' && headless) yield invalidValue('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for LoadBalancer services");
  if (spec.type === 'NodePort' && headless) yield invalidValue('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for NodePort services");
  if (spec.type === 'ExternalName') yield* validateExternalName(spec);
  yield* validatePorts(spec);
  yield* validateLabels(spec.selector ?? {}, 'spec.selector');
  yield* validateAddresses(spec);
  yield* validateSourceRanges(spec, annotations[sourceRanges]);
  yield* validateTraffic(spec);
}

function* validateExternalName(spec: ServiceSpec): Iterable<FieldError> {
  const without = 'may not be set for ExternalName services';
  if (spec.clusterIP !== undefined || (spec.clusterIPs ?? []).length > 0) yield forbiddenField('spec.clusterIPs', without);
  if ((spec.ipFamilies ?? []).length > 0) yield forbiddenField('spec.ipFamilies', without);
  if (spec.ipFamilyPolicy !== undefined) yield forbiddenField('spec.ipFamilyPolicy', without);
  const name = spec.externalName ?? '';
  if (name === '') yield required('spec.externalName');
  else for (const message of dns1123Subdomain(name.replace(/\.$/, ''))) yield invalidValue('spec.externalName', name.replace(/\.$/, ''), message);
}

function* validatePorts(spec: ServiceSpec): Iterable<FieldError> {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    yield* validatePort(port, ports.length > 1, names, at);
    const key = `${port.protocol ?? 'TCP'}/${port.port}`;
    if (numbers.has(key)) yield duplicate(at, { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 });
    numbers.add(key);
    if ((port.nodePort ?? 0) === 0) continue;
    if (spec.type === 'ClusterIP') yield forbiddenField(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
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
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    const wrong = [...validateIpAddress(address, `spec.externalIPs[${index}]`)];
    yield* wrong.length > 0 ? wrong : validateNonSpecialIp(address, `spec.externalIPs[${index}]`);
  }
}

/** The field, or the annotation that came before it. */
function* validateSourceRanges({ loadBalancerSourceRanges: ranges = [], type }: ServiceSpec, annotation: string | undefined): Iterable<FieldError> {
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges';
    if (type !== 'LoadBalancer') yield forbiddenField(path, onlyBalanced);
    for (const [index, range] of ranges.entries()) yield* validateCidr(range.trim(), `${path}[${index}]`);
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${sourceRanges}]`;
    if (type !== 'LoadBalancer') yield forbiddenField(path, onlyBalanced);
    if (annotation.trim() !== '') for (const range of annotation.split(',')) yield* validateCidr(range.trim(), path);
  }
}

/** Where traffic may be kept, from the most to the least spread. */
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

function* validateTraffic(spec: ServiceSpec): Iterable<FieldError> {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds !== undefined && (seconds <= 0 || seconds > 86_400)) {
    yield invalidValue('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, 'must be greater than 0 and less than 86400');
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  if (spec.externalTrafficPolicy !== undefined && !external) {
    yield invalidValue('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services');
  }
  const healthPort = spec.healthCheckNodePort ?? 0;
  if (healthPort !== 0) {
    if (!needsHealthCheckPort(spec)) yield invalidValue('spec.healthCheckNodePort', healthPort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    else for (const message of portNumber(healthPort)) yield invalidValue('spec.healthCheckNodePort', healthPort, message);
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') yield forbiddenField('spec.allocateLoadBalancerNodePorts', onlyBalanced);
  const { loadBalancerClass, trafficDistribution } = spec;
  if (loadBalancerClass !== undefined) {
    if (spec.type !== 'LoadBalancer') yield forbiddenField('spec.loadBalancerClass', onlyBalanced);
    else for (const message of qualifiedName(loadBalancerClass)) yield invalidValue('spec.loadBalancerClass', loadBalancerClass, message);
  }
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution)) yield notSupported('spec.trafficDistribution', trafficDistribution, distributions);
}

export function* validateServiceUpdate({ spec }: Service, { spec: old }: Service): Iterable<FieldError> {
  yield* validateClusterIpsUpdate(spec, old);
  if (old.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass) {
    yield invalidValue('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set');
  }
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && spec.healthCheckNodePort !== old.healthCheckNodePort) yield forbiddenField('spec.healthCheckNodePort', 'field is immutable');
}

const ipModes = ['Proxy', 'VIP'];

export function* validateServiceStatusUpdate({ spec, status }: Service): Iterable<FieldError> {
  const ingresses = status.loadBalancer.ingress ?? [];
  if (spec.type !== 'LoadBalancer') {
    if (ingresses.length > 0) yield forbiddenField('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  for (const [index, ingress] of ingresses.entries()) yield* validateIngress(ingress, `status.loadBalancer.ingress[${index}]`);
}

function* validateIngress({ hostname = '', ip = '', ipMode }: LoadBalancerIngress, at: string): Iterable<FieldError> {
  yield* validateOptionalIp(ip, `${at}.ip`);
  if (ipMode === undefined) {
    if (ip !== '') yield required(`${at}.ipMode`, 'must be specified when `ip` is set');
  } else if (ip === '') yield forbiddenField(`${at}.ipMode`, 'may not be specified when `ip` is not set');
  else if (!ipModes.includes(ipMode)) yield notSupported(`${at}.ipMode`, ipMode, ipModes);
  yield* validateBalancerHost(hostname, `${at}.hostname`);
}

export function* validateOptionalIp(ip: string, path: string): Iterable<FieldError> {
  if (ip !== '') yield* validateIpAddress(ip, path);
}

/** Where a load balancer, of services or of ingresses, is known by a name. */
export function* validateBalancerHost(hostname: string, path: string): Iterable<FieldError> {
  if (hostname === '') return;
  for (const message of dns1123Subdomain(hostname)) yield invalidValue(path, hostname, message);
  if (ipFamily(hostname) !== undefined) yield invalidValue(path, hostname, 'must be a DNS name, not an IP address');
}
