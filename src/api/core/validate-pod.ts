/** Rules on pods themselves and on their updates. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Container } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
import type { Toleration } from './scheduling.ts';
import { validatePodSpec } from './validate-pod-spec.ts';

type Pod = Parts<PodSpec, PodStatus>;

export function* validatePod(pod: Pod): Iterable<FieldError> {
  yield* validatePodSpec(pod.spec, 'spec');
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  if (gated && pod.spec.nodeName !== undefined) yield forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
}

const mutableFields =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function* validatePodUpdate(pod: Pod, old: Pod): Iterable<FieldError> {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((pod.spec[list] ?? []).length !== (old.spec[list] ?? []).length) {
      yield forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers');
      return;
    }
  }
  yield* validateDeadline(pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds);
  if (!onlyAdds(pod.spec.tolerations ?? [], old.spec.tolerations ?? [])) {
    yield forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds');
  }
  const gatesBefore = new Set((old.spec.schedulingGates ?? []).map((gate) => gate.name));
  for (const [index, gate] of (pod.spec.schedulingGates ?? []).entries()) {
    if (!gatesBefore.has(gate.name)) yield forbiddenField(`spec.schedulingGates[${index}]`, `only deletion is allowed, but found new scheduling gate '${gate.name}'`);
  }
  if (!saysTheSame(fixedPart(pod.spec, pod.spec, old.spec), fixedPart(old.spec, pod.spec, old.spec))) yield forbiddenField('spec', mutableFields);
}

function* validateDeadline(deadline: number | undefined, old: number | undefined): Iterable<FieldError> {
  if (old === undefined) return;
  if (deadline === undefined) yield invalidValue('spec.activeDeadlineSeconds', deadline ?? null, 'must not update from a positive integer to nil value');
  else if (deadline > old) yield invalidValue('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value');
}

function onlyAdds(tolerations: readonly Toleration[], old: readonly Toleration[]): boolean {
  return old.every((before) => tolerations.some((now) => saysTheSame({ ...now, tolerationSeconds: undefined }, { ...before, tolerationSeconds: undefined })));
}

/** `spec` without what may change from `old` to `next`. */
function fixedPart(spec: PodSpec, next: PodSpec, old: PodSpec): object {
  const fixed: Record<string, unknown> = {
    ...spec,
    containers: spec.containers.map(withoutImage),
    initContainers: (spec.initContainers ?? []).map(withoutImage),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    schedulingGates: undefined,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1) fixed['terminationGracePeriodSeconds'] = undefined;
  // While a pod is held back from scheduling, where it may run can still be settled.
  if ((old.schedulingGates ?? []).length > 0) {
    fixed['nodeSelector'] = undefined;
    fixed['affinity'] = undefined;
  }
  return fixed;
}

function withoutImage(container: Container): object {
  return { ...container, image: undefined };
}

export function* validatePodStatusUpdate(pod: Pod, old: Pod): Iterable<FieldError> {
  const { qosClass } = pod.status;
  if (old.status.qosClass !== undefined && qosClass !== old.status.qosClass) yield invalidValue('status.qosClass', qosClass ?? '', 'field is immutable');
  if (old.spec.restartPolicy !== 'Never') return;
  for (const [index, status] of (pod.status.containerStatuses ?? []).entries()) {
    const before = old.status.containerStatuses?.find((each) => each.name === status.name);
    if (before?.state.terminated !== undefined && status.state.terminated === undefined) {
      yield forbiddenField(`status.containerStatuses[${index}].state`, 'may not be transitioned to non-terminated state');
    }
  }
}
