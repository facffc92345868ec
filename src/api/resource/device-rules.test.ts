import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { created, errorsOf, given, statusErrorsOf, updateErrorsOf, warningsOf } from '../kind-probe.ts';
import { DeviceClass } from './device-class.ts';
import { ResourceClaimTemplate } from './resource-claim-template.ts';
import { ResourceClaim } from './resource-claim.ts';
import { ResourceSlice } from './resource-slice.ts';

type Fields = Readonly<Record<string, unknown>>;
const metadata = { name: 'a', namespace: 'default' };
const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const identifier = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [spec, ...errors] of table) assert.deepEqual(errorsOf(kind, created(kind, { metadata, spec })), errors, JSON.stringify(spec));
}

const exactly = { deviceClassName: 'gpu' };
const gpu = { name: 'gpu', exactly };
const unknownRequest = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

test('what is refused in a claim', () => {
  const requests = (...items: readonly Fields[]): Fields => ({ devices: { requests: items } });
  const at = 'spec.devices.requests[0]';
  check(ResourceClaim, [
    [requests(gpu, { name: 'any', firstAvailable: [{ name: 'a', deviceClassName: 'x' }, { name: 'b', deviceClassName: 'y', allocationMode: 'All' }] })],
    [{}],
    [requests({ name: '', exactly }), `${at}.name: Invalid value: "": ${label}`],
    [requests({ name: 'gpu' }), `${at}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`],
    [requests({ ...gpu, firstAvailable: [{ name: 'a', deviceClassName: 'x' }] }), `${at}: Invalid value: null: exactly one of \`exactly\` or \`firstAvailable\` is required, but multiple fields are set`],
    [requests(gpu, gpu), 'spec.devices.requests[1]: Duplicate value: "gpu"'],
    [requests({ name: 'gpu', exactly: {} }), `${at}.exactly.deviceClassName: Required value`],
    [requests({ name: 'gpu', exactly: { deviceClassName: 'G!' } }), `${at}.exactly.deviceClassName: Invalid value: "G!": ${subdomain}`],
    [requests({ name: 'gpu', exactly: { ...exactly, allocationMode: 'All', count: 2 } }), `${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
    [requests({ name: 'gpu', exactly: { ...exactly, count: -1 } }), `${at}.exactly.count: Invalid value: -1: must be greater than zero`],
    [requests({ name: 'gpu', exactly: { ...exactly, allocationMode: 'Some' } }), `${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    [requests({ name: 'gpu', exactly: { ...exactly, selectors: [{}] } }), `${at}.exactly.selectors[0].cel: Required value`],
    [requests({ name: 'gpu', exactly: { ...exactly, tolerations: [{ operator: 'Exists', value: 'v' }, { operator: 'Odd', effect: 'No' }] } }),
      `${at}.exactly.tolerations[1].operator: Unsupported value: "Odd": supported values: "Equal", "Exists"`, `${at}.exactly.tolerations[1].effect: Unsupported value: "No": supported values: "NoExecute", "NoSchedule", "None"`,
      `${at}.exactly.tolerations[0].value: Invalid value: "v": must be empty for operator \`Exists\``],
    [requests(...Array.from({ length: 33 }, (_, index) => ({ name: `r${index}`, exactly }))), 'spec.devices.requests: Too many: 33: must have at most 32 items'],
    [{ devices: { requests: [gpu], constraints: [{ requests: ['cpu', 'gpu/a/b'], matchAttribute: 'driver.example.com/model' }, {}, { distinctAttribute: 'model' }] } },
      `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": ${unknownRequest}`, `spec.devices.constraints[0].requests[1]: Invalid value: "gpu/a/b": ${unknownRequest}`,
      'spec.devices.constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      'spec.devices.constraints[2].distinctAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash'],
    [{ devices: { requests: [gpu], config: [{ requests: ['gpu', 'gpu'], opaque: { driver: 'd', parameters: { a: 1 } } }, { opaque: { driver: 'd', parameters: { text: 'x'.repeat(10_240) } } }, {}] } },
      'spec.devices.config[0].requests[1]: Duplicate value: "gpu"', 'spec.devices.config[1].opaque.parameters: Too long: may not be more than 10240 bytes', 'spec.devices.config[2].opaque: Required value'],
  ]);
  check(ResourceClaimTemplate, [[{ metadata: { labels: { a: 'b c' } }, spec: requests({ name: 'gpu' }) },
    `spec.metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    'spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required']]);
});

test('what is allocated stays, and what is told of it goes with it', () => {
  const results = [{ request: 'gpu', driver: 'd.example.com', pool: 'p', device: 'x' }];
  const claim = (status: Fields, meta: Fields = {}): ResourceClaim => given(ResourceClaim, { metadata: { ...metadata, ...meta }, spec: { devices: { requests: [gpu] } }, status });
  const allocation = { devices: { results } };
  const user = { resource: 'pods', name: 'p', uid: 'u' };
  const errors = (status: Fields, old: Fields = {}, meta: Fields = {}): string[] => statusErrorsOf(ResourceClaim, claim(status, meta), claim(old, meta));
  assert.deepEqual(errors({ allocation, reservedFor: [user] }), []);
  assert.deepEqual(errors({ reservedFor: [user, user] }), ['status.reservedFor[1]: Duplicate value: "u"', 'status.reservedFor: Forbidden: may not be specified when `allocated` is not set']);
  assert.deepEqual(errors({ allocation, reservedFor: [user] }, { allocation }, { deletionTimestamp: '2026-01-01T00:00:00Z' }), ['status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set']);
  assert.match(errors({ allocation }, { allocation: { devices: { results: [{ ...results[0], device: 'y' }] } } })[0] ?? '', /^status\.allocation: Invalid value: .*: field is immutable$/);
  assert.deepEqual(errors({ allocation: { devices: { results: [{ ...results[0], request: 'other', shareID: 'x', bindingConditions: ['a'] }], config: [{ source: 'Odd', opaque: { driver: 'd', parameters: {} } }] } } }), [
    `status.allocation.devices.results[0].request: Invalid value: "other": ${unknownRequest}`,
    'status.allocation.devices.results[0].shareID: Invalid value: "x": error validating uid: invalid UUID length: 1',
    'status.allocation.devices.results[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions',
    'status.allocation.devices.config[0].source: Unsupported value: "Odd": supported values: "FromClaim", "FromClass"',
  ]);
  const device = { driver: 'd.example.com', pool: 'p', device: 'x', conditions: [{ type: 'Ready', status: 'Odd', reason: 'R', message: '' }], networkData: { ips: ['10.0.0.1'] } };
  assert.deepEqual(errors({ allocation, devices: [device, { ...device, device: 'z', conditions: [], networkData: undefined }] }), [
    'status.devices[0].conditions[0].status: Unsupported value: "Odd": supported values: "False", "True", "Unknown"', 'status.devices[0].conditions[0].lastTransitionTime: Required value',
    'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
    'status.devices[1]: Invalid value: "d.example.com/p/z": must be an allocated device in the claim',
  ]);
  const draft = given(ResourceClaim, { metadata, status: { devices: [device] } });
  ResourceClaim.strategy.prepareForStatusUpdate?.(draft, claim({ allocation, devices: [device] }));
  assert.equal(draft.status.devices, undefined);
});

test('what is refused in a class of devices', () => {
  check(DeviceClass, [
    [{ selectors: [{ cel: { expression: 'true' } }], config: [{ opaque: { driver: 'd.example.com', parameters: {} } }], extendedResourceName: 'example.com/gpu' }],
    [{ extendedResourceName: 'gpu', selectors: [{ cel: { expression: 'x'.repeat(10_241) } }], config: [{ opaque: { driver: 'Ä', parameters: {} } }] },
      'spec.selectors[0].cel.expression: Too long: may not be more than 10240 bytes', `spec.config[0].opaque.driver: Invalid value: "Ä": ${subdomain}`, 'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name'],
  ]);
});

const slice = { driver: 'gpu.example.com', pool: { name: 'p', resourceSliceCount: 1 }, nodeName: 'n' };

test('what is refused in a slice', () => {
  const ways = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const devices = (...items: readonly Fields[]): Fields => ({ ...slice, devices: items });
  const at = 'spec.devices[0]';
  check(ResourceSlice, [
    [slice],
    [{ ...slice, nodeName: undefined }, `spec: Required value: ${ways}`],
    [{ ...slice, allNodes: true }, `spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${ways}, but multiple fields are set`],
    [{ ...slice, allNodes: false }, 'spec.allNodes: Invalid value: false: must be either unset or set to true'],
    [{ ...slice, pool: { name: 'p//q', generation: -1 } }, `spec.pool.name: Invalid value: "": ${subdomain}`, 'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero', 'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero'],
    [{ ...slice, nodeName: undefined, nodeSelector: { nodeSelectorTerms: [{}, {}] } },
      'spec.nodeSelector.nodeSelectorTerms: Invalid value: [{"MatchExpressions":null,"MatchFields":null},{"MatchExpressions":null,"MatchFields":null}]: must have exactly one node selector term'],
    [devices({ name: '' }), `${at}.name: Invalid value: "": ${label}`],
    [devices({ name: 'a' }, { name: 'a' }), 'spec.devices[1]: Duplicate value: "a"'],
    [devices({ name: 'a', nodeName: 'n' }), `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`],
    [devices({ name: 'a', attributes: { 'a-b': { int: 1 }, x: {}, y: { int: 0, bool: false }, v: { version: '1.0' }, 'd.example.com/': { string: 's' } } }),
      `${at}.attributes: Invalid value: "a-b": ${identifier}`, `${at}.attributes[x]: Invalid value: "": exactly one value must be specified`,
      `${at}.attributes[y]: Invalid value: {"IntValue":0,"BoolValue":false,"StringValue":null,"VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified`,
      `${at}.attributes[v].version: Invalid value: "1.0": must be a string compatible with semver.org spec 2.0.0`, `${at}.attributes: Invalid value: "": the name must not be empty`],
    [devices({ name: 'a', taints: [{ key: 'k', effect: 'Odd' }, { key: 'k k' }] }), `${at}.taints[0].effect: Unsupported value: "Odd": supported values: "NoExecute", "NoSchedule", "None"`, `${at}.taints[1].effect: Required value`,
      `${at}.taints[1].key: Invalid value: "k k": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`],
    [devices({ name: 'a', consumesCounters: [{ counterSet: 's', counters: {} }] }), `${at}.consumesCounters[0].counters: Required value`],
    [devices(...Array.from({ length: 129 }, (_, index) => ({ name: `d${index}` }))), 'spec.devices: Too many: 129: must have at most 128 items'],
    [{ ...slice, sharedCounters: [{ name: 's', counters: { 'a_b': { value: '1' } } }] }, `spec.sharedCounters[0].counters: Invalid value: "a_b": ${label}`],
    [{ ...slice, nodeName: undefined, perDeviceNodeSelection: true, devices: [{ name: 'a' }] },
      `${at}: Required value: exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`],
  ]);
});

test('what a request may take of a capacity is in order', () => {
  const policy = (requestPolicy: Fields, allowMultipleAllocations = true): Fields => ({ ...slice, devices: [{ name: 'a', allowMultipleAllocations, capacity: { memory: { value: '10Gi', requestPolicy } } }] });
  const at = 'spec.devices[0].capacity[memory].requestPolicy';
  check(ResourceSlice, [
    [policy({ default: '1Gi', validRange: { min: '1Gi', step: '1Gi', max: '4Gi' } })],
    [policy({ default: '1Gi' }, false), `${at}: Forbidden: allowMultipleAllocations must be true`],
    [policy({ validValues: ['1Gi'] }), `${at}.default: Required value: required when validValues is defined`],
    [policy({ default: '3Gi', validValues: ['2Gi', '1Gi', '11Gi', '11Gi'] }), `${at}.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order`, `${at}.validValues[2]: Invalid value: "11Gi": option is larger than capacity value: 10Gi`,
      `${at}.validValues[3]: Invalid value: "11Gi": option is larger than capacity value: 10Gi`, `${at}.validValues[3]: Duplicate value: "11811160064"`, `${at}.validValues: Invalid value: "3Gi": default value is not valid according to the requestPolicy`],
    [policy({ default: '512Mi', validRange: { min: '1Gi', max: '12Gi', step: '1Gi' } }), `${at}.validRange.default: Invalid value: "512Mi": default is less than min: 1Gi`,
      `${at}.validRange.max: Invalid value: "12Gi": max is larger than capacity value: 10Gi`, `${at}.validRange.step: Invalid value: "512Mi": value is not a multiple of a given step (1Gi) from (1Gi)`],
  ]);
});

test('fields of closed gates are dropped', () => {
  const { devices } = created(ResourceSlice, { metadata, spec: { ...slice, devices: [{ name: 'a', attributes: { x: { ints: [1], string: 's' } }, nodeAllocatableResourceMappings: { cpu: {} } }] } }).spec;
  assert.deepEqual(JSON.parse(JSON.stringify(devices)), [{ name: 'a', attributes: { x: { string: 's' } } }]);
});

test('the driver and the pool of a slice stay, the devices change', () => {
  const of = (spec: Fields): ResourceSlice => created(ResourceSlice, { metadata, spec: { ...slice, ...spec } });
  assert.deepEqual(updateErrorsOf(ResourceSlice, of({ driver: 'b', nodeName: 'm', devices: [{ name: 'a' }] }), of({})), ['spec.driver: Invalid value: "b": field is immutable', 'spec.nodeName: Invalid value: "m": field is immutable']);
  assert.deepEqual(warningsOf(ResourceSlice, of({ driver: 'GPU.example.com' })), ['spec.driver: driver names should be lowercase; "GPU.example.com" contains uppercase characters']);
});
