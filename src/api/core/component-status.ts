import { nameColumn } from '#apimachinery/columns.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, string, struct } from '#apimachinery/schema.ts';

export const ComponentCondition = struct('io.k8s.api.core.v1.ComponentCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  message: string(3),
  error: string(4),
});
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

interface Conditions {
  readonly conditions?: readonly ComponentCondition[] | undefined;
}

function healthOf({ conditions }: Conditions): ComponentCondition | undefined {
  return conditions?.find((condition) => condition.type === 'Healthy');
}

export const ComponentStatus = defineResource({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  scope: 'Cluster',
  verbs: ['get', 'list'],
  fields: {
    conditions: list(2, ComponentCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  },
  columns: [
    nameColumn,
    column<Conditions>('Status', (component) => (healthOf(component)?.status === 'True' ? 'Healthy' : healthOf(component)?.status === 'False' ? 'Unhealthy' : 'Unknown')),
    column<Conditions>('Message', (component) => healthOf(component)?.message ?? ''),
    column<Conditions>('Error', (component) => healthOf(component)?.error ?? ''),
  ],
});
export interface ComponentStatus extends Infer<typeof ComponentStatus> {}
