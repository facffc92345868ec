/** Rules on pods themselves and on their updates. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Container } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
import type { NodeAffinity, NodeSelectorTerm, Toleration } from './scheduling.ts';
import { validatePodAnnotations, validatePodAnnotationUpdate, validateProfilesMatch } from './validate-pod-annotations.ts';
import { validatePodSpec } from './validate-pod-spec.ts';

type Pod = Parts<PodSpec, PodStatus>;

export function* validatePod({ metadata, spec }: Pod): Iterable<FieldError> {
  yield* validatePodAnnotations(metadata.annotations ?? {}, spec, 'metadata.annotations');
  yield* validatePodSpec(spec, 'spec', { name: metadata.name });
  if ((spec.serviceAccountName ?? '') !== '') return;
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const [position, source] of (volume.projected?.sources ?? []).entries()) {
      if (source.serviceAccountToken === undefined) continue;
      yield forbiddenField(`spec.volumes[${index}].projected.sources[${position}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set');
    }
  }
}

/** What holds only as long as the pod is new. */
export function* validatePodCreate({ metadata, spec }: Pod): Iterable<FieldError> {
  if ((spec.ephemeralContainers ?? []).length > 0) yield forbiddenField('spec.ephemeralContainers', 'cannot be set on create');
  const gated = (spec.schedulingGates ?? []).length > 0;
  if (gated && (spec.nodeName ?? '') !== '') yield forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
  yield* validateProfilesMatch(metadata.annotations ?? {}, spec, 'spec');
}

const mutableFields =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function* validatePodUpdate(pod: Pod, old: Pod): Iterable<FieldError> {
  yield* validatePodAnnotationUpdate(pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}, 'metadata.annotations');
  for (const list of ['containers', 'initContainers'] as const) {
    if ((pod.spec[list] ?? []).length !== (old.spec[list] ?? []).length) {
      yield forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers');
      return;
    }
  }
  const deadline = [...validateDeadline(pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds)];
  yield* deadline;
  if (deadline.length > 0 && pod.spec.activeDeadlineSeconds !== undefined) return;
  if (!onlyAdds(pod.spec.tolerations ?? [], old.spec.tolerations ?? [])) {
    yield forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds');
  }
  const gatesBefore = new Set((old.spec.schedulingGates ?? []).map((gate) => gate.name));
  for (const [index, gate] of (pod.spec.schedulingGates ?? []).entries()) {
    if (!gatesBefore.has(gate.name)) yield forbiddenField(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${gate.name}'`);
  }
  if (gatesBefore.size > 0) yield* validateGatedUpdate(pod.spec, old.spec);
  if (!saysTheSame(fixedPart(pod.spec, pod.spec, old.spec), fixedPart(old.spec, pod.spec, old.spec))) yield forbiddenField('spec', `${mutableFields}\n`);
}

function* validateDeadline(deadline: number | undefined, old: number | undefined): Iterable<FieldError> {
  if (old === undefined) return;
  if (deadline === undefined) yield invalidValue('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value');
  else if (deadline > old) yield invalidValue('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value');
}

function onlyAdds(tolerations: readonly Toleration[], old: readonly Toleration[]): boolean {
  return old.every((before) => tolerations.some((now) => saysTheSame({ ...now, tolerationSeconds: undefined }, { ...before, tolerationSeconds: undefined })));
}

/** While a pod is held back from scheduling, the choice of nodes can still be narrowed, but not widened. */
function* validateGatedUpdate(spec: PodSpec, old: PodSpec): Iterable<FieldError> {
  const labels = spec.nodeSelector ?? {};
  if (Object.entries(old.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) {
    yield invalidValue('spec.nodeSelector', spec.nodeSelector ?? null, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)');
  }
  yield* validateTermsUpdate(termsOf(spec.affinity?.nodeAffinity), termsOf(old.affinity?.nodeAffinity));
}

function termsOf(affinity: NodeAffinity | undefined): readonly NodeSelectorTerm[] {
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
}

function* validateTermsUpdate(terms: readonly NodeSelectorTerm[], old: readonly NodeSelectorTerm[]): Iterable<FieldError> {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (old.length === 0) return;
  if (old.length !== terms.length) return yield invalidValue(path, terms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed');
  for (const [index, before] of old.entries()) {
    const now = terms[index] ?? {};
    const narrows = (['matchExpressions', 'matchFields'] as const).every((key) => saysTheSame((now[key] ?? []).slice(0, (before[key] ?? []).length), before[key]));
    // A term without requirements matches nothing; any requirement would widen it.
    const wasEmpty = (before.matchExpressions ?? []).length + (before.matchFields ?? []).length === 0;
    if (!narrows || (wasEmpty && !saysTheSame(now, before))) yield invalidValue(`${path}[${index}]`, now, 'only additions are allowed (no mutations or deletions)');
  }
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
  if ((old.schedulingGates ?? []).length > 0) {
    const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
    fixed['nodeSelector'] = undefined;
    fixed['affinity'] = podAffinity === undefined && podAntiAffinity === undefined ? undefined : { podAffinity, podAntiAffinity };
  }
  return fixed;
}

function withoutImage(container: Container): object {
  return { ...container, image: undefined };
}
