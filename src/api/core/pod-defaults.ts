import type { Draft } from '#apimachinery/resource.ts';
import type { Container, EphemeralContainer } from './container.ts';
import { aggregateRequests } from './pod-resources.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
/**
 * What the server fills into a pod's spec where one field's default depends on another. Fixed defaults stand with the
 * fields.
 *
 * Source: API reference of Pod; behaviour of the v1.36 API server.
 */

/** Of every pod spec, in pods and in templates. */
export function defaultPodSpec(spec: Draft<PodSpec>): void {
  for (const container of containersOf(spec)) container.imagePullPolicy ||= pullPolicyOf(container.image);
  for (const volume of spec.volumes ?? []) {
    if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
    if (volume.image !== undefined) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference);
  }
  // Two names for one field: the older is kept in step for clients that read only it.
  spec.serviceAccountName ||= spec.serviceAccount;
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
}

/** Of pods themselves; a template keeps these open, so that older controllers see no change in it. */
export function defaultPod({ spec, status }: { spec: Draft<PodSpec>; status: Draft<PodStatus> }): void {
  // The list came later than the single address, which counts where both are given; clients may read either.
  if (status.podIP !== undefined && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  else if (status.podIPs?.[0] !== undefined) status.podIP = status.podIPs[0].ip;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  for (const { resources } of containers) {
    if (resources.limits !== undefined) resources.requests = { ...resources.limits, ...resources.requests };
  }
  defaultPodLevelRequests(spec);
  if (spec.hostNetwork !== true) return;
  for (const container of containers) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

/** Pod-level requests: what the containers ask for together, else the pod-level limit. */
function defaultPodLevelRequests(spec: Draft<PodSpec>): void {
  const { resources } = spec;
  if (resources?.limits === undefined && resources?.requests === undefined) return;
  const ofContainers = aggregateRequests(spec);
  const requests: Record<string, string> = { ...resources.requests };
  for (const name of new Set([...Object.keys(resources.limits ?? {}), ...Object.keys(ofContainers)])) {
    if (!isPodLevelResource(name) || requests[name] !== undefined) continue;
    const amount = ofContainers[name] ?? resources.limits?.[name];
    if (amount !== undefined) requests[name] = amount;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** Which resources can be asked for by the pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/** `Always` for the tag `latest` (and for none), else `IfNotPresent`. */
function pullPolicyOf(image: string | undefined): 'Always' | 'IfNotPresent' {
  if (image === undefined || image === '' || image.includes('@')) return 'IfNotPresent';
  const name = image.slice(image.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  return colon < 0 || name.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent';
}

function containersOf(spec: Draft<PodSpec>): (Draft<Container> | Draft<EphemeralContainer>)[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}
