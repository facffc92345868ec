import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, string, struct } from '#apimachinery/schema.ts';

export const ComponentCondition = struct('io.k8s.api.core.v1.ComponentCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  message: string(3),
  error: string(4),
});
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

export const ComponentStatus = defineResource({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  scope: 'Cluster',
  verbs: ['get', 'list'],
  fields: {
    conditions: list(2, ComponentCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  },
});
export interface ComponentStatus extends Infer<typeof ComponentStatus> {}
