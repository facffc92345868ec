import { nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { pointer, quantity, string } from '#apimachinery/schema.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import { warnOfLabelSelector } from '../core/node-label-warnings.ts';
import { nonNegative } from '../core/validate-resources.ts';

interface Capacity {
  readonly nodeTopology?: LabelSelector | undefined;
  readonly storageClassName: string;
  readonly capacity?: string | undefined;
}

function* validateCapacity({ capacity, nodeTopology, storageClassName }: Capacity): Iterable<FieldError> {
  yield* validateLabelSelector('nodeTopology', nodeTopology);
  for (const message of dns1123Subdomain(storageClassName)) yield invalidValue('storageClassName', storageClassName, message);
  if (capacity !== undefined) yield* nonNegative(capacity, 'capacity');
}

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
  strategy: { needsResourceVersion: true, warnings: ({ nodeTopology }) => warnOfLabelSelector(nodeTopology, 'nodeTopology') },
  validate: [validateCapacity],
  validateUpdate: [immutableFields('nodeTopology', 'storageClassName')],
  columns: [
    nameColumn,
    column<{ readonly storageClassName: string }>('StorageClassName', ({ storageClassName }) => storageClassName),
    column<{ readonly capacity?: string | undefined }>('Capacity', ({ capacity }) => capacity ?? '<unset>'),
  ],
});
export interface CSIStorageCapacity extends Infer<typeof CSIStorageCapacity> {}
