import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchResources, ParamRef } from './matching.ts';
import { bindingColumns, validateBindingSpec } from './policy-rules.ts';
import { staticNameWarnings } from './static-names.ts';

export const ValidatingAdmissionPolicyBindingSpec = struct('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec', {
  policyName: string(1, { required: true, omitEmpty: true }),
  paramRef: pointer(2, ParamRef),
  matchResources: pointer(3, MatchResources),
  validationActions: list(4, 'string', { required: true, listType: 'set' }),
});
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

const actions = ['Audit', 'Deny', 'Warn'];

function* validateBinding({ spec }: SpecPart<ValidatingAdmissionPolicyBindingSpec>): Iterable<FieldError> {
  yield* validateBindingSpec(spec);
  const given = spec.validationActions;
  for (const [index, action] of given.entries()) {
    if (!actions.includes(action)) yield notSupported(`spec.validationActions[${index}]`, action, actions);
    if (given.indexOf(action) < index) yield duplicate(`spec.validationActions[${index}]`, action);
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    yield invalidValue('spec.validationActions', given, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)');
  }
  if (given.length === 0) yield required('spec.validationActions', 'at least one validation action is required');
}

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
  strategy: { needsResourceVersion: true, warnings: staticNameWarnings },
  validate: [validateBinding],
  columns: bindingColumns,
});
export interface ValidatingAdmissionPolicyBinding extends Infer<typeof ValidatingAdmissionPolicyBinding> {}
