import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField } from '#apimachinery/field-error.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { map, string } from '#apimachinery/schema.ts';
import { validateParameters, validateProvisioner } from './validate-parameters.ts';

interface Class {
  readonly driverName: string;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

function* validateClass({ driverName, parameters }: Class): Iterable<FieldError> {
  yield* validateProvisioner(driverName, 'driverName');
  yield* validateParameters(parameters, false);
}

function* validateClassUpdate(now: Class, old: Class): Iterable<FieldError> {
  for (const key of ['driverName', 'parameters'] as const) if (!saysTheSame(now[key], old[key])) yield forbiddenField(key, `updates to ${key} are forbidden.`);
}

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
  validate: [validateClass],
  validateUpdate: [validateClassUpdate],
  columns: [nameColumn, column<{ readonly driverName: string }>('DriverName', ({ driverName }) => driverName), ageColumn],
});
export interface VolumeAttributesClass extends Infer<typeof VolumeAttributesClass> {}
