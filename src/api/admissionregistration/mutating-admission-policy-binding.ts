import type { FieldError } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchResources, ParamRef } from './matching.ts';
import { bindingColumns, validateBindingSpec, validateMutableOperations } from './policy-rules.ts';
import { staticNameWarnings } from './static-names.ts';

export const MutatingAdmissionPolicyBindingSpec = struct('io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec', {
  policyName: string(1),
  paramRef: pointer(2, ParamRef),
  matchResources: pointer(3, MatchResources),
});
export interface MutatingAdmissionPolicyBindingSpec extends Infer<typeof MutatingAdmissionPolicyBindingSpec> {}

function* validateBinding({ spec }: SpecPart<MutatingAdmissionPolicyBindingSpec>): Iterable<FieldError> {
  yield* validateBindingSpec(spec);
  yield* validateMutableOperations(spec.matchResources, 'spec.matchResources');
}

export const MutatingAdmissionPolicyBinding = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  storageVersion: 'v1beta1',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    spec: object(2, MutatingAdmissionPolicyBindingSpec),
  },
  strategy: { needsResourceVersion: true, warnings: staticNameWarnings },
  validate: [validateBinding],
  columns: bindingColumns,
});
export interface MutatingAdmissionPolicyBinding extends Infer<typeof MutatingAdmissionPolicyBinding> {}
