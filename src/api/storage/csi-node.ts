import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, pointer, string, struct } from '#apimachinery/schema.ts';

export const VolumeNodeResources = struct('io.k8s.api.storage.v1.VolumeNodeResources', {
  count: int32(1, { pointer: true }),
});
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = struct('io.k8s.api.storage.v1.CSINodeDriver', {
  name: string(1, { required: true }),
  nodeID: string(2, { required: true }),
  topologyKeys: list(3, 'string', { always: true, listType: 'atomic' }),
  allocatable: pointer(4, VolumeNodeResources),
});
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = struct('io.k8s.api.storage.v1.CSINodeSpec', {
  drivers: list(1, CSINodeDriver, { required: true, mayBeEmpty: true, listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
});
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const CSINode = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  fields: {
    spec: object(2, CSINodeSpec, { required: true }),
  },
  strategy: { generation: false },
  columns: [nameColumn, column<SpecPart<CSINodeSpec>>('Drivers', ({ spec }) => spec.drivers.length, { type: 'integer' }), ageColumn],
});
export interface CSINode extends Infer<typeof CSINode> {}
