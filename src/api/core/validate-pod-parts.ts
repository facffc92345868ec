/** Rules on what the subresources `ephemeralcontainers` and `resize` may change. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Container, ResourceRequirements } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
import { qosClassOf } from './qos.ts';
import { mirrorPod } from './validate-pod-annotations.ts';

type Pod = Parts<PodSpec, PodStatus>;

/** Ephemeral containers are added; those that are there stay as they are. */
export function* validateEphemeralContainers(pod: Pod, old: Pod): Iterable<FieldError> {
  const path = 'spec.ephemeralContainers';
  if (isMirror(old)) return yield forbiddenField('', 'static pods do not support ephemeral containers');
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.find((each) => each.name === before.name);
    if (now === undefined) yield forbiddenField(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`);
    else if (!saysTheSame(now, before)) yield forbiddenField(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`);
  }
}

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[mirrorPod] !== undefined;
}

/** A running pod may get more or less CPU and memory, as long as it stays in its class of service. */
export function* validateResize(pod: Pod, old: Pod): Iterable<FieldError> {
  if (isMirror(old)) return yield forbiddenField('', 'static pods cannot be resized');
  if (old.spec.os?.name === 'windows') return yield forbiddenField('', 'windows pods cannot be resized');
  if ((old.status.qosClass ?? qosClassOf(old.spec)) !== qosClassOf(pod.spec)) {
    yield invalidValue('spec', pod.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing');
  }
  if (!canResize(old)) yield forbiddenField('spec', 'Pod running on node without support for resize');
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, before] of (old.spec[list] ?? []).entries()) {
      const now = pod.spec[list]?.[index];
      if (now !== undefined) yield* validateRemoved(now.resources, before.resources, `spec.${list}[${index}].resources`);
    }
  }
  yield* validateOnlyResources(pod.spec, old.spec);
  yield* validateRemoved(pod.spec.resources ?? {}, old.spec.resources ?? {}, 'spec.resources');
}

/** A kubelet that reports what a container has been given can also change it. As long as none runs, nobody knows. */
function canResize({ status }: Pod): boolean {
  const running = status.containerStatuses?.find((each) => each.state.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function* validateRemoved(now: Partial<ResourceRequirements>, before: Partial<ResourceRequirements>, path: string): Iterable<FieldError> {
  for (const part of ['requests', 'limits'] as const) {
    const isRemoved = Object.keys(before[part] ?? {}).some((name) => now[part]?.[name] === undefined);
    if (isRemoved) yield forbiddenField(`${path}.${part}`, `resource ${part} cannot be removed`);
  }
}

/** Nothing but CPU and memory. */
function* validateOnlyResources(spec: PodSpec, old: PodSpec): Iterable<FieldError> {
  for (const [index, before] of old.containers.entries()) {
    if (changesOtherResources(spec.containers[index], before)) yield forbiddenField('spec', 'only cpu and memory resources are mutable');
  }
  for (const [index, before] of (old.initContainers ?? []).entries()) {
    if (!changesOtherResources(spec.initContainers?.[index], before)) continue;
    yield forbiddenField('spec', `only cpu and memory resources ${before.restartPolicy === 'Always' ? 'for sidecar containers ' : ''}are mutable`);
  }
}

function changesOtherResources(now: Container | undefined, before: Container): boolean {
  if (now === undefined) return true;
  return !saysTheSame({ ...now, resources: others(now.resources) }, { ...before, resources: others(before.resources) });
}

function others(resources: ResourceRequirements): object {
  const rest = (amounts: Readonly<Record<string, string>> | undefined): object => {
    return Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));
  };
  return { limits: rest(resources.limits), requests: rest(resources.requests), claims: resources.claims };
}
