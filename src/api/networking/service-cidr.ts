import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, struct } from '#apimachinery/schema.ts';
import { Condition } from '#apimachinery/condition.ts';

export const ServiceCIDRSpec = struct('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: list(1, 'string', { listType: 'atomic' }),
});
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = struct('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: list(1, Condition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const ServiceCIDR = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  scope: 'Cluster',
  fields: {
    spec: object(2, ServiceCIDRSpec),
    status: object(3, ServiceCIDRStatus),
  },
  subresources: [status()],
});
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}
