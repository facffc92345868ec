import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, pointer, string, struct } from '#apimachinery/schema.ts';

export const ParentReference = struct('io.k8s.api.networking.v1.ParentReference', {
  group: string(1),
  resource: string(2, { required: true }),
  namespace: string(3),
  name: string(4, { required: true }),
});
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = struct('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: pointer(1, ParentReference, { required: true }),
});
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const IPAddress = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  scope: 'Cluster',
  fields: {
    spec: object(2, IPAddressSpec, { required: true }),
  },
});
export interface IPAddress extends Infer<typeof IPAddress> {}
