import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, bytes, int32, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';

const prefix = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1';

export const APIServiceReference = struct(`${prefix}.ServiceReference`, {
  namespace: string(1),
  name: string(2),
  port: int32(3, { pointer: true }),
});
export interface APIServiceReference extends Infer<typeof APIServiceReference> {}

export const APIServiceSpec = struct(`${prefix}.APIServiceSpec`, {
  service: pointer(1, APIServiceReference),
  group: string(2),
  version: string(3),
  insecureSkipTLSVerify: bool(4),
  caBundle: bytes(5),
  groupPriorityMinimum: int32(7, { required: true }),
  versionPriority: int32(8, { required: true }),
});
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = struct(`${prefix}.APIServiceCondition`, {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = struct(`${prefix}.APIServiceStatus`, {
  conditions: list(1, APIServiceCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

export const APIService = defineResource({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schemaName: `${prefix}.APIService`,
  storePrefix: 'apiregistration.k8s.io/apiservices',
  fields: {
    spec: object(2, APIServiceSpec),
    status: object(3, APIServiceStatus),
  },
  subresources: [status()],
});
export interface APIService extends Infer<typeof APIService> {}
