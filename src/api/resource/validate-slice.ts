/** Rules on the devices that a driver offers. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { NodeSelector } from '../core/scheduling.ts';
import { validateNodeSelector } from '../core/validate-scheduling.ts';
import { validateCsiDriverName } from '../core/validate-volume-plugins.ts';
import { itself, validateBinding, validateEntries, validateItems, validatePoolName, validateQualifiedName, validateSet } from './device-rules.ts';
import type { CounterSet, Device, DeviceAttribute, DeviceCounterConsumption, DeviceTaint, ResourcePool, ResourceSliceSpec } from './resource-slice.ts';
import { validateRequestPolicy } from './validate-request-policy.ts';

const limits = { devices: 128, advancedDevices: 64, counterSets: 8, counters: 32, consumptions: 2, entries: 32, attributeValues: 48, attributeText: 64, taints: 16 };
const unbounded = Number.POSITIVE_INFINITY;

type Slice = SpecPart<ResourceSliceSpec>;

export function* validateSlice({ spec }: Slice): Iterable<FieldError> {
  yield* validateCsiDriverName(spec.driver, 'spec.driver');
  yield* validatePool(spec.pool, 'spec.pool');
  yield* validateWhere(spec);
  const { devices = [], sharedCounters = [] } = spec;
  if (devices.length > 0 && sharedCounters.length > 0) yield invalidValue('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  const isAdvanced = devices.some((device) => (device.taints ?? []).length > 0 || (device.consumesCounters ?? []).length > 0 || Object.values(device.attributes ?? {}).some(isList));
  const check = (device: Device, path: string): Iterable<FieldError> => validateDevice(device, spec.perDeviceNodeSelection === true, path);
  yield* validateSet(devices, isAdvanced ? limits.advancedDevices : limits.devices, check, ({ name }) => name, 'spec.devices');
  yield* validateSet(sharedCounters, limits.counterSets, validateCounterSet, ({ name }) => name, 'spec.sharedCounters');
}

function* validatePool({ name, generation, resourceSliceCount }: ResourcePool, path: string): Iterable<FieldError> {
  yield* validatePoolName(name, `${path}.name`);
  if (resourceSliceCount <= 0) yield invalidValue(`${path}.resourceSliceCount`, resourceSliceCount, 'must be greater than zero');
  if (generation < 0) yield invalidValue(`${path}.generation`, generation, 'must be greater than or equal to zero');
}

/** On which nodes the devices are; said in one way only. */
function* validateWhere({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): Iterable<FieldError> {
  const given: string[] = [];
  if (nodeName === '') yield invalidValue('spec.nodeName', '', 'must be either unset or set to a non-empty string');
  else if (nodeName !== undefined) {
    given.push('`nodeName`');
    yield* itself(dns1123Subdomain, nodeName, 'spec.nodeName');
  }
  if (nodeSelector !== undefined) {
    given.push('`nodeSelector`');
    yield* validateNodeSelector(nodeSelector, 'spec.nodeSelector');
    if (nodeSelector.nodeSelectorTerms.length !== 1) yield invalidValue('spec.nodeSelector.nodeSelectorTerms', shownTerms(nodeSelector), 'must have exactly one node selector term');
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === true) given.push(`\`${name}\``);
    else if (value === false) yield invalidValue(`spec.${name}`, false, 'must be either unset or set to true');
  }
  const ways = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (given.length === 0) yield required('spec', ways);
  if (given.length > 1) yield invalidValue('spec', `{${given.join(', ')}}`, `${ways}, but multiple fields are set`);
}

/** As Kubernetes prints what it has in memory. */
function shownTerms({ nodeSelectorTerms }: NodeSelector): object[] {
  const shown = (requirements: NodeSelector['nodeSelectorTerms'][number]['matchFields']): object[] | null =>
    requirements?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null;
  return nodeSelectorTerms.map(({ matchExpressions, matchFields }) => ({ MatchExpressions: shown(matchExpressions), MatchFields: shown(matchFields) }));
}

function* validateDevice(device: Device, choosesNodes: boolean, path: string): Iterable<FieldError> {
  yield* itself(dns1123Label, device.name, `${path}.name`);
  const attributes = Object.values(device.attributes ?? {});
  const entries = attributes.length + Object.keys(device.capacity ?? {}).length;
  if (entries > limits.entries) yield invalidValue(path, entries, `the total number of attributes and capacities must not exceed ${limits.entries}`);
  const values = attributes.reduce((sum, attribute) => sum + valueCount(attribute), 0);
  if (values > limits.attributeValues) yield invalidValue(path, values, `the total number of attribute values must not exceed ${limits.attributeValues}`);
  yield* validateEntries(device.attributes, unbounded, validateQualifiedName, validateAttribute, `${path}.attributes`);
  yield* validateEntries(device.capacity, unbounded, validateQualifiedName, function* ({ value, requestPolicy }, at) {
    if (requestPolicy === undefined) return;
    if (device.allowMultipleAllocations === true) yield* validateRequestPolicy(value, requestPolicy, `${at}.requestPolicy`);
    else yield forbiddenField(`${at}.requestPolicy`, 'allowMultipleAllocations must be true');
  }, `${path}.capacity`);
  yield* validateItems(device.taints, limits.taints, validateTaint, `${path}.taints`);
  yield* validateSet(device.consumesCounters, limits.consumptions, validateConsumption, ({ counterSet }) => counterSet, `${path}.consumesCounters`);
  yield* validateDeviceWhere(device, choosesNodes, path);
  yield* validateBinding(device, path);
}

function* validateDeviceWhere({ nodeName, nodeSelector, allNodes }: Device, choosesNodes: boolean, path: string): Iterable<FieldError> {
  if (!choosesNodes) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined) {
      yield invalidValue(path, null, '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec');
    }
    return;
  }
  const given: string[] = [];
  if (nodeName === '') yield invalidValue(`${path}.nodeName`, '', 'must not be empty');
  else if (nodeName !== undefined) {
    given.push('`nodeName`');
    yield* itself(dns1123Subdomain, nodeName, `${path}.nodeName`);
  }
  if (nodeSelector !== undefined) {
    given.push('`nodeSelector`');
    yield* validateNodeSelector(nodeSelector, `${path}.nodeSelector`);
  }
  if (allNodes === true) given.push('`allNodes`');
  if (allNodes === false) yield invalidValue(`${path}.allNodes`, false, 'must be either unset or set to true');
  const ways = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (given.length === 0) yield required(path, ways);
  if (given.length > 1) yield invalidValue(path, `{${given.join(', ')}}`, ways);
}

function isList({ ints, bools, strings, versions }: DeviceAttribute): boolean {
  return [ints, bools, strings, versions].some((each) => each !== undefined);
}

function valueCount(attribute: DeviceAttribute): number {
  const { ints = [], bools = [], strings = [], versions = [] } = attribute;
  return isList(attribute) ? ints.length + bools.length + strings.length + versions.length : 1;
}

/** Source: semver.org 2.0.0. */
const semanticVersion = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

function* validateAttribute(attribute: DeviceAttribute, path: string): Iterable<FieldError> {
  if (attribute.string !== undefined) yield* validateText(attribute.string, `${path}.string`);
  if (attribute.version !== undefined) yield* validateVersion(attribute.version, `${path}.version`);
  for (const [index, text] of (attribute.strings ?? []).entries()) yield* validateText(text, `${path}.strings[${index}]`);
  for (const [index, text] of (attribute.versions ?? []).entries()) yield* validateVersion(text, `${path}.versions[${index}]`);
  const given = Object.values(attribute).filter((each) => each !== undefined).length;
  if (given !== 1) yield invalidValue(path, given === 0 ? '' : shownAttribute(attribute), 'exactly one value must be specified');
}

/** As Kubernetes prints what it has in memory. */
function shownAttribute({ int, bool, string, version, ints, bools, strings, versions }: DeviceAttribute): object {
  return {
    IntValue: int ?? null, BoolValue: bool ?? null, StringValue: string ?? null, VersionValue: version ?? null,
    IntValues: ints ?? null, BoolValues: bools ?? null, StringValues: strings ?? null, VersionValues: versions ?? null,
  };
}

function* validateText(text: string, path: string): Iterable<FieldError> {
  if (byteLength(text) > limits.attributeText) yield tooLong(path, limits.attributeText);
}

function* validateVersion(text: string, path: string): Iterable<FieldError> {
  if (!semanticVersion.test(text)) yield invalidValue(path, text, 'must be a string compatible with semver.org spec 2.0.0');
  yield* validateText(text, path);
}

function* validateTaint({ key, value = '' }: DeviceTaint, path: string): Iterable<FieldError> {
  yield* itself(qualifiedName, key, `${path}.key`);
  if (value !== '') yield* itself(labelValue, value, `${path}.value`);
}

function* validateCounterSet({ name, counters }: CounterSet, path: string): Iterable<FieldError> {
  if (name !== '') yield* itself(dns1123Label, name, `${path}.name`);
  yield* validateCounters(counters, path);
}

function* validateConsumption({ counterSet, counters }: DeviceCounterConsumption, path: string): Iterable<FieldError> {
  if (counterSet !== '') yield* itself(dns1123Label, counterSet, `${path}.counterSet`);
  yield* validateCounters(counters, path);
}

function* validateCounters(counters: CounterSet['counters'], path: string): Iterable<FieldError> {
  if (Object.keys(counters).length === 0) yield required(`${path}.counters`);
  yield* validateEntries(counters, limits.counters, (key, at) => itself(dns1123Label, key, at), () => [], `${path}.counters`);
}
