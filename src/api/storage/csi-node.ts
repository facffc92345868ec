import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, required } from '#apimachinery/field-error.ts';
import { byteLength, qualifiedName } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableValue, nonNegativeNumber } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, pointer, string, struct } from '#apimachinery/schema.ts';
import { validateCsiDriverName } from '../core/validate-volume-plugins.ts';

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

type Node = SpecPart<CSINodeSpec>;

const longestId = 256;

function* validateNode({ spec }: Node): Iterable<FieldError> {
  for (const [index, driver] of spec.drivers.entries()) yield* validateDriver(driver, `spec.drivers[${index}]`);
}

/** What is wrong with a topology key is said of its driver. */
function* validateDriver({ allocatable, name, nodeID, topologyKeys }: CSINodeDriver, path: string): Iterable<FieldError> {
  if (name !== '') yield* validateCsiDriverName(name, `${path}.name`);
  if (byteLength(nodeID) > longestId) yield invalidValue(`${path}.nodeID`, nodeID, `must be ${longestId} characters or less`);
  yield* nonNegativeNumber(`${path}.allocatable.count`, allocatable?.count);
  const keys = (topologyKeys as readonly string[] | null | undefined) ?? [];
  for (const [index, key] of keys.entries()) {
    if (key === '') yield required(path);
    if (keys.indexOf(key) < index) yield duplicate(path, key);
    for (const message of qualifiedName(key)) yield invalidValue(path, key, message);
  }
}

/** Of a driver that goes on running only how many volumes it takes may change. */
function* validateNodeUpdate({ spec }: Node, { spec: old }: Node): Iterable<FieldError> {
  for (const before of old.drivers) {
    for (const now of spec.drivers) {
      if (now.name === before.name) yield* immutableValue('spec.drivers', { ...now, allocatable: undefined }, { ...before, allocatable: undefined });
    }
  }
}

export const CSINode = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  fields: {
    spec: object(2, CSINodeSpec, { required: true }),
  },
  strategy: { needsResourceVersion: true, generation: false },
  validate: [validateNode],
  validateUpdate: [validateNodeUpdate],
  columns: [nameColumn, column<SpecPart<CSINodeSpec>>('Drivers', ({ spec }) => spec.drivers.length, { type: 'integer' }), ageColumn],
});
export interface CSINode extends Infer<typeof CSINode> {}
