import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int64, list, map, object, oneOf, pointer, quantity, string, struct, time } from '#apimachinery/schema.ts';
import { NodeSelector } from '../core/scheduling.ts';
import { validateSlice } from './validate-slice.ts';

export const ResourcePool = struct('io.k8s.api.resource.v1.ResourcePool', {
  name: string(1, { required: true }),
  generation: int64(2, { required: true }),
  resourceSliceCount: int64(3, { required: true }),
});
export interface ResourcePool extends Infer<typeof ResourcePool> {}

export const DeviceAttribute = struct('io.k8s.api.resource.v1.DeviceAttribute', {
  int: int64(2, { pointer: true }),
  bool: bool(3, { pointer: true }),
  string: string(4, { pointer: true }),
  version: string(5, { pointer: true }),
  ints: list(6, 'int64', { listType: 'atomic', gated: true }),
  bools: list(7, 'bool', { listType: 'atomic', gated: true }),
  strings: list(8, 'string', { listType: 'atomic', gated: true }),
  versions: list(9, 'string', { listType: 'atomic', gated: true }),
});
export interface DeviceAttribute extends Infer<typeof DeviceAttribute> {}

export const CapacityRequestPolicyRange = struct('io.k8s.api.resource.v1.CapacityRequestPolicyRange', {
  min: quantity(1, { required: true, pointer: true }),
  max: quantity(2, { pointer: true }),
  step: quantity(3, { pointer: true }),
});
export interface CapacityRequestPolicyRange extends Infer<typeof CapacityRequestPolicyRange> {}

export const CapacityRequestPolicy = struct('io.k8s.api.resource.v1.CapacityRequestPolicy', {
  default: quantity(1, { always: true, pointer: true }),
  validValues: list(3, 'quantity', { listType: 'atomic' }),
  validRange: pointer(4, CapacityRequestPolicyRange),
});
export interface CapacityRequestPolicy extends Infer<typeof CapacityRequestPolicy> {}

export const DeviceCapacity = struct('io.k8s.api.resource.v1.DeviceCapacity', {
  value: quantity(1, { required: true }),
  requestPolicy: pointer(2, CapacityRequestPolicy),
});
export interface DeviceCapacity extends Infer<typeof DeviceCapacity> {}

export const Counter = struct('io.k8s.api.resource.v1.Counter', {
  value: quantity(1, { required: true }),
});
export interface Counter extends Infer<typeof Counter> {}

export const DeviceCounterConsumption = struct('io.k8s.api.resource.v1.DeviceCounterConsumption', {
  counterSet: string(1, { required: true }),
  counters: map(2, Counter, { required: true }),
});
export interface DeviceCounterConsumption extends Infer<typeof DeviceCounterConsumption> {}

export const DeviceTaint = struct('io.k8s.api.resource.v1.DeviceTaint', {
  key: string(1, { required: true, mayBeEmpty: true }),
  value: string(2),
  effect: oneOf(3, ['NoExecute', 'NoSchedule', 'None'], { required: true }),
  timeAdded: time(4, { pointer: true }),
});
export interface DeviceTaint extends Infer<typeof DeviceTaint> {}

export const NodeAllocatableResourceMapping = struct('io.k8s.api.resource.v1.NodeAllocatableResourceMapping', {
  capacityKey: string(1, { pointer: true }),
  allocationMultiplier: quantity(2, { pointer: true }),
});
export interface NodeAllocatableResourceMapping extends Infer<typeof NodeAllocatableResourceMapping> {}

export const Device = struct('io.k8s.api.resource.v1.Device', {
  name: string(1, { required: true, mayBeEmpty: true }),
  attributes: map(2, DeviceAttribute),
  capacity: map(3, DeviceCapacity),
  consumesCounters: list(4, DeviceCounterConsumption, { listType: 'atomic' }),
  nodeName: string(5, { pointer: true }),
  nodeSelector: pointer(6, NodeSelector),
  allNodes: bool(7, { pointer: true }),
  taints: list(8, DeviceTaint, { listType: 'atomic' }),
  bindsToNode: bool(9, { pointer: true }),
  bindingConditions: list(10, 'string', { listType: 'atomic' }),
  bindingFailureConditions: list(11, 'string', { listType: 'atomic' }),
  allowMultipleAllocations: bool(12, { pointer: true }),
  nodeAllocatableResourceMappings: map(13, NodeAllocatableResourceMapping, { gated: true }),
});
export interface Device extends Infer<typeof Device> {}

export const CounterSet = struct('io.k8s.api.resource.v1.CounterSet', {
  name: string(1, { required: true }),
  counters: map(2, Counter, { required: true }),
});
export interface CounterSet extends Infer<typeof CounterSet> {}

export const ResourceSliceSpec = struct('io.k8s.api.resource.v1.ResourceSliceSpec', {
  driver: string(1, { required: true }),
  pool: object(2, ResourcePool, { required: true }),
  nodeName: string(3, { pointer: true }),
  nodeSelector: pointer(4, NodeSelector),
  allNodes: bool(5, { pointer: true }),
  devices: list(6, Device, { listType: 'atomic' }),
  perDeviceNodeSelection: bool(7, { pointer: true }),
  sharedCounters: list(8, CounterSet, { listType: 'atomic' }),
});
export interface ResourceSliceSpec extends Infer<typeof ResourceSliceSpec> {}

type Slice = SpecPart<ResourceSliceSpec>;

function* sliceWarnings({ spec: { driver } }: Slice): Iterable<string> {
  if (driver !== driver.toLowerCase()) yield `spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`;
}

export const ResourceSlice = defineResource({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  scope: 'Cluster',
  fields: {
    spec: object(2, ResourceSliceSpec, { required: true }),
  },
  strategy: { warnings: sliceWarnings },
  validate: [validateSlice],
  validateUpdate: [immutableFields('spec.pool.name', 'spec.driver', 'spec.nodeName')],
  columns: [
    nameColumn,
    column<Slice>('Node', ({ spec }) => spec.nodeName ?? ''),
    column<Slice>('Driver', ({ spec }) => spec.driver),
    column<Slice>('Pool', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
  selectableFields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver },
});
export interface ResourceSlice extends Infer<typeof ResourceSlice> {}
