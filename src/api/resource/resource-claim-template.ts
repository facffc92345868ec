import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, struct } from '#apimachinery/schema.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import { ResourceClaimSpec } from './resource-claim.ts';

export const ResourceClaimTemplateSpec = struct('io.k8s.api.resource.v1.ResourceClaimTemplateSpec', {
  metadata: object(1, TemplateMeta),
  spec: object(2, ResourceClaimSpec, { required: true }),
});
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

export const ResourceClaimTemplate = defineResource({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  scope: 'Namespaced',
  fields: {
    spec: object(2, ResourceClaimTemplateSpec, { required: true }),
  },
});
export interface ResourceClaimTemplate extends Infer<typeof ResourceClaimTemplate> {}
