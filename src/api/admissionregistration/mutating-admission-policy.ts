import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchCondition, MatchResources, ParamKind, Variable } from './matching.ts';
import { paramKindColumn, validateMutableOperations, validatePolicySpec } from './policy-rules.ts';
import { staticNameWarnings } from './static-names.ts';

export const ApplyConfiguration = struct('io.k8s.api.admissionregistration.v1.ApplyConfiguration', {
  expression: string(1),
});
export interface ApplyConfiguration extends Infer<typeof ApplyConfiguration> {}

export const JSONPatch = struct('io.k8s.api.admissionregistration.v1.JSONPatch', {
  expression: string(1),
});
export interface JSONPatch extends Infer<typeof JSONPatch> {}

export const Mutation = struct('io.k8s.api.admissionregistration.v1.Mutation', {
  patchType: oneOf(2, ['ApplyConfiguration', 'JSONPatch'], { required: true }),
  applyConfiguration: pointer(3, ApplyConfiguration),
  jsonPatch: pointer(4, JSONPatch),
});
export interface Mutation extends Infer<typeof Mutation> {}

export const MutatingAdmissionPolicySpec = struct('io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec', {
  paramKind: pointer(1, ParamKind),
  matchConstraints: pointer(2, MatchResources),
  variables: list(3, Variable, { listType: 'atomic' }),
  mutations: list(4, Mutation, { listType: 'atomic' }),
  failurePolicy: oneOf(5, ['Fail', 'Ignore'], { pointer: true, default: 'Fail' }),
  matchConditions: list(6, MatchCondition, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  reinvocationPolicy: oneOf(7, ['IfNeeded', 'Never']),
});
export interface MutatingAdmissionPolicySpec extends Infer<typeof MutatingAdmissionPolicySpec> {}

function* validatePolicy({ spec }: SpecPart<MutatingAdmissionPolicySpec>): Iterable<FieldError> {
  yield* validatePolicySpec(spec);
  yield* validateMutableOperations(spec.matchConstraints, 'spec.matchConstraints');
  if ((spec.mutations ?? []).length === 0) yield required('spec.mutations', 'mutations must contain at least one item');
  for (const [index, mutation] of (spec.mutations ?? []).entries()) yield* validateMutation(mutation, `spec.mutations[${index}]`);
  if ((spec.reinvocationPolicy ?? '') === '') yield required('spec.reinvocationPolicy');
}

/** How the patch is made, and the expression that makes it. */
const patchFields = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function* validateMutation(mutation: Mutation, path: string): Iterable<FieldError> {
  for (const [type, field] of Object.entries(patchFields)) {
    const patch = mutation[field];
    if (type !== mutation.patchType) {
      if (patch !== undefined && mutation.patchType in patchFields) yield invalidValue(`${path}.${field}`, `{${field}}`, `must not be specified when patchType is ${mutation.patchType}`);
    } else if (patch === undefined) yield required(`${path}.${field}`, `must be specified when patchType is ${type}`);
    else if ((patch.expression ?? '').trim() === '') yield required(`${path}.${field}.expression`);
  }
}

export const MutatingAdmissionPolicy = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  storageVersion: 'v1beta1',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    spec: object(2, MutatingAdmissionPolicySpec),
  },
  strategy: { needsResourceVersion: true, warnings: staticNameWarnings },
  validate: [validatePolicy],
  columns: [
    nameColumn,
    column<SpecPart<MutatingAdmissionPolicySpec>>('Mutations', ({ spec }) => (spec.mutations ?? []).length, { type: 'integer' }),
    paramKindColumn,
    ageColumn,
  ],
});
export interface MutatingAdmissionPolicy extends Infer<typeof MutatingAdmissionPolicy> {}
