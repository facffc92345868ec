import { nameColumn } from '#apimachinery/columns.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { pointer, quantity, string } from '#apimachinery/schema.ts';

export const CSIStorageCapacity = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  scope: 'Namespaced',
  fields: {
    nodeTopology: pointer(2, LabelSelector),
    storageClassName: string(3, { required: true }),
    capacity: quantity(4, { pointer: true }),
    maximumVolumeSize: quantity(5, { pointer: true }),
  },
  validateUpdate: [immutableFields('nodeTopology', 'storageClassName')],
  columns: [
    nameColumn,
    column<{ readonly storageClassName: string }>('StorageClassName', ({ storageClassName }) => storageClassName),
    column<{ readonly capacity?: string | undefined }>('Capacity', ({ capacity }) => capacity ?? '<unset>'),
  ],
});
export interface CSIStorageCapacity extends Infer<typeof CSIStorageCapacity> {}
