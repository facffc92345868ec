import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, pointer, string, struct } from '#apimachinery/schema.ts';
import { Toleration } from '../core/scheduling.ts';

export const Overhead = struct('io.k8s.api.node.v1.Overhead', {
  podFixed: map(1, 'quantity'),
});
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = struct('io.k8s.api.node.v1.Scheduling', {
  nodeSelector: map(1, 'string', { atomic: true }),
  tolerations: list(2, Toleration, { listType: 'atomic' }),
});
export interface Scheduling extends Infer<typeof Scheduling> {}

export const RuntimeClass = defineResource({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  scope: 'Cluster',
  fields: {
    handler: string(2, { required: true }),
    overhead: pointer(3, Overhead),
    scheduling: pointer(4, Scheduling),
  },
});
export interface RuntimeClass extends Infer<typeof RuntimeClass> {}
