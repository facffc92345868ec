import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, pointer, string, struct } from '#apimachinery/schema.ts';

export const IngressClassParametersReference = struct('io.k8s.api.networking.v1.IngressClassParametersReference', {
  apiGroup: string(1, { pointer: true }),
  kind: string(2, { required: true }),
  name: string(3, { required: true }),
  scope: string(4, { always: true, pointer: true }),
  namespace: string(5, { pointer: true }),
});
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = struct('io.k8s.api.networking.v1.IngressClassSpec', {
  controller: string(1),
  parameters: pointer(2, IngressClassParametersReference),
});
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const IngressClass = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  scope: 'Cluster',
  fields: {
    spec: object(2, IngressClassSpec),
  },
});
export interface IngressClass extends Infer<typeof IngressClass> {}
