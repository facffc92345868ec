import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition, validateConditions } from '#apimachinery/condition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { byteLength, qualifiedName } from '#apimachinery/names.ts';
import type { Parts, SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, list, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';
import { AuditAnnotation, MatchCondition, MatchResources, ParamKind, TypeChecking, Validation, Variable } from './matching.ts';
import { paramKindColumn, validatePolicySpec } from './policy-rules.ts';
import { staticNameWarnings } from './static-names.ts';

export const ValidatingAdmissionPolicySpec = struct('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec', {
  paramKind: pointer(1, ParamKind),
  matchConstraints: pointer(2, MatchResources),
  validations: list(3, Validation, { listType: 'atomic' }),
  failurePolicy: oneOf(4, ['Fail', 'Ignore'], { pointer: true, default: 'Fail' }),
  auditAnnotations: list(5, AuditAnnotation, { listType: 'atomic' }),
  matchConditions: list(6, MatchCondition, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  variables: list(7, Variable, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
});
export interface ValidatingAdmissionPolicySpec extends Infer<typeof ValidatingAdmissionPolicySpec> {}

export const ValidatingAdmissionPolicyStatus = struct('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus', {
  observedGeneration: int64(1),
  typeChecking: pointer(2, TypeChecking),
  conditions: list(3, Condition, { listType: 'map', keys: ['type'] }),
});
export interface ValidatingAdmissionPolicyStatus extends Infer<typeof ValidatingAdmissionPolicyStatus> {}

type Policy = Parts<ValidatingAdmissionPolicySpec, ValidatingAdmissionPolicyStatus>;

/** Bytes of an expression: what it makes is longer, and may have twice that. */
const limits = { annotations: 20, annotationExpression: 5 * 1024 };
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

function* validatePolicy({ metadata, spec }: Policy): Iterable<FieldError> {
  yield* validatePolicySpec(spec);
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    for (const field of ['validations', 'auditAnnotations']) yield required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item');
  }
  for (const [index, validation] of validations.entries()) yield* validateValidation(validation, `spec.validations[${index}]`);
  if (auditAnnotations.length > limits.annotations) yield invalidValue('spec.auditAnnotations', auditAnnotations, `must not have more than ${limits.annotations} auditAnnotations`);
  for (const [index, annotation] of auditAnnotations.entries()) {
    yield* validateAnnotation(annotation, metadata.name, `spec.auditAnnotations[${index}]`);
    if (auditAnnotations.findIndex(({ key }) => key === annotation.key) < index) yield duplicate(`spec.auditAnnotations[${index}].key`, annotation.key);
  }
}

function* validateValidation({ expression, message = '', messageExpression = '', reason }: Validation, path: string): Iterable<FieldError> {
  if (expression.trim() === '') yield required(`${path}.expression`, 'expression is not specified');
  if (messageExpression !== '' && messageExpression.trim() === '') yield invalidValue(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified');
  if (message !== '' && message.trim() === '') yield invalidValue(`${path}.message`, message, 'message must be non-empty if specified');
  else if (/[\n\r]/.test(message.trim())) yield invalidValue(`${path}.message`, message, 'message must not contain line breaks');
  if (reason !== undefined && !reasons.includes(reason)) yield notSupported(`${path}.reason`, reason, reasons);
}

function* validateAnnotation({ key, valueExpression }: AuditAnnotation, policy: string, path: string): Iterable<FieldError> {
  // So it is named in the log, where other policies write, too.
  for (const message of qualifiedName(`${policy}/${key}`)) yield invalidValue(`${path}.key`, `${policy}/${key}`, message);
  if (valueExpression.trim() === '') yield required(`${path}.valueExpression`, 'valueExpression is not specified');
  else if (byteLength(valueExpression.trim()) > limits.annotationExpression) yield required(`${path}.valueExpression`, `must not exceed ${limits.annotationExpression} bytes in length`);
}

function* validatePolicyStatus({ status: { typeChecking, conditions = [] } }: Policy): Iterable<FieldError> {
  for (const [index, { warning, fieldRef }] of (typeChecking?.expressionWarnings ?? []).entries()) {
    const path = `status.typeChecking.expressionWarnings[${index}]`;
    if (warning === '') yield required(`${path}.warning`);
    if (fieldRef.trim() === '') yield required(`${path}.fieldRef`);
  }
  yield* validateConditions(conditions, 'status.conditions');
}

export const ValidatingAdmissionPolicy = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    spec: object(2, ValidatingAdmissionPolicySpec),
    status: object(3, ValidatingAdmissionPolicyStatus),
  },
  subresources: [status()],
  strategy: { needsResourceVersion: true, warnings: staticNameWarnings },
  validate: [validatePolicy],
  validateStatusUpdate: [validatePolicyStatus],
  columns: [
    nameColumn,
    column<SpecPart<ValidatingAdmissionPolicySpec>>('Validations', ({ spec }) => (spec.validations ?? []).length, { type: 'integer' }),
    paramKindColumn,
    ageColumn,
  ],
});
export interface ValidatingAdmissionPolicy extends Infer<typeof ValidatingAdmissionPolicy> {}
