import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject, sameJson } from './json.ts';
import { jsonPatch } from './patch-json.ts';
import { jsonMergePatch } from './patch-merge.ts';
import { strategicMergePatch } from './patch-strategic.ts';
import { int32, list, map, object, pointer, string, struct } from './schema.ts';
import { StatusError } from './status-error.ts';

const Port = struct('test.Port', { containerPort: int32(1), name: string(2) });
const Container = struct('test.Container', {
  name: string(1),
  image: string(2),
  args: list(3, 'string'),
  ports: list(4, Port, { patch: 'merge', mergeKey: 'containerPort' }),
});
const Rolling = struct('test.Rolling', { maxSurge: int32(1) });
const Strategy = struct('test.Strategy', { type: string(1), rollingUpdate: pointer(2, Rolling) });
const Spec = struct('test.Spec', {
  containers: list(1, Container, { patch: 'merge', mergeKey: 'name' }),
  finalizers: list(2, 'string', { patch: 'merge' }),
  strategy: object(3, Strategy, { patch: 'retainKeys' }),
  selector: map(4, 'string'),
  replaced: pointer(5, Strategy, { patch: 'replace' }),
});
const Thing = struct('test.Thing', { spec: object(1, Spec) });

function spec(current: JsonObject, patch: JsonObject): JsonValue {
  return strategicMergePatch(Thing, { spec: current }, { spec: patch })['spec'] ?? null;
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

test('lists with a merge key are merged item by item, what is new first, and others are replaced', () => {
  const current = { containers: [{ name: 'a', image: '1', args: ['x', 'y'], ports: [{ containerPort: 80, name: 'http' }] }, { name: 'b', image: '1' }] };
  assert.deepEqual(spec(current, { containers: [{ name: 'a', image: '2', args: ['z'], ports: [{ containerPort: 81 }] }, { name: 'c', image: '3' }] }), {
    containers: [
      { name: 'a', image: '2', args: ['z'], ports: [{ containerPort: 81 }, { containerPort: 80, name: 'http' }] },
      { name: 'c', image: '3' },
      { name: 'b', image: '1' },
    ],
  });
  assert.deepEqual(spec({ finalizers: ['a', 'b'] }, { finalizers: ['b', 'c'] }), { finalizers: ['a', 'b', 'c'] });
});

test('what the patch does not touch stays the same object', () => {
  const current = { spec: { containers: [{ name: 'a' }, { name: 'b', ports: [{ containerPort: 1 }] }], selector: { x: 'y' } }, status: {} };
  const result = strategicMergePatch(Thing, current, { spec: { containers: [{ name: 'a', image: '1' }] } });
  assert.equal((result['spec'] as typeof current.spec).selector, current.spec.selector);
  assert.equal((result['spec'] as typeof current.spec).containers[1], current.spec.containers[1]);
  assert.equal(strategicMergePatch(Thing, current, { spec: { containers: [{ name: 'b' }] } }), current);
});

test('null takes a field away, and nothing where there is none', () => {
  assert.deepEqual(spec({ selector: { a: '1', b: '2' } }, { selector: { a: null, c: null } }), { selector: { b: '2' } });
  assert.deepEqual(spec({}, { selector: { a: null, b: '1' } }), { selector: { b: '1' } });
});

test('$patch deletes, replaces and merges', () => {
  const current = { containers: [{ name: 'a' }, { name: 'b' }], selector: { a: '1' } };
  assert.deepEqual(spec(current, { containers: [{ $patch: 'delete', name: 'a' }] }), { containers: [{ name: 'b' }], selector: { a: '1' } });
  assert.deepEqual(spec(current, { containers: [{ $patch: 'replace' }, { name: 'z' }] }), { containers: [{ name: 'z' }], selector: { a: '1' } });
  assert.deepEqual(spec(current, { selector: { $patch: 'replace', b: '2' } }), { containers: current.containers, selector: { b: '2' } });
  assert.deepEqual(spec(current, { selector: { $patch: 'delete' } }), { containers: current.containers, selector: {} });
  assert.deepEqual(spec(current, { selector: { $patch: 'merge', b: '2' } }), { containers: current.containers, selector: { a: '1', b: '2' } });
  assert.deepEqual(spec({ replaced: { type: 'a', rollingUpdate: {} } }, { replaced: { type: 'b' } }), { replaced: { type: 'b' } });
});

test('$retainKeys drops the other keys of a union', () => {
  const current = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
  assert.deepEqual(spec(current, { strategy: { $retainKeys: ['type'], type: 'Recreate' } }), { strategy: { type: 'Recreate' } });
  assert.equal(errorOf(() => spec(current, { strategy: { $retainKeys: ['type'], rollingUpdate: { maxSurge: 2 } } })).message, 'invalid patch format of retainKeys');
});

test('$deleteFromPrimitiveList takes values out of a list', () => {
  assert.deepEqual(spec({ finalizers: ['a', 'b', 'c'] }, { '$deleteFromPrimitiveList/finalizers': ['b', 'x'], finalizers: ['d'] }), { finalizers: ['d', 'a', 'c'] });
  assert.deepEqual(spec({}, { '$deleteFromPrimitiveList/finalizers': ['b'] }), {});
});

test('$setElementOrder orders what it names and keeps the others beside their neighbours', () => {
  const current = { containers: [{ name: 'injected-1' }, { name: 'a' }, { name: 'b' }, { name: 'injected-2' }] };
  const names = (value: JsonValue): JsonValue[] => (value as unknown as { containers: { name: string }[] }).containers.map((each) => each.name);
  const order = (...wanted: string[]): JsonValue[] => wanted.map((name) => ({ name }));
  assert.deepEqual(names(spec(current, { '$setElementOrder/containers': order('b', 'a') })), ['injected-1', 'b', 'a', 'injected-2']);
  const patch = { '$setElementOrder/containers': order('c', 'b', 'a'), containers: [{ name: 'c' }, { name: 'a', image: '1' }] };
  assert.deepEqual(names(spec(current, patch)), ['c', 'injected-1', 'b', 'a', 'injected-2']);
  assert.deepEqual(spec({ finalizers: ['a', 'b', 'c'] }, { '$setElementOrder/finalizers': ['c', 'a'] }), { finalizers: ['b', 'c', 'a'] });
  const wrong = errorOf(() => spec(current, { ...patch, containers: [{ name: 'z' }] }));
  assert.match(wrong.message, /^The order in patch list:\n\[map\[name:z\]\]\n doesn't match \$setElementOrder list:\n\[map\[name:c\] map\[name:b\] map\[name:a\]\]\n$/);
});

test('a bad strategic merge patch is refused in Kubernetes words', () => {
  const current = { containers: [{ name: 'a' }] };
  assert.equal(errorOf(() => spec(current, { containers: [{ image: 'x' }] })).message, 'map: map[image:x] does not contain declared merge key: name');
  assert.equal(errorOf(() => spec(current, { containers: [{ $patch: 'eat', name: 'a' }] })).message, 'unknown patch type: eat in map: map[$patch:eat name:a]');
  assert.equal(errorOf(() => strategicMergePatch(Thing, {}, [])).code, 400);
});

test('a merge patch follows the examples of RFC 7386', () => {
  const cases: readonly (readonly [JsonObject, JsonObject, JsonObject])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: 'foo' }, { a: {} }, { a: {} }],
  ];
  for (const [current, patch, result] of cases) assert.deepEqual(jsonMergePatch(current, patch), result);
  assert.equal(errorOf(() => jsonMergePatch({}, [])).code, 400);
});

test('a JSON patch does its operations in order', () => {
  const document = { foo: { bar: [1, 2, 3] }, 'a/b': { 'm~n': 8 }, other: { kept: true } };
  const patched = jsonPatch(document, [
    { op: 'test', path: '/a~1b/m~0n', value: 8 },
    { op: 'add', path: '/foo/bar/1', value: 9 },
    { op: 'add', path: '/foo/bar/-', value: { x: [] } },
    { op: 'remove', path: '/foo/bar/0' },
    { op: 'replace', path: '/foo/bar/-1', value: 5 },
    { op: 'copy', from: '/foo/bar', path: '/copy' },
    { op: 'move', from: '/a~1b', path: '/moved' },
    { op: 'add', path: '/__proto__', value: 1 },
    { op: 'test', path: '/nothing', value: null },
  ]);
  assert.equal(JSON.stringify(patched), '{"foo":{"bar":[9,2,3,5]},"other":{"kept":true},"copy":[9,2,3,5],"moved":{"m~n":8},"__proto__":1}');
  assert.equal((patched as typeof document).other, document.other);
  assert.deepEqual(document.foo.bar, [1, 2, 3]);
});

test('a JSON patch that fails anywhere changes nothing, and is a 422', () => {
  const document = { a: [1], b: 2 };
  const failing: readonly JsonObject[] = [
    { op: 'test', path: '/b', value: 3 }, { op: 'remove', path: '/c' }, { op: 'replace', path: '/c', value: 1 }, { op: 'add', path: '/c/d', value: 1 },
    { op: 'add', path: '/a/2', value: 1 }, { op: 'add', path: '/a/01', value: 1 }, { op: 'remove', path: '/a/1' }, { op: 'eat', path: '/a' }, { op: 'add', path: 'a', value: 1 },
    { op: 'move', from: '/a', path: '/a/0' }, { op: 'copy', from: '/x', path: '/y' }, { op: 'add', value: 1 },
  ];
  for (const operation of failing) {
    const error = errorOf(() => jsonPatch(document, [operation]));
    assert.equal(error.code, 422, JSON.stringify(operation));
    assert.equal(error.message, 'the server rejected our request due to an error in our request');
  }
  assert.equal(errorOf(() => jsonPatch(document, {})).message, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  assert.equal(errorOf(() => jsonPatch(document, Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/b', value: 2 })))).code, 413);
  const doubling = [{ op: 'add', path: '/x', value: ['a'.repeat(1000)] }, ...Array.from({ length: 30 }, () => ({ op: 'copy', from: '/x', path: '/x/-' }))];
  assert.equal(errorOf(() => jsonPatch(document, doubling)).code, 422);
});

const anyObject = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 3 }) as fc.Arbitrary<JsonValue>,
  ),
})).value, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

/** The merge patch that leads from one object to another. */
function mergePatchBetween(from: JsonObject, to: JsonObject): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) entries.push([key, null]);
  for (const key of Object.keys(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    const after = to[key] as JsonValue;
    entries.push([key, isJsonObject(before) && isJsonObject(after) ? mergePatchBetween(before, after) : after]);
  }
  return Object.fromEntries(entries);
}

test('a merge patch leads from any object to any other, and a second time changes nothing', () => {
  fc.assert(fc.property(anyObject, anyObject, (from, to) => {
    const before = JSON.stringify(from);
    const patch = mergePatchBetween(from, to);
    const patched = jsonMergePatch(from, patch);
    assert.ok(sameJson(patched, to));
    assert.ok(sameJson(jsonMergePatch(patched, patch), to));
    assert.equal(JSON.stringify(from), before);
  }));
});

const containers = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), image: fc.constantFrom('1', '2') }), { selector: (each) => each.name }).map((items) => items.map((item) => ({ ...item })));

test('a strategic merge patch with an order list makes of any list of containers any other', () => {
  fc.assert(fc.property(containers, containers, (from, to) => {
    const names = new Set(to.map((each) => each.name));
    const gone = from.filter((each) => !names.has(each.name)).map(({ name }) => ({ name, $patch: 'delete' }));
    const patch = { '$setElementOrder/containers': to.map(({ name }) => ({ name })), containers: [...gone, ...to] };
    assert.deepEqual(spec({ containers: from }, patch), { containers: to });
  }));
});
