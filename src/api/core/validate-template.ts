/** Rules on templates of pods, and on the workloads that have them. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported } from '#apimachinery/field-error.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import { validateAnnotations, validateLabels } from '#apimachinery/names.ts';
import { labelSelectorFrom, matchesLabels, validateLabelSelector } from '#apimachinery/selector.ts';
import type { PodTemplateSpec } from './pod-template.ts';
import { validatePodAnnotations, validateProfilesMatch } from './validate-pod-annotations.ts';
import { validatePodSpec } from './validate-pod-spec.ts';

export function* validateTemplate({ metadata, spec }: PodTemplateSpec, path = 'spec.template'): Iterable<FieldError> {
  const annotations = metadata.annotations ?? {};
  yield* validateLabels(metadata.labels ?? {}, `${path}.labels`);
  yield* validateAnnotations(annotations, `${path}.annotations`);
  yield* validatePodAnnotations(annotations, spec, `${path}.annotations`);
  yield* validatePodSpec(spec, `${path}.spec`);
  yield* validateProfilesMatch(annotations, spec, `${path}.spec`);
  if ((spec.ephemeralContainers ?? []).length > 0) yield forbiddenField(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
}

interface WithTemplate {
  readonly spec: { readonly selector?: LabelSelector | undefined; readonly template: PodTemplateSpec };
}

/** Of workloads that keep pods running for ever: selector, template, and restart policy `Always`. */
export function* validateWorkload({ spec: { selector, template } }: WithTemplate): Iterable<FieldError> {
  yield* validateSelectorOf(selector, template, 'deployment');
  yield* validateTemplate(template);
  yield* validateRunsForEver(template, 'ReplicaSet');
}

/** `owner` is what upstream calls the kind in its message. */
export function* validateRunsForEver({ spec }: PodTemplateSpec, owner: string, path = 'spec.template.spec'): Iterable<FieldError> {
  if (spec.restartPolicy !== undefined && spec.restartPolicy !== 'Always') yield notSupported(`${path}.restartPolicy`, spec.restartPolicy, ['Always']);
  if (spec.activeDeadlineSeconds !== undefined) yield forbiddenField(`${path}.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`);
}

/** That `selector` finds the pods made from `template`. A ReplicaSet is a deployment in upstream's message, too. */
export function* validateSelectorOf(selector: LabelSelector | undefined, template: PodTemplateSpec, owner: string): Iterable<FieldError> {
  // No selector finds nothing; the declaration says that there must be one.
  if (selector !== undefined) yield* validateLabelSelector('spec.selector', selector);
  if (selector !== undefined && isEmptySelector(selector)) {
    yield invalidValue('spec.selector', selector, `empty selector is invalid for ${owner}`);
    return;
  }
  const wellFormed = (selector?.matchExpressions ?? []).every(({ operator }) => ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator));
  if (wellFormed && !matchesLabels(labelSelectorFrom(selector), template.metadata.labels)) {
    yield invalidValue('spec.template.metadata.labels', template.metadata.labels ?? {}, '`selector` does not match template `labels`');
  }
}

function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}
