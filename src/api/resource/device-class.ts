import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { inline, list, object, string, struct } from '#apimachinery/schema.ts';
import { isExtendedResource } from '../core/resource-names.ts';
import { validateConfiguration, validateItems, validateSelectors } from './device-rules.ts';
import { DeviceConfiguration, DeviceSelector } from './resource-claim.ts';

export const DeviceClassConfiguration = struct('io.k8s.api.resource.v1.DeviceClassConfiguration', {}, { inlines: [inline(1, DeviceConfiguration)] });
export interface DeviceClassConfiguration extends Infer<typeof DeviceClassConfiguration> {}

export const DeviceClassSpec = struct('io.k8s.api.resource.v1.DeviceClassSpec', {
  selectors: list(1, DeviceSelector, { listType: 'atomic' }),
  config: list(2, DeviceClassConfiguration, { listType: 'atomic' }),
  extendedResourceName: string(4, { pointer: true }),
});
export interface DeviceClassSpec extends Infer<typeof DeviceClassSpec> {}

const maxConfigs = 32;

function* validateClass({ spec: { selectors, config, extendedResourceName } }: SpecPart<DeviceClassSpec>): Iterable<FieldError> {
  yield* validateSelectors(selectors, 'spec.selectors');
  yield* validateItems(config, maxConfigs, validateConfiguration, 'spec.config');
  if (extendedResourceName !== undefined && !isExtendedResource(extendedResourceName)) yield invalidValue('spec.extendedResourceName', extendedResourceName, 'must be a valid extended resource name');
}

export const DeviceClass = defineResource({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  scope: 'Cluster',
  fields: {
    spec: object(2, DeviceClassSpec, { required: true }),
  },
  validate: [validateClass],
  columns: [nameColumn, ageColumn],
});
export interface DeviceClass extends Infer<typeof DeviceClass> {}
