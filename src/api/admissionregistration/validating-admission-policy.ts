import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition } from '#apimachinery/condition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { required } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, list, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';
import { AuditAnnotation, MatchCondition, MatchResources, ParamKind, TypeChecking, Validation, Variable } from './matching.ts';
import { paramKindColumn, validateConstraints } from './policy-rules.ts';

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

function* validatePolicy({ spec }: SpecPart<ValidatingAdmissionPolicySpec>): Iterable<FieldError> {
  yield* validateConstraints(spec.matchConstraints);
  if ((spec.validations ?? []).length === 0 && (spec.auditAnnotations ?? []).length === 0) {
    yield required('spec.validations', 'validations or auditAnnotations must contain at least one item');
  }
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
  validate: [validatePolicy],
  columns: [
    nameColumn,
    column<SpecPart<ValidatingAdmissionPolicySpec>>('Validations', ({ spec }) => (spec.validations ?? []).length, { type: 'integer' }),
    paramKindColumn,
    ageColumn,
  ],
});
export interface ValidatingAdmissionPolicy extends Infer<typeof ValidatingAdmissionPolicy> {}
