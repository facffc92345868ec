import { defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, oneOf, string, struct, time } from '#apimachinery/schema.ts';

export const NamespaceSpec = struct('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: list(1, 'string', { listType: 'atomic' }),
});
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = struct('io.k8s.api.core.v1.NamespaceCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = struct('io.k8s.api.core.v1.NamespaceStatus', {
  phase: oneOf(1, ['Active', 'Terminating']),
  conditions: list(2, NamespaceCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const Namespace = defineResource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  fields: {
    spec: object(2, NamespaceSpec),
    status: object(3, NamespaceStatus),
  },
  subresources: [subresource('finalize', ['update']), status()],
});
export interface Namespace extends Infer<typeof Namespace> {}
