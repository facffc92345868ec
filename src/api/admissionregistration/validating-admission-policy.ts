import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, list, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';
import { Condition } from '#apimachinery/condition.ts';
import { AuditAnnotation, MatchCondition, MatchResources, ParamKind, TypeChecking, Validation, Variable } from './matching.ts';

export const ValidatingAdmissionPolicySpec = struct('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec', {
  paramKind: pointer(1, ParamKind),
  matchConstraints: pointer(2, MatchResources),
  validations: list(3, Validation, { listType: 'atomic' }),
  failurePolicy: oneOf(4, ['Ignore', 'Fail'], { pointer: true }),
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
});
export interface ValidatingAdmissionPolicy extends Infer<typeof ValidatingAdmissionPolicy> {}
