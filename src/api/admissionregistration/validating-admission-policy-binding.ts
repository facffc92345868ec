import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchResources, ParamRef } from './matching.ts';
import { bindingColumns } from './policy-rules.ts';

export const ValidatingAdmissionPolicyBindingSpec = struct('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec', {
  policyName: string(1, { required: true, omitEmpty: true }),
  paramRef: pointer(2, ParamRef),
  matchResources: pointer(3, MatchResources),
  validationActions: list(4, 'string', { required: true, listType: 'set' }),
});
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

export const ValidatingAdmissionPolicyBinding = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    spec: object(2, ValidatingAdmissionPolicyBindingSpec, { required: true }),
  },
  columns: bindingColumns,
});
export interface ValidatingAdmissionPolicyBinding extends Infer<typeof ValidatingAdmissionPolicyBinding> {}
