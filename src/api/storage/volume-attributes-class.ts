import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { map, string } from '#apimachinery/schema.ts';

export const VolumeAttributesClass = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  scope: 'Cluster',
  fields: {
    driverName: string(2, { required: true }),
    parameters: map(3, 'string'),
  },
  validateUpdate: [immutableFields('driverName', 'parameters')],
  columns: [nameColumn, column<{ readonly driverName: string }>('DriverName', ({ driverName }) => driverName), ageColumn],
});
export interface VolumeAttributesClass extends Infer<typeof VolumeAttributesClass> {}
