/**
 * Rules on a pod's spec that its declaration does not say, for pods and for templates.
 *
 * Source: behaviour of the v1.36 API server; wording as its validation has it.
 */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { validateIpAddress } from '#apimachinery/ip.ts';
import { byteLength, dns1123Label, dns1123Subdomain, dns1123SubdomainWithUnderscore, qualifiedName, rangeMessage, validateLabels } from '#apimachinery/names.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { isPodLevelResource } from './pod-defaults.ts';
import { aggregateRequests } from './pod-resources.ts';
import type { PodDNSConfig, PodResourceClaim, PodSpec } from './pod-template.ts';
import { validateContainers } from './validate-container.ts';
import { validateHostProcess, validateOs } from './validate-os.ts';
import { validatePodResources, validateResources } from './validate-resources.ts';
import { validateAffinity, validateReference, validateSpread, validateTolerations } from './validate-scheduling.ts';
import { validatePodSecurity } from './validate-security.ts';
import type { VolumeOwner } from './validate-volume.ts';
import { checkVolumes } from './validate-volume.ts';

const maxInt32 = 2 ** 31 - 1;

/** `path` is `spec` of a pod, `spec.template.spec` of a Deployment. `pod` is given only of a pod. */
export function* validatePodSpec(spec: PodSpec, path: string, pod?: VolumeOwner): Iterable<FieldError> {
  const volumes = checkVolumes(spec.volumes ?? [], `${path}.volumes`, pod);
  yield* volumes.errors;
  const claims = spec.resourceClaims ?? [];
  yield* validateClaims(claims, `${path}.resourceClaims`);
  const claimNames = new Set(claims.map((claim) => claim.name).filter((name) => name !== ''));
  yield* validateContainers({ spec, volumes: volumes.known, claimNames, isPod: pod !== undefined }, path);
  yield* validateWhole(spec, `${path}.resources`, claimNames);
  yield* validateHostNetwork(spec, path, pod !== undefined);
  yield* validateLabels(spec.nodeSelector ?? {}, `${path}.nodeSelector`);
  if (spec.securityContext !== undefined) yield* validatePodSecurity(spec.securityContext, spec, `${path}.securityContext`);
  yield* validateAffinity(spec.affinity, `${path}.affinity`);
  yield* validateDns(spec, `${path}.dnsConfig`);
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    for (const message of qualifiedName(conditionType)) yield invalidValue(`${path}.readinessGates[${index}].conditionType`, conditionType, message);
  }
  yield* validateGates(spec, `${path}.schedulingGates`);
  yield* validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`);
  yield* validateHostProcess(spec, path);
  yield* validateHostUsers(spec, path);
  for (const key of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) yield* validateReference(spec[key], `${path}.${key}`);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) yield invalidValue(`${path}.activeDeadlineSeconds`, deadline, rangeMessage(1, maxInt32));
  yield* validateNames(spec, path);
  yield* validateTolerations(spec.tolerations ?? [], `${path}.tolerations`);
  if (spec.overhead !== undefined) yield* validateResources({ limits: spec.overhead }, `${path}.overhead`);
  yield* validateOs(spec, path);
}

function* validateClaims(claims: readonly PodResourceClaim[], path: string): Iterable<FieldError> {
  for (const [index, claim] of claims.entries()) {
    const at = `${path}[${index}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (name !== '') for (const message of dns1123Label(name)) yield invalidValue(`${at}.name`, name, message);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      yield invalidValue(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      yield invalidValue(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    }
    for (const key of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const reference = claim[key];
      if (reference !== undefined) for (const message of dns1123Subdomain(reference)) yield invalidValue(`${at}.${key}`, reference, message);
    }
  }
}

/** Resources of the pod as a whole hold those of its containers. */
function* validateWhole(spec: PodSpec, path: string, claimNames: ReadonlySet<string>): Iterable<FieldError> {
  const { resources } = spec;
  if (resources === undefined) return;
  yield* validatePodResources(resources, path, claimNames);
  for (const [name, sum] of Object.entries(aggregateRequests(spec))) {
    const whole = resources.requests?.[name] ?? '0';
    if (isPodLevelResource(name) && compareQuantity(sum, whole) > 0) {
      yield invalidValue(`${path}.requests[${name}]`, whole, `must be greater than or equal to aggregate container requests of ${sum}`);
    }
  }
  for (const [index, container] of spec.containers.entries()) {
    for (const [name, limit] of Object.entries(container.resources.limits ?? {})) {
      const whole = resources.limits?.[name];
      if (whole !== undefined && compareQuantity(limit, whole) > 0) {
        yield invalidValue(`${path}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${whole}`);
      }
    }
  }
}

/** There the ports of containers are ports of the host. A template may leave them out. */
function* validateHostNetwork(spec: PodSpec, path: string, isPod: boolean): Iterable<FieldError> {
  if (spec.hostNetwork !== true) return;
  for (const [index, { ports = [] }] of spec.containers.entries()) {
    for (const [position, { containerPort, hostPort = 0 }] of ports.entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        yield invalidValue(`${path}.containers[${index}].ports[${position}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true');
      }
    }
  }
}

function* validateHostUsers(spec: PodSpec, path: string): Iterable<FieldError> {
  if (spec.hostUsers !== false) return;
  const message = 'when `pod.Spec.HostUsers` is false';
  if (spec.hostNetwork === true) yield forbiddenField(`${path}.hostNetwork`, message);
  if (spec.hostPID === true) yield forbiddenField(`${path}.HostPID`, message);
  if (spec.hostIPC === true) yield forbiddenField(`${path}.HostIPC`, message);
}

/** The names the pod knows itself and others by. */
function* validateNames(spec: PodSpec, path: string): Iterable<FieldError> {
  for (const key of ['hostname', 'subdomain'] as const) {
    const name = spec[key] ?? '';
    if (name !== '') for (const message of dns1123Label(name)) yield invalidValue(`${path}.${key}`, name, message);
  }
  yield* validateHostnameOverride(spec, path);
  for (const [index, { hostnames = [], ip }] of (spec.hostAliases ?? []).entries()) {
    const at = `${path}.hostAliases[${index}]`;
    yield* validateIpAddress(ip, `${at}.ip`);
    for (const [position, name] of hostnames.entries()) for (const message of dns1123Subdomain(name)) yield invalidValue(`${at}.hostnames[${position}]`, name, message);
  }
}

/** Bytes of a host's name that the kernel keeps. */
const longestHostname = 64;

function* validateHostnameOverride(spec: PodSpec, path: string): Iterable<FieldError> {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  const at = `${path}.hostnameOverride`;
  if (spec.hostNetwork === true) yield forbiddenField(`${path}.hostNetwork`, 'cannot be set when `hostnameOverride` is set');
  if (spec.setHostnameAsFQDN === true) yield forbiddenField(`${path}.setHostnameAsFQDN`, 'cannot be set when `hostnameOverride` is set');
  for (const message of dns1123Subdomain(name)) yield invalidValue(at, name, message);
  if (byteLength(name) > longestHostname) yield tooLong(at, longestHostname);
}

/** What the resolvers of C libraries take. */
const most = { nameservers: 3, searches: 32, characters: 2048 };

function* validateDns({ dnsConfig, dnsPolicy }: PodSpec, path: string): Iterable<FieldError> {
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) return yield required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
    if ((dnsConfig.nameservers ?? []).length === 0) return yield required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
  }
  if (dnsConfig !== undefined) yield* validateDnsConfig(dnsConfig, path);
}

function* validateDnsConfig({ nameservers = [], options = [], searches = [] }: PodDNSConfig, path: string): Iterable<FieldError> {
  if (nameservers.length > most.nameservers) yield invalidValue(`${path}.nameservers`, nameservers, `must not have more than ${most.nameservers} nameservers`);
  for (const [index, server] of nameservers.entries()) yield* validateIpAddress(server, `${path}.nameservers[${index}]`);
  if (searches.length > most.searches) yield invalidValue(`${path}.searches`, searches, `must not have more than ${most.searches} search paths`);
  if (byteLength(searches.join(' ')) > most.characters) {
    yield invalidValue(`${path}.searches`, searches, `must not have more than ${most.characters} characters (including spaces) in the search list`);
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    for (const message of dns1123SubdomainWithUnderscore(name)) yield invalidValue(`${path}.searches[${index}]`, name, message);
  }
  for (const [index, option] of options.entries()) if ((option.name ?? '') === '') yield required(`${path}.options[${index}]`, 'must not be empty');
}

function* validateGates({ schedulingGates = [] }: PodSpec, path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { name }] of schedulingGates.entries()) {
    for (const message of qualifiedName(name)) yield invalidValue(`${path}[${index}]`, name, message);
    if (seen.has(name)) yield duplicate(`${path}[${index}]`, name);
    seen.add(name);
  }
}
