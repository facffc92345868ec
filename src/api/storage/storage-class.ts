import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, list, map, oneOf, string } from '#apimachinery/schema.ts';
import { TopologySelectorTerm } from '../core/scheduling.ts';

export const StorageClass = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  scope: 'Cluster',
  fields: {
    provisioner: string(2, { required: true }),
    parameters: map(3, 'string'),
    reclaimPolicy: oneOf(4, ['Recycle', 'Delete', 'Retain'], { pointer: true }),
    mountOptions: list(5, 'string', { listType: 'atomic' }),
    allowVolumeExpansion: bool(6, { pointer: true }),
    volumeBindingMode: oneOf(7, ['Immediate', 'WaitForFirstConsumer'], { pointer: true }),
    allowedTopologies: list(8, TopologySelectorTerm, { listType: 'atomic' }),
  },
});
export interface StorageClass extends Infer<typeof StorageClass> {}
