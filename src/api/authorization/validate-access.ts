/** Rules on questions about what somebody may do. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import type { LabelSelectorRequirement } from '#apimachinery/label-selector.ts';
import type { FieldSelectorRequirement } from '#apimachinery/meta-types.ts';
import { labelValue, qualifiedName } from '#apimachinery/names.ts';
import type { ObjectMeta } from '#apimachinery/object-meta.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { ResourceAttributes, SubjectAccessReviewSpec } from './local-subject-access-review.ts';

type Asked = Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>;

/** Of the kinds that ask about the caller himself. */
export function* validateOwnAccess({ metadata, spec }: SpecPart<Asked>): Iterable<FieldError> {
  yield* validateAsked(spec);
  yield* validateResource(spec.resourceAttributes);
  yield* noMetadata(metadata, []);
}

/** Of the kinds that ask about anybody. */
export function* validateAccess({ metadata, spec }: SpecPart<SubjectAccessReviewSpec>): Iterable<FieldError> {
  yield* validateSubject(spec);
  yield* noMetadata(metadata, []);
}

/** The same within one namespace. */
export function* validateLocalAccess({ metadata, spec }: SpecPart<SubjectAccessReviewSpec>): Iterable<FieldError> {
  yield* validateSubject(spec);
  yield* noMetadata(metadata, ['namespace']);
  const { resourceAttributes, nonResourceAttributes } = spec;
  const namespace = resourceAttributes?.namespace ?? '';
  if (resourceAttributes !== undefined && namespace !== (metadata.namespace ?? '')) yield invalidValue('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace');
  if (nonResourceAttributes !== undefined) yield invalidValue('spec.nonResourceAttributes', shownPath(nonResourceAttributes), 'disallowed on this kind of request');
}

function* validateSubject(spec: SubjectAccessReviewSpec): Iterable<FieldError> {
  yield* validateAsked(spec);
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) yield invalidValue('spec.user', '', 'at least one of user or group must be specified');
  yield* validateResource(spec.resourceAttributes);
}

function* validateAsked({ resourceAttributes, nonResourceAttributes }: Asked): Iterable<FieldError> {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    yield invalidValue('spec.nonResourceAttributes', shownPath(nonResourceAttributes), 'cannot be specified in combination with resourceAttributes');
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    yield invalidValue('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
}

/** As Kubernetes prints what it has in memory. */
function shownPath({ path = '', verb = '' }: NonNullable<Asked['nonResourceAttributes']>): object {
  return { Path: path, Verb: verb };
}

/** A question has no name: nothing is stored. */
function* noMetadata(metadata: ObjectMeta, but: readonly string[]): Iterable<FieldError> {
  const given = Object.entries(metadata).filter(([key, value]) => key !== 'managedFields' && !but.includes(key) && value !== undefined && value !== '');
  if (given.length > 0) yield invalidValue('metadata', metadata, but.length === 0 ? 'must be empty' : `must be empty except for ${but.join()}`);
}

function* validateResource(resource: ResourceAttributes | undefined): Iterable<FieldError> {
  const path = 'spec.resourceAttributes';
  yield* validateSelector(resource?.fieldSelector, `${path}.fieldSelector`, validateField);
  yield* validateSelector(resource?.labelSelector, `${path}.labelSelector`, validateLabel);
}

type Check<R> = (requirement: R, path: string) => Iterable<FieldError>;

function* validateSelector<R extends FieldSelectorRequirement | LabelSelectorRequirement>(
  selector: { readonly rawSelector?: string | undefined; readonly requirements?: readonly R[] | undefined } | undefined, path: string, check: Check<R>,
): Iterable<FieldError> {
  if (selector === undefined) return;
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '' && requirements.length > 0) yield invalidValue(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements');
  if (rawSelector === '' && requirements.length === 0) yield required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`);
  for (const [index, requirement] of requirements.entries()) yield* check(requirement, `${path}.requirements[${index}]`);
}

function* validateField(requirement: FieldSelectorRequirement, path: string): Iterable<FieldError> {
  if (requirement.key === '') yield required(`${path}.key`, 'must be specified');
  yield* validateOperands(requirement, path);
}

function* validateLabel(requirement: LabelSelectorRequirement, path: string): Iterable<FieldError> {
  yield* validateOperands(requirement, path);
  for (const message of qualifiedName(requirement.key)) yield invalidValue(`${path}.key`, requirement.key, message);
  for (const [index, value] of (requirement.values ?? []).entries()) for (const message of labelValue(value)) yield invalidValue(`${path}.values[${index}]`, value, message);
}

/** Operators that this server does not know may come from newer clients: they narrow nothing. */
function* validateOperands({ operator, values = [] }: FieldSelectorRequirement | LabelSelectorRequirement, path: string): Iterable<FieldError> {
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) yield required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) yield forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}
