/** Rules on what a claim asks for, and on what it was given. Source: behaviour of the v1.36 API server. */
import { validateConditions } from '#apimachinery/condition.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required, tooLong, tooMany } from '#apimachinery/field-error.ts';
import { validateInterfaceAddress } from '#apimachinery/ip.ts';
import { byteLength, dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import { validateNodeSelector } from '../core/validate-scheduling.ts';
import { validateCsiDriverName } from '../core/validate-volume-plugins.ts';
import {
  itself, validateBinding, validateConfiguration, validateFreeForm, validateFullyQualifiedName, validateItems, validatePoolName, validateSelectors, validateSet, validateTolerations,
} from './device-rules.ts';
import type {
  AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceClaim, DeviceClaimConfiguration, DeviceConstraint, DeviceRequest, DeviceRequestAllocationResult, DeviceSubRequest,
  ExactDeviceRequest, NetworkDeviceData, ResourceClaimConsumerReference, ResourceClaimSpec, ResourceClaimStatus,
} from './resource-claim.ts';

const limits = {
  requests: 32, subRequests: 8, constraints: 32, configs: 32, results: 32, reservedFor: 256, conditions: 8, data: 10 * 1024, interfaceName: 256, hardwareAddress: 128, addresses: 16,
};
const unbounded = Number.POSITIVE_INFINITY;

/** What can be referred to: requests by name, with the names of the alternatives they list. */
type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function* validateClaim({ requests, constraints, config }: DeviceClaim, path: string): Iterable<FieldError> {
  const names = requestNames(requests);
  yield* validateSet(requests, limits.requests, validateRequest, ({ name }) => name, `${path}.requests`);
  yield* validateItems(constraints, limits.constraints, (constraint, at) => validateConstraint(constraint, names, at), `${path}.constraints`);
  yield* validateItems(config, limits.configs, (each, at) => validateClaimConfiguration(each, names, at), `${path}.config`);
}

function requestNames(requests: readonly DeviceRequest[] | undefined): RequestNames {
  return new Map((requests ?? []).map(({ name, firstAvailable = [] }) => [name, new Set(firstAvailable.map((each) => each.name))]));
}

function* validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): Iterable<FieldError> {
  yield* itself(dns1123Label, name, `${path}.name`);
  if (exactly !== undefined && firstAvailable.length > 0) return yield invalidValue(path, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set');
  if (exactly !== undefined) return yield* validateWish(exactly, `${path}.exactly`);
  if (firstAvailable.length === 0) return yield required(path, 'exactly one of `exactly` or `firstAvailable` is required');
  yield* validateSet(firstAvailable, limits.subRequests, validateSubRequest, (each) => each.name, `${path}.firstAvailable`);
}

function* validateSubRequest(request: DeviceSubRequest, path: string): Iterable<FieldError> {
  yield* itself(dns1123Label, request.name, `${path}.name`);
  yield* validateWish(request, path);
}

type Wish = Pick<ExactDeviceRequest, 'deviceClassName' | 'selectors' | 'allocationMode' | 'count' | 'tolerations'>;

function* validateWish({ deviceClassName, selectors, allocationMode = '', count = 0, tolerations }: Wish, path: string): Iterable<FieldError> {
  if (deviceClassName === '') yield required(`${path}.deviceClassName`);
  else yield* itself(dns1123Subdomain, deviceClassName, `${path}.deviceClassName`);
  yield* validateSelectors(selectors, `${path}.selectors`);
  if (allocationMode === 'All' && count !== 0) yield invalidValue(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  if (allocationMode === 'ExactCount' && count <= 0) yield invalidValue(`${path}.count`, count, 'must be greater than zero');
  if (allocationMode !== 'All' && allocationMode !== 'ExactCount') yield notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount']);
  yield* validateTolerations(tolerations, `${path}.tolerations`);
}

function* validateConstraint({ requests, matchAttribute, distinctAttribute }: DeviceConstraint, names: RequestNames, path: string): Iterable<FieldError> {
  yield* validateReferences(requests, names, `${path}.requests`);
  if (matchAttribute !== undefined) yield* validateFullyQualifiedName(matchAttribute, `${path}.matchAttribute`);
  else if (distinctAttribute !== undefined) yield* validateFullyQualifiedName(distinctAttribute, `${path}.distinctAttribute`);
  // The words are upstream's, though none is set.
  else yield required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set');
}

function* validateClaimConfiguration(config: DeviceClaimConfiguration, names: RequestNames, path: string): Iterable<FieldError> {
  yield* validateReferences(config.requests, names, `${path}.requests`);
  yield* validateConfiguration(config, path);
}

function validateReferences(references: readonly string[] | undefined, names: RequestNames, path: string): Iterable<FieldError> {
  return validateSet(references, limits.requests, (reference, at) => validateReference(reference, names, at), (reference) => reference, path);
}

/** `request`, or `request/alternative`. */
function* validateReference(reference: string, names: RequestNames, path: string): Iterable<FieldError> {
  const unknown = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const segments = reference.split('/');
  if (segments.length > 2) return yield invalidValue(path, reference, unknown);
  for (const segment of segments) yield* itself(dns1123Label, segment, path);
  const [request = '', alternative] = segments;
  const alternatives = names.get(request);
  if (alternatives === undefined || (alternative !== undefined && !alternatives.has(alternative))) yield invalidValue(path, reference, unknown);
}

type Claim = Parts<ResourceClaimSpec, ResourceClaimStatus>;

/** What was allocated stays until it is given back as a whole. */
export function* validateClaimStatus({ metadata, spec, status }: Claim, { status: old }: Claim): Iterable<FieldError> {
  const { allocation, reservedFor = [], devices } = status;
  yield* validateSet(reservedFor, limits.reservedFor, validateConsumer, ({ uid }) => uid, 'status.reservedFor');
  const allocated = new Set((allocation?.devices.results ?? []).map(deviceId));
  yield* validateSet(devices, unbounded, (device, at) => validateDeviceStatus(device, allocated, at), deviceId, 'status.devices');
  if (reservedFor.length > 0 && allocation === undefined) yield forbiddenField('status.reservedFor', 'may not be specified when `allocated` is not set');
  if (allocation !== undefined && metadata.deletionTimestamp !== undefined && reservedFor.some((each) => !(old.reservedFor ?? []).some((before) => saysTheSame(before, each)))) {
    yield forbiddenField('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set');
  }
  if (allocation === undefined) return;
  if (old.allocation !== undefined) yield* immutableValue('status.allocation', allocation, old.allocation);
  else yield* validateAllocation(allocation, requestNames(spec.devices.requests), 'status.allocation');
}

/** `driver/pool/device`, and which share of it. */
function deviceId({ driver, pool, device, shareID }: { readonly driver: string; readonly pool: string; readonly device: string; readonly shareID?: string | undefined }): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');
}

function* validateConsumer({ resource, name, uid }: ResourceClaimConsumerReference, path: string): Iterable<FieldError> {
  for (const [field, value] of Object.entries({ resource, name, uid })) if (value === '') yield required(`${path}.${field}`);
}

function* validateAllocation({ devices: { results, config }, nodeSelector }: AllocationResult, names: RequestNames, path: string): Iterable<FieldError> {
  yield* validateItems(results, limits.results, (result, at) => validateResult(result, names, at), `${path}.devices.results`);
  // Those of the class and those of the claim.
  yield* validateItems(config, 2 * limits.configs, (each, at) => validateAllocatedConfiguration(each, names, at), `${path}.devices.config`);
  if (nodeSelector !== undefined) yield* validateNodeSelector(nodeSelector, `${path}.nodeSelector`);
}

function* validateResult(result: DeviceRequestAllocationResult, names: RequestNames, path: string): Iterable<FieldError> {
  yield* validateReference(result.request, names, `${path}.request`);
  yield* validateDevice(result, path);
  yield* validateBinding(result, path);
  yield* validateTolerations(result.tolerations, `${path}.tolerations`);
}

function* validateDevice({ driver, pool, device, shareID }: Parameters<typeof deviceId>[0], path: string): Iterable<FieldError> {
  yield* validateCsiDriverName(driver, `${path}.driver`);
  yield* validatePoolName(pool, `${path}.pool`);
  yield* itself(dns1123Label, device, `${path}.device`);
  if (shareID !== undefined) yield* validateUid(shareID, `${path}.shareID`);
}

function* validateUid(uid: string, path: string): Iterable<FieldError> {
  const plain = uid.toLowerCase().replace(/^urn:uuid:/, '').replaceAll(/[{}-]/g, '');
  if (!/^[0-9a-f]{32}$/.test(plain)) yield invalidValue(path, uid, `error validating uid: invalid UUID ${[32, 36, 38, 45].includes(uid.length) ? 'format' : `length: ${uid.length}`}`);
  else if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) {
    yield invalidValue(path, uid, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters');
  }
}

function* validateAllocatedConfiguration(config: DeviceAllocationConfiguration, names: RequestNames, path: string): Iterable<FieldError> {
  const sources = ['FromClaim', 'FromClass'];
  if ((config.source as string) === '') yield required(`${path}.source`);
  else if (!sources.includes(config.source)) yield notSupported(`${path}.source`, config.source, sources);
  yield* validateReferences(config.requests, names, `${path}.requests`);
  yield* validateConfiguration(config, path);
}

function* validateDeviceStatus(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: string): Iterable<FieldError> {
  yield* validateDevice(device, path);
  if (!allocated.has(deviceId(device))) yield invalidValue(path, deviceId(device), 'must be an allocated device in the claim');
  const { conditions, data, networkData } = device;
  if (conditions.length > limits.conditions) yield tooMany(`${path}.conditions`, conditions.length, limits.conditions);
  yield* validateConditions(conditions, `${path}.conditions`);
  if (data !== undefined) yield* validateFreeForm(data, `${path}.data`, limits.data);
  if (networkData !== undefined) yield* validateNetwork(networkData, `${path}.networkData`);
}

function* validateNetwork({ interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData, path: string): Iterable<FieldError> {
  if (byteLength(interfaceName) > limits.interfaceName) yield tooLong(`${path}.interfaceName`, limits.interfaceName);
  if (byteLength(hardwareAddress) > limits.hardwareAddress) yield tooLong(`${path}.hardwareAddress`, limits.hardwareAddress);
  yield* validateSet(ips, limits.addresses, validateInterfaceAddress, (address) => address, `${path}.ips`);
}

/** What is told of devices goes with them when they are given back. */
export function dropReturnedDevices({ status }: Draft<Claim>, { status: old }: Claim): void {
  const idOf = ({ driver, pool, device }: Parameters<typeof deviceId>[0]): string => deviceId({ driver, pool, device });
  const kept = new Set((status.allocation?.devices.results ?? []).map(idOf));
  const returned = new Set((old.allocation?.devices.results ?? []).map(idOf).filter((id) => !kept.has(id)));
  const devices = status.devices?.filter((device) => !returned.has(idOf(device)));
  if (devices === undefined || devices.length === 0) delete status.devices;
  else status.devices = devices;
}
