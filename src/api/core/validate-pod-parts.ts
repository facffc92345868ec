/** Rules on what the subresources `ephemeralcontainers` and `resize` may change. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notFoundValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Container, EphemeralContainer, ResourceRequirements } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
import { qosClassOf } from './qos.ts';

type Pod = Parts<PodSpec, PodStatus>;

const path = 'spec.ephemeralContainers';
/** Debugging does not need them, and the scheduler has not counted with them. */
const notForEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources'] as const;

/** Ephemeral containers are added; those that are there stay as they are. */
export function* validateEphemeralContainers(pod: Pod, old: Pod): Iterable<FieldError> {
  const containers = pod.spec.ephemeralContainers ?? [];
  const others = new Set([...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((each) => each.name));
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    if (container.name === '') yield required(`${at}.name`);
    else for (const message of dns1123Label(container.name)) yield invalidValue(`${at}.name`, container.name, message);
    if (names.has(container.name) || others.has(container.name)) yield duplicate(`${at}.name`, container.name);
    names.add(container.name);
    yield* validateEphemeral(container, pod, at, others);
  }
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = containers.find((each) => each.name === before.name);
    if (now === undefined) yield forbiddenField(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`);
    else if (!saysTheSame(now, before)) yield forbiddenField(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`);
  }
}

function* validateEphemeral(container: EphemeralContainer, pod: Pod, at: string, others: ReadonlySet<string>): Iterable<FieldError> {
  if ((container.image ?? '') === '') yield required(`${at}.image`);
  for (const key of notForEphemeral) {
    const value = container[key];
    const isSet = Array.isArray(value) ? value.length > 0 : value !== undefined && Object.keys(value).length > 0;
    if (isSet) yield forbiddenField(`${at}.${key}`, 'cannot be set for an Ephemeral Container');
  }
  const target = container.targetContainerName ?? '';
  if (target !== '' && !others.has(target)) yield notFoundValue(`${at}.targetContainerName`, target);
  const volumes = new Set((pod.spec.volumes ?? []).map((each) => each.name));
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    if (!volumes.has(mount.name)) yield notFoundValue(`${at}.volumeMounts[${index}].name`, mount.name);
    if ((mount.subPath ?? '') !== '') yield forbiddenField(`${at}.volumeMounts[${index}].subPath`, 'cannot be set for an Ephemeral Container');
    if ((mount.subPathExpr ?? '') !== '') yield forbiddenField(`${at}.volumeMounts[${index}].subPathExpr`, 'cannot be set for an Ephemeral Container');
  }
}

const resizable = ['cpu', 'memory'];

/** A running pod may get more or less CPU and memory, as long as it stays in its class of service. */
export function* validateResize(pod: Pod, old: Pod): Iterable<FieldError> {
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (pod.spec[list] ?? []).entries()) {
      const before = old.spec[list]?.[index];
      if (before !== undefined) yield* validateContainerResize(container, before, `spec.${list}[${index}].resources`);
    }
  }
  const before = qosClassOf(old.spec);
  const now = qosClassOf(pod.spec);
  if (before !== now) yield invalidValue('metadata', pod.metadata.name, `Pod QOS Class may not change as a result of resizing`);
}

function* validateContainerResize(container: Container, old: Container, at: string): Iterable<FieldError> {
  const now = container.resources ?? {};
  const before = old.resources ?? {};
  for (const part of ['limits', 'requests'] as const) {
    const names = new Set([...Object.keys(now[part] ?? {}), ...Object.keys(before[part] ?? {})]);
    for (const name of names) {
      if (now[part]?.[name] === before[part]?.[name]) continue;
      if (!resizable.includes(name)) yield forbiddenField(`${at}.${part}`, 'only cpu and memory resources are mutable');
      else if (now[part]?.[name] === undefined) yield forbiddenField(`${at}.${part}`, `resource ${part} cannot be removed`);
    }
  }
  if (!saysTheSame(claimsOf(now), claimsOf(before))) yield forbiddenField(`${at}.claims`, 'only cpu and memory resources are mutable');
  for (const [index, { resourceName, restartPolicy }] of (container.resizePolicy ?? []).entries()) {
    if (!resizable.includes(resourceName)) yield notSupported(`${at}.resizePolicy[${index}].resourceName`, resourceName, resizable);
    if (!['NotRequired', 'RestartContainer'].includes(restartPolicy)) yield notSupported(`${at}.resizePolicy[${index}].restartPolicy`, restartPolicy, ['NotRequired', 'RestartContainer']);
  }
}

function claimsOf(resources: Partial<ResourceRequirements>): unknown {
  return resources.claims;
}
