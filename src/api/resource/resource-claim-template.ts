import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { validateAnnotations, validateLabels } from '#apimachinery/names.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, struct } from '#apimachinery/schema.ts';
import { defaultRequest, ResourceClaimSpec } from './resource-claim.ts';
import { validateClaim } from './validate-claim.ts';

export const ResourceClaimTemplateSpec = struct('io.k8s.api.resource.v1.ResourceClaimTemplateSpec', {
  metadata: object(1, TemplateMeta),
  spec: object(2, ResourceClaimSpec, { required: true }),
});
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

function* validateTemplate({ spec: { metadata, spec } }: SpecPart<ResourceClaimTemplateSpec>): Iterable<FieldError> {
  yield* validateLabels(metadata.labels ?? {}, 'spec.metadata.labels');
  yield* validateAnnotations(metadata.annotations ?? {}, 'spec.metadata.annotations');
  yield* validateClaim(spec.devices, 'spec.spec.devices');
}

export const ResourceClaimTemplate = defineResource({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  scope: 'Namespaced',
  fields: {
    spec: object(2, ResourceClaimTemplateSpec, { required: true }),
  },
  strategy: { generation: false },
  defaults: ({ spec }) => spec.spec.devices.requests?.forEach(defaultRequest),
  validate: [validateTemplate],
  validateUpdate: [immutableFields('spec')],
  columns: [nameColumn, ageColumn],
});
export interface ResourceClaimTemplate extends Infer<typeof ResourceClaimTemplate> {}
