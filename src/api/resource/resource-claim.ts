import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition } from '#apimachinery/condition.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, inline, int64, list, map, object, oneOf, pointer, raw, string, struct, time } from '#apimachinery/schema.ts';
import { NodeSelector } from '../core/scheduling.ts';
import { dropReturnedDevices, validateClaim, validateClaimStatus } from './validate-claim.ts';

export const CELDeviceSelector = struct('io.k8s.api.resource.v1.CELDeviceSelector', {
  expression: string(1, { required: true }),
});
export interface CELDeviceSelector extends Infer<typeof CELDeviceSelector> {}

export const DeviceSelector = struct('io.k8s.api.resource.v1.DeviceSelector', {
  cel: pointer(1, CELDeviceSelector),
});
export interface DeviceSelector extends Infer<typeof DeviceSelector> {}

export const DeviceToleration = struct('io.k8s.api.resource.v1.DeviceToleration', {
  key: string(1),
  operator: oneOf(2, ['Equal', 'Exists'], { default: 'Equal', published: true }),
  value: string(3),
  effect: oneOf(4, ['NoExecute', 'NoSchedule', 'None']),
  tolerationSeconds: int64(5, { pointer: true }),
});
export interface DeviceToleration extends Infer<typeof DeviceToleration> {}

export const CapacityRequirements = struct('io.k8s.api.resource.v1.CapacityRequirements', {
  requests: map(1, 'quantity'),
});
export interface CapacityRequirements extends Infer<typeof CapacityRequirements> {}

export const ExactDeviceRequest = struct('io.k8s.api.resource.v1.ExactDeviceRequest', {
  deviceClassName: string(1, { required: true }),
  selectors: list(2, DeviceSelector, { listType: 'atomic' }),
  allocationMode: string(3),
  count: int64(4),
  adminAccess: bool(5, { pointer: true }),
  tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
  capacity: pointer(7, CapacityRequirements),
});
export interface ExactDeviceRequest extends Infer<typeof ExactDeviceRequest> {}

export const DeviceSubRequest = struct('io.k8s.api.resource.v1.DeviceSubRequest', {
  name: string(1, { required: true, mayBeEmpty: true }),
  deviceClassName: string(2, { required: true }),
  selectors: list(3, DeviceSelector, { listType: 'atomic' }),
  allocationMode: string(4),
  count: int64(5),
  tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
  capacity: pointer(7, CapacityRequirements),
});
export interface DeviceSubRequest extends Infer<typeof DeviceSubRequest> {}

export const DeviceRequest = struct('io.k8s.api.resource.v1.DeviceRequest', {
  name: string(1, { required: true, mayBeEmpty: true }),
  exactly: pointer(2, ExactDeviceRequest),
  firstAvailable: list(3, DeviceSubRequest, { listType: 'atomic' }),
});
export interface DeviceRequest extends Infer<typeof DeviceRequest> {}

export const DeviceConstraint = struct('io.k8s.api.resource.v1.DeviceConstraint', {
  requests: list(1, 'string', { listType: 'atomic' }),
  matchAttribute: string(2, { pointer: true }),
  distinctAttribute: string(3, { pointer: true }),
});
export interface DeviceConstraint extends Infer<typeof DeviceConstraint> {}

export const OpaqueDeviceConfiguration = struct('io.k8s.api.resource.v1.OpaqueDeviceConfiguration', {
  driver: string(1, { required: true }),
  parameters: raw(2, { required: true }),
});
export interface OpaqueDeviceConfiguration extends Infer<typeof OpaqueDeviceConfiguration> {}

export const DeviceConfiguration = struct('io.k8s.api.resource.v1.DeviceConfiguration', {
  opaque: pointer(1, OpaqueDeviceConfiguration),
});
export interface DeviceConfiguration extends Infer<typeof DeviceConfiguration> {}

export const DeviceClaimConfiguration = struct('io.k8s.api.resource.v1.DeviceClaimConfiguration', {
  requests: list(1, 'string', { listType: 'atomic' }),
}, { inlines: [inline(2, DeviceConfiguration)] });
export interface DeviceClaimConfiguration extends Infer<typeof DeviceClaimConfiguration> {}

export const DeviceClaim = struct('io.k8s.api.resource.v1.DeviceClaim', {
  requests: list(1, DeviceRequest, { always: true, listType: 'atomic' }),
  constraints: list(2, DeviceConstraint, { listType: 'atomic' }),
  config: list(3, DeviceClaimConfiguration, { listType: 'atomic' }),
});
export interface DeviceClaim extends Infer<typeof DeviceClaim> {}

export const ResourceClaimSpec = struct('io.k8s.api.resource.v1.ResourceClaimSpec', {
  devices: object(1, DeviceClaim),
});
export interface ResourceClaimSpec extends Infer<typeof ResourceClaimSpec> {}

export const DeviceRequestAllocationResult = struct('io.k8s.api.resource.v1.DeviceRequestAllocationResult', {
  request: string(1, { required: true }),
  driver: string(2, { required: true }),
  pool: string(3, { required: true }),
  device: string(4, { required: true }),
  adminAccess: bool(5, { pointer: true }),
  tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
  bindingConditions: list(7, 'string', { listType: 'atomic' }),
  bindingFailureConditions: list(8, 'string', { listType: 'atomic' }),
  shareID: string(9, { pointer: true }),
  consumedCapacity: map(10, 'quantity'),
});
export interface DeviceRequestAllocationResult extends Infer<typeof DeviceRequestAllocationResult> {}

export const DeviceAllocationConfiguration = struct('io.k8s.api.resource.v1.DeviceAllocationConfiguration', {
  source: oneOf(1, ['FromClaim', 'FromClass'], { required: true }),
  requests: list(2, 'string', { listType: 'atomic' }),
}, { inlines: [inline(3, DeviceConfiguration)] });
export interface DeviceAllocationConfiguration extends Infer<typeof DeviceAllocationConfiguration> {}

export const DeviceAllocationResult = struct('io.k8s.api.resource.v1.DeviceAllocationResult', {
  results: list(1, DeviceRequestAllocationResult, { listType: 'atomic' }),
  config: list(2, DeviceAllocationConfiguration, { listType: 'atomic' }),
});
export interface DeviceAllocationResult extends Infer<typeof DeviceAllocationResult> {}

export const AllocationResult = struct('io.k8s.api.resource.v1.AllocationResult', {
  devices: object(1, DeviceAllocationResult),
  nodeSelector: pointer(3, NodeSelector),
  allocationTimestamp: time(5, { pointer: true }),
});
export interface AllocationResult extends Infer<typeof AllocationResult> {}

export const ResourceClaimConsumerReference = struct('io.k8s.api.resource.v1.ResourceClaimConsumerReference', {
  apiGroup: string(1),
  resource: string(3, { required: true }),
  name: string(4, { required: true }),
  uid: string(5, { required: true }),
});
export interface ResourceClaimConsumerReference extends Infer<typeof ResourceClaimConsumerReference> {}

export const NetworkDeviceData = struct('io.k8s.api.resource.v1.NetworkDeviceData', {
  interfaceName: string(1),
  ips: list(2, 'string', { listType: 'atomic' }),
  hardwareAddress: string(3),
});
export interface NetworkDeviceData extends Infer<typeof NetworkDeviceData> {}

export const AllocatedDeviceStatus = struct('io.k8s.api.resource.v1.AllocatedDeviceStatus', {
  driver: string(1, { required: true }),
  pool: string(2, { required: true }),
  device: string(3, { required: true }),
  shareID: string(7, { pointer: true }),
  conditions: list(4, Condition, { always: true, listType: 'map', keys: ['type'] }),
  data: raw(5, { pointer: true }),
  networkData: pointer(6, NetworkDeviceData),
});
export interface AllocatedDeviceStatus extends Infer<typeof AllocatedDeviceStatus> {}

export const ResourceClaimStatus = struct('io.k8s.api.resource.v1.ResourceClaimStatus', {
  allocation: pointer(1, AllocationResult),
  reservedFor: list(2, ResourceClaimConsumerReference, { listType: 'map', keys: ['uid'], patch: 'merge', mergeKey: 'uid' }),
  devices: list(4, AllocatedDeviceStatus, { listType: 'map', keys: ['driver', 'device', 'pool', 'shareID'] }),
});
export interface ResourceClaimStatus extends Infer<typeof ResourceClaimStatus> {}

/** One device, unless more or all are asked for. */
export function defaultRequest({ exactly, firstAvailable = [] }: Draft<DeviceRequest>): void {
  for (const request of [...(exactly === undefined ? [] : [exactly]), ...firstAvailable]) {
    request.allocationMode ||= 'ExactCount';
    if (request.allocationMode === 'ExactCount') request.count ||= 1;
  }
}

function showState(deletionTimestamp: string | undefined, { allocation, reservedFor = [] }: ResourceClaimStatus): string {
  const states: string[] = [];
  if (deletionTimestamp !== undefined) states.push('deleted');
  else if (allocation === undefined) states.push('pending');
  if (allocation !== undefined) states.push('allocated', ...(reservedFor.length > 0 ? ['reserved'] : []));
  return states.join(',');
}

export const ResourceClaim = defineResource({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  scope: 'Namespaced',
  fields: {
    spec: object(2, ResourceClaimSpec, { required: true }),
    status: object(3, ResourceClaimStatus),
  },
  subresources: [status()],
  strategy: { generation: false, prepareForStatusUpdate: dropReturnedDevices },
  defaults: ({ spec }) => spec.devices.requests?.forEach(defaultRequest),
  validate: [({ spec }) => validateClaim(spec.devices, 'spec.devices')],
  validateUpdate: [immutableFields('spec')],
  validateStatusUpdate: [validateClaimStatus],
  columns: [nameColumn, column<Parts<ResourceClaimSpec, ResourceClaimStatus>>('State', ({ metadata, status: now }) => showState(metadata.deletionTimestamp, now)), ageColumn],
});
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}
