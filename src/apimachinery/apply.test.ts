import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { applyObject } from './apply.ts';
import { decodeObject } from './decode.ts';
import type { FieldSet } from './field-set.ts';
import { members, pathText } from './field-set.ts';
import type { JsonObject } from './json.ts';
import { trackUpdate } from './managed-fields.ts';
import type { KubeObject, ManagedFieldsEntry } from './object-meta.ts';
import { inOneVersion } from './object-versions.ts';
import { defineResource, status } from './resource.ts';
import { int32, list, map, object, pointer, string, struct } from './schema.ts';
import { StatusError } from './status-error.ts';

const Port = struct('test.Port', { containerPort: int32(1, { required: true }), protocol: string(2, { default: 'TCP' }), name: string(3) });
const Container = struct('test.Container', {
  name: string(1, { required: true }),
  image: string(2),
  args: list(3, 'string', { listType: 'atomic' }),
  ports: list(4, Port, { listType: 'map', keys: ['containerPort', 'protocol'] }),
  limits: map(5, 'quantity'),
});
const Rolling = struct('test.Rolling', { maxSurge: int32(1), maxUnavailable: int32(2) });
const Spec = struct('test.Spec', {
  replicas: int32(1, { pointer: true, default: 1 }),
  containers: list(3, Container, { required: true, listType: 'map', keys: ['name'] }),
  rolling: pointer(4, Rolling),
  groups: list(5, 'string', { listType: 'set' }),
});
const Thing = defineResource({
  group: 'apps', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Namespaced',
  fields: { spec: object(2, Spec), status: object(3, struct('test.Status', { ready: int32(1) })) },
  subresources: [status()],
});

const head = { apiVersion: 'apps/v1', kind: 'Thing', metadata: { name: 'a', namespace: 'b' } };
function configuration(spec: JsonObject): JsonObject {
  return { ...head, spec };
}
let seconds = 0;
function now(): string {
  seconds = (seconds + 1) % 60;
  return `2026-01-01T00:00:${String(seconds).padStart(2, '0')}Z`;
}
function apply(live: KubeObject | undefined, applied: JsonObject, manager: string, options: { force?: boolean; subresource?: string } = {}): KubeObject {
  const result = inOneVersion(applyObject({ struct: Thing, live, applied, manager, apiVersion: 'apps/v1', force: options.force ?? false, subresource: options.subresource ?? '', nowIso: now() }));
  const metadata = { ...(result.object['metadata'] as JsonObject), managedFields: result.managedFields };
  return decodeObject(Thing, { ...result.object, metadata }, { defaults: true });
}
function update(live: KubeObject | undefined, given: JsonObject, manager: string, subresource = ''): KubeObject {
  const metadata = { name: 'a', namespace: 'b', ...(given['metadata'] as JsonObject | undefined) };
  const updated = decodeObject(Thing, { ...given, metadata }, { defaults: true });
  const managedFields = inOneVersion(trackUpdate({ struct: Thing, live, updated, manager, apiVersion: 'apps/v1', subresource, nowIso: now() }));
  return decodeObject(Thing, { ...updated, metadata: { ...updated.metadata, managedFields } });
}
function specOf(thing: KubeObject): unknown {
  return (thing as unknown as { spec: unknown }).spec;
}
function owned(thing: KubeObject, manager: string, operation = 'Apply'): string[] {
  const entry: ManagedFieldsEntry | undefined = thing.metadata.managedFields?.find((each) => each.manager === manager && each.operation === operation);
  return [...members((entry?.fieldsV1 ?? {}) as FieldSet)].map(pathText);
}
function errorOf(action: () => unknown): StatusError {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  return assert.fail('nothing was thrown');
}

const web = configuration({ replicas: 2, containers: [{ name: 'web', image: '1', ports: [{ containerPort: 80 }] }] });

test('an apply creates what it states and owns just that, not the defaults', () => {
  const made = apply(undefined, configuration({ containers: [{ name: 'web', image: '1', ports: [{ containerPort: 80 }] }] }), 'me');
  assert.deepEqual(specOf(made), { replicas: 1, containers: [{ name: 'web', image: '1', ports: [{ containerPort: 80, protocol: 'TCP' }] }] });
  assert.deepEqual(owned(made, 'me'), [
    '.spec.containers[name="web"]',
    '.spec.containers[name="web"].image',
    '.spec.containers[name="web"].name',
    '.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]',
    '.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort',
  ]);
});

test('what is no longer stated goes away, and comes back to its default', () => {
  const made = apply(undefined, web, 'me');
  const again = apply(made, configuration({ containers: [{ name: 'web', image: '2' }] }), 'me');
  assert.deepEqual(specOf(again), { replicas: 1, containers: [{ name: 'web', image: '2' }] });
});

test('what somebody else owns stays when it is no longer stated', () => {
  const made = apply(apply(undefined, web, 'me'), configuration({ replicas: 2 }), 'other');
  const again = apply(made, configuration({ containers: [{ name: 'web', image: '1' }] }), 'me');
  assert.deepEqual(specOf(again), { replicas: 2, containers: [{ name: 'web', image: '1' }] });
  assert.deepEqual(owned(again, 'other'), ['.spec.replicas']);
});

test('two managers can own items of one list, and each removes only its own', () => {
  const both = apply(apply(undefined, web, 'me'), configuration({ containers: [{ name: 'sidecar', image: '7' }] }), 'injector');
  assert.deepEqual((specOf(both) as { containers: { name: string }[] }).containers.map(({ name }) => name), ['web', 'sidecar']);
  const without = apply(both, configuration({}), 'injector');
  assert.deepEqual((specOf(without) as { containers: { name: string }[] }).containers.map(({ name }) => name), ['web']);
  assert.deepEqual(owned(without, 'injector'), ['.spec']);
});

test('changing what an updater owns is a conflict that names the field', () => {
  const live = update(apply(undefined, web, 'me'), { spec: { ...(web['spec'] as JsonObject), replicas: 5 } }, 'kubectl-client-side-apply');
  const error = errorOf(() => apply(live, web, 'me'));
  assert.equal(error.code, 409);
  assert.equal(error.reason, 'Conflict');
  assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas');
  assert.deepEqual(error.details?.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: '.spec.replicas' },
  ]);
  const forced = apply(live, web, 'me', { force: true });
  assert.equal((specOf(forced) as { replicas: number }).replicas, 2);
  assert.deepEqual(owned(forced, 'kubectl-client-side-apply', 'Update'), []);
});

test('several conflicts are listed by manager', () => {
  const live = apply(apply(undefined, web, 'a'), configuration({ rolling: { maxSurge: 1 }, containers: [{ name: 'web', args: ['x'] }] }), 'b');
  const error = errorOf(() => apply(live, configuration({ replicas: 3, containers: [{ name: 'web', image: '2', args: ['y'] }] }), 'c'));
  assert.equal(error.message, 'Apply failed with 3 conflicts: conflicts with "a":\n- .spec.replicas\n- .spec.containers[name="web"].image\nconflicts with "b":\n- .spec.containers[name="web"].args');
});

test('stating the same value shares a field without a conflict', () => {
  const live = apply(apply(undefined, web, 'a'), configuration({ replicas: 2, containers: [{ name: 'web', limits: { cpu: '1000m' } }] }), 'b');
  const shared = apply(live, configuration({ replicas: 2, containers: [{ name: 'web', limits: { cpu: '1' } }] }), 'c');
  assert.ok(owned(shared, 'a').includes('.spec.replicas') && owned(shared, 'c').includes('.spec.replicas'));
});

test('applying the same again changes nothing, not even the time', () => {
  const made = apply(undefined, web, 'me');
  assert.deepEqual(apply(made, web, 'me'), made);
});

test('fields that were there before anybody applied have an owner too', () => {
  const live = decodeObject(Thing, { ...web, metadata: { name: 'a', namespace: 'b', uid: '1' } }, { defaults: true });
  const error = errorOf(() => apply(live, configuration({ replicas: 9 }), 'me'));
  assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas');
});

test('kubectl goes on with what its client-side apply set', () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(web) };
  const live = update(undefined, { ...web, metadata: { annotations } }, 'kubectl-client-side-apply');
  const applied = configuration({ replicas: 4 });
  assert.equal(errorOf(() => apply(live, applied, 'me')).code, 409);
  const done = apply(live, applied, 'kubectl');
  assert.equal((specOf(done) as { replicas: number }).replicas, 4);
  assert.equal(done.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], `${JSON.stringify(applied)}\n`);
});

test('the status is applied apart, under an entry of its own', () => {
  const made = apply(undefined, web, 'me');
  const ready = apply(made, { ...head, status: { ready: 3 } }, 'me', { subresource: 'status' });
  assert.deepEqual((ready as unknown as { status: unknown }).status, { ready: 3 });
  assert.deepEqual(ready.metadata.managedFields?.map(({ operation, subresource }) => [operation, subresource]), [['Apply', undefined], ['Apply', 'status']]);
});

test('a configuration that cannot be understood is refused', () => {
  const refused = (applied: JsonObject): string => errorOf(() => apply(undefined, applied, 'me')).message;
  const start = 'failed to create typed patch object (b/a; apps/v1, Kind=Thing): ';
  assert.equal(refused(configuration({ foo: 1 })), `${start}.spec.foo: field not declared in schema`);
  assert.equal(refused(configuration({ containers: [{ name: 'a' }, { name: 'a' }] })), `${start}.spec.containers: duplicate entries for key [name="a"]`);
  assert.match(refused(configuration({ containers: [{ image: 'a' }] })), /\.spec\.containers: element 0: associative list with keys has an element that omits key field "name" \(and doesn't have default value\)$/);
  assert.equal(refused(configuration({ containers: { name: 'a' } })), `${start}.spec.containers: expected list, got {"name":"a"}`);
  assert.equal(refused({ ...web, apiVersion: 'apps/v2' }), 'Incorrect version specified in apply patch. Specified patch version: apps/v2, expected: apps/v1');
  assert.equal(refused({ ...head, metadata: { name: 'a', managedFields: [] } }), 'metadata.managedFields must be nil');
});

const specs = fc.record(
  {
    replicas: fc.nat(3),
    groups: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }),
    rolling: fc.record({ maxSurge: fc.integer({ min: 1, max: 3 }), maxUnavailable: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: [], noNullPrototype: true }),
    containers: fc.uniqueArray(
      fc.record({ name: fc.constantFrom('a', 'b', 'c'), image: fc.constantFrom('1', '2'), limits: fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', '2'), { noNullPrototype: true, minKeys: 1 }) }, { requiredKeys: ['name'], noNullPrototype: true }),
      { selector: ({ name }) => name, minLength: 1 },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<JsonObject>;

test('what one manager applies is what it gets, whatever it applied before', () => {
  fc.assert(fc.property(specs, specs, (first, second) => {
    const direct = apply(undefined, configuration(second), 'me');
    const after = apply(apply(undefined, configuration(first), 'me'), configuration(second), 'me');
    const order = (thing: KubeObject): unknown => JSON.parse(JSON.stringify(specOf(thing)));
    assert.deepEqual(order(after), order(direct));
  }));
});

test('what one manager applies survives what another applies beside it, or is a conflict', () => {
  fc.assert(fc.property(specs, specs, specs, (mine, other, later) => {
    const live = apply(apply(undefined, configuration(mine), 'me'), configuration(other), 'other', { force: true });
    const before = owned(live, 'me');
    try {
      const after = apply(live, configuration(later), 'other');
      assert.deepEqual(owned(after, 'me'), before);
    } catch (error) {
      assert.ok(error instanceof StatusError && error.code === 409);
    }
  }));
});
