/** Rules on what kubelets say of their pods. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notSupported } from '#apimachinery/field-error.ts';
import { ipFamily, validateIpAddress } from '#apimachinery/ip.ts';
import { dns1123Subdomain, qualifiedName } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Container, EphemeralContainer } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import type { ContainerStatus, PodStatus } from './pod.ts';
import { validatePodAnnotations, validatePodAnnotationUpdate } from './validate-pod-annotations.ts';
import { validateId } from './validate-security.ts';

type Pod = Parts<PodSpec, PodStatus>;
type Statuses = readonly ContainerStatus[];

const ownConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);

export function* validatePodStatusUpdate(pod: Pod, old: Pod): Iterable<FieldError> {
  const { spec, status } = pod;
  yield* validatePodAnnotationUpdate(pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}, 'metadata.annotations');
  yield* validatePodAnnotations(pod.metadata.annotations ?? {}, spec, 'metadata.annotations');
  for (const [index, { type }] of (status.conditions ?? []).entries()) {
    if (!ownConditions.has(type)) for (const message of qualifiedName(type)) yield invalidValue(`metadata.conditions[${index}].Type`, type, message);
  }
  const nominated = status.nominatedNodeName ?? '';
  if (nominated !== '' && nominated !== old.status.nominatedNodeName) {
    for (const message of dns1123Subdomain(nominated)) yield invalidValue('status.nominatedNodeName', nominated, message);
  }
  yield* immutableValue('status.qosClass', status.qosClass ?? '', old.status.qosClass ?? '');
  yield* validateTransitions(pod, old);
  yield* validateClaimStatuses(pod);
  yield* validateAddresses(status);
  const lists = { containerStatuses: spec.containers, initContainerStatuses: spec.initContainers ?? [], ephemeralContainerStatuses: spec.ephemeralContainers ?? [] };
  for (const [key, containers] of Object.entries(lists)) {
    const statuses = status[key as keyof typeof lists] ?? [];
    yield* validateUsers(statuses, `status.${key}`, spec.os?.name ?? 'linux');
    if (key === 'ephemeralContainerStatuses') yield* validateNoHealth(statuses, `status.${key}`);
    else yield* validateHealth(statuses, containers, `status.${key}`);
  }
}

/** A container that will not be started again does not run again. */
function* validateTransitions({ status }: Pod, { spec, status: old }: Pod): Iterable<FieldError> {
  const sidecars = new Set((spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always').map((container) => container.name));
  const policy = spec.restartPolicy ?? 'Always';
  yield* validateStates(status.containerStatuses ?? [], old.containerStatuses ?? [], 'status.containerStatuses', policyOf(spec.containers, policy));
  const ofInit = policyOf(spec.initContainers ?? [], policy);
  yield* validateStates(status.initContainerStatuses ?? [], old.initContainerStatuses ?? [], 'status.initContainerStatuses', (name) => (sidecars.has(name) ? 'Always' : ofInit(name)));
  yield* validateStates(status.ephemeralContainerStatuses ?? [], old.ephemeralContainerStatuses ?? [], 'status.ephemeralContainerStatuses', () => 'Never');
}

/** A container's own policy counts before the pod's; with rules of its own it may always start again. */
function policyOf(containers: readonly Container[], policy: string): (name: string) => string {
  const own = new Map(containers.map((each) => [each.name, (each.restartPolicyRules ?? []).length > 0 ? 'Always' : each.restartPolicy]));
  return (name) => own.get(name) ?? policy;
}

function* validateStates(statuses: Statuses, old: Statuses, path: string, policy: (name: string) => string): Iterable<FieldError> {
  for (const [index, before] of old.entries()) {
    const { terminated } = before.state;
    const restarts = policy(before.name);
    if (terminated === undefined || restarts === 'Always' || (restarts === 'OnFailure' && terminated.exitCode !== 0)) continue;
    for (const now of statuses) {
      if (now.name === before.name && now.state.terminated === undefined) yield forbiddenField(`${path}[${index}].state`, 'may not be transitioned to non-terminated state');
    }
  }
}

function* validateClaimStatuses({ spec, status }: Pod): Iterable<FieldError> {
  const known = new Set((spec.resourceClaims ?? []).map((claim) => claim.name));
  const seen = new Set<string>();
  for (const [index, { name, resourceClaimName }] of (status.resourceClaimStatuses ?? []).entries()) {
    const at = `status.resourceClaimStatuses[${index}]`;
    if (!known.has(name)) yield invalidValue(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`');
    if (seen.has(name)) yield duplicate(`${at}.name`, name);
    seen.add(name);
    if (resourceClaimName !== undefined) for (const message of dns1123Subdomain(resourceClaimName)) yield invalidValue(`${at}.resourceClaimName`, resourceClaimName, message);
  }
}

function* validateAddresses({ hostIP, hostIPs = [], podIPs = [] }: PodStatus): Iterable<FieldError> {
  yield* validateFamilies(podIPs, 'status.podIPs');
  const [first] = hostIPs;
  if (first !== undefined && first.ip !== hostIP) yield invalidValue('status.hostIPs[0].ip', first.ip, 'must be equal to `hostIP`');
  yield* validateFamilies(hostIPs, 'status.hostIPs');
}

/** At most one address of each family. */
function* validateFamilies(addresses: readonly { readonly ip: string }[], path: string): Iterable<FieldError> {
  for (const [index, { ip }] of addresses.entries()) yield* validateIpAddress(ip, `${path}[${index}]`);
  if (addresses.length < 2) return;
  const families = new Set(addresses.map(({ ip }) => ipFamily(ip)));
  if (families.size !== 2 || addresses.length > 2) yield invalidValue(path, addresses, 'may specify no more than one IP for each IP family');
  const seen = new Set<string>();
  for (const [index, address] of addresses.entries()) {
    if (seen.has(address.ip)) yield duplicate(`${path}[${index}]`, address);
    seen.add(address.ip);
  }
}

function* validateUsers(statuses: Statuses, path: string, system: string): Iterable<FieldError> {
  for (const [index, { user }] of statuses.entries()) {
    const linux = user?.linux;
    const at = `${path}[${index}].linux`;
    if (linux === undefined) continue;
    if (system === 'windows') yield forbiddenField(at, 'cannot be set for a windows pod');
    if (system !== 'linux') continue;
    yield* validateId(linux.uid, `${at}.uid`);
    yield* validateId(linux.gid, `${at}.gid`);
    for (const [position, id] of (linux.supplementalGroups ?? []).entries()) yield* validateId(id, `${at}.supplementalGroups[${position}]`);
  }
}

const healths = ['Healthy', 'Unhealthy', 'Unknown'];

function* validateHealth(statuses: Statuses, containers: readonly (Container | EphemeralContainer)[], path: string): Iterable<FieldError> {
  for (const [index, { allocatedResourcesStatus = [], name: owner }] of statuses.entries()) {
    const container = containers.find((each) => each.name === owner);
    for (const [position, { name, resources = [] }] of allocatedResourcesStatus.entries()) {
      const at = `${path}[${index}].allocatedResourcesStatus[${position}]`;
      if (container !== undefined) yield* validateAllocated(name, container, `${at}.name`);
      const seen = new Set<string>();
      for (const [place, { health = '', resourceID }] of resources.entries()) {
        if (!healths.includes(health)) yield notSupported(`${at}.resources[${place}].health`, health, healths);
        if (seen.has(resourceID)) yield duplicate(`${at}.resources[${place}].resourceID`, resourceID);
        seen.add(resourceID);
      }
    }
  }
}

function* validateAllocated(name: string, { resources }: Container | EphemeralContainer, path: string): Iterable<FieldError> {
  if (!name.startsWith('claim:')) {
    if (resources.requests?.[name] === undefined) yield invalidValue(path, name, "must match one of the container's resource requests");
    return;
  }
  const claims = (resources.claims ?? []).map((claim) => ((claim.request ?? '') === '' ? `claim:${claim.name}` : `claim:${claim.name}/${claim.request}`));
  if (claims.includes(name)) return;
  yield invalidValue(path, name, "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty");
}

function* validateNoHealth(statuses: Statuses, path: string): Iterable<FieldError> {
  for (const [index, { allocatedResourcesStatus = [] }] of statuses.entries()) {
    if (allocatedResourcesStatus.length > 0) yield forbiddenField(`${path}[${index}].allocatedResourcesStatus`, 'must not be specified in container status');
  }
}
