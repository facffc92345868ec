import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { describeFieldError } from './field-error.ts';
import {
  byteLength, cIdentifier, configMapKey, dns1035Label, dns1123Label, dns1123Subdomain, envVarName, labelValue, pathSegment, portName, portNumber,
  qualifiedName, validateObjectMeta, validateObjectMetaUpdate, wildcardDns1123Subdomain,
} from './names.ts';

const labelText = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

test('a name that breaks a rule is answered in Kubernetes words', () => {
  assert.deepEqual(dns1123Label('web-1'), []);
  assert.deepEqual(dns1123Label('Web'), [labelText]);
  assert.deepEqual(dns1123Label('a.b'), ['must not contain dots']);
  assert.deepEqual(dns1123Label('a'.repeat(64)), ['must be no more than 63 characters']);
  assert.deepEqual(dns1123Subdomain('a.b'), []);
  assert.deepEqual(dns1123Subdomain('a..b'), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.deepEqual(dns1035Label('1a').length, 1);
  assert.deepEqual(wildcardDns1123Subdomain('*.a.b'), []);
  assert.deepEqual(pathSegment('..'), ["may not be '..'"]);
  assert.deepEqual(pathSegment('a/b%'), ["may not contain '/'", "may not contain '%'"]);
  assert.deepEqual(pathSegment('system:node'), []);
  assert.deepEqual(cIdentifier('1a').length, 1);
});

test('a label key may have a prefix, and says which part is wrong', () => {
  assert.deepEqual(qualifiedName('app.kubernetes.io/name'), []);
  assert.deepEqual(qualifiedName('/name'), ['prefix part must be non-empty']);
  assert.deepEqual(qualifiedName('a/b/c').length, 1);
  assert.deepEqual(qualifiedName(''), [
    'name part must be non-empty',
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ]);
  assert.deepEqual(labelValue(''), []);
  assert.deepEqual(labelValue('a b'), [
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ]);
  assert.deepEqual(labelValue('a'.repeat(64)), ['must be no more than 63 bytes']);
});

test('ports, variables and keys have rules of their own', () => {
  assert.deepEqual(portName('http-1'), []);
  assert.deepEqual(portName('-8-'), ['must contain at least one letter (a-z)', 'must not begin or end with a hyphen']);
  assert.deepEqual(portName('a--b'), ['must not contain consecutive hyphens']);
  assert.deepEqual(portNumber(0), ['must be between 1 and 65535, inclusive']);
  assert.deepEqual(envVarName('A B-c.1'), []);
  assert.deepEqual(envVarName(''), ['environment variable name must be non-empty']);
  assert.deepEqual(envVarName('A=B').length, 1);
  assert.deepEqual(configMapKey('nginx.conf'), []);
  assert.deepEqual(configMapKey('..'), ["must not be '..'"]);
  assert.deepEqual(configMapKey('..a'), ["must not start with '..'"]);
  assert.deepEqual(configMapKey('a/b').length, 1);
});

const rules = { path: 'metadata', nameRule: 'dns-subdomain', namespaced: true } as const;
function problems(meta: Parameters<typeof validateObjectMeta>[0], namespaced = true): string[] {
  return [...validateObjectMeta(meta, { ...rules, namespaced })].map(describeFieldError);
}
const creationTimestamp = '2026-01-01T00:00:00Z';

test('metadata must have a name, a namespace where the kind has one, and well-formed labels', () => {
  assert.deepEqual(problems({ name: 'a', namespace: 'default', creationTimestamp }), []);
  assert.deepEqual(problems({ namespace: 'default', creationTimestamp }), ['metadata.name: Required value: name or generateName is required']);
  assert.deepEqual(problems({ name: 'a', namespace: 'default', creationTimestamp }, false), ['metadata.namespace: Forbidden: not allowed on this type']);
  assert.deepEqual(problems({ name: 'a', creationTimestamp }), ['metadata.namespace: Required value']);
  assert.deepEqual(problems({ name: 'a', generateName: 'a-', namespace: 'b', creationTimestamp }), []);
  assert.equal(problems({ name: 'A', namespace: 'B', creationTimestamp }).length, 2);
  assert.match(problems({ name: 'a', namespace: 'b', creationTimestamp, labels: { 'a b': 'c d' } }).join('\n'), /^metadata\.labels: Invalid value: "a b": name part must.*\nmetadata\.labels: Invalid value: "c d": a valid label/);
});

test('annotations may not be larger than 256 KiB together', () => {
  const annotations = { a: 'é'.repeat(128 * 1024) };
  assert.deepEqual(problems({ name: 'a', namespace: 'b', creationTimestamp, annotations }), ['metadata.annotations: Too long: may not be more than 262144 bytes']);
});

test('finalizers and owners are checked', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: '1', controller: true };
  assert.deepEqual(problems({ name: 'a', namespace: 'b', creationTimestamp, finalizers: ['orphan', 'foregroundDeletion'] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ]);
  assert.match(problems({ name: 'a', namespace: 'b', creationTimestamp, ownerReferences: [owner, { ...owner, name: 's', uid: '2' }] }).join(), /Only one reference can have Controller set to true\. Found "true" in references for ReplicaSet\/r and ReplicaSet\/s/);
  assert.deepEqual(problems({ name: 'a', namespace: 'b', creationTimestamp, ownerReferences: [{ ...owner, uid: '' }] }), [
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ]);
});

test('an update may not change what an object is known by', () => {
  const old = { name: 'a', namespace: 'b', uid: '1', resourceVersion: '5', generation: 2, creationTimestamp };
  const update = (meta: typeof old): string[] => [...validateObjectMetaUpdate(meta, old, 'metadata')].map(describeFieldError);
  assert.deepEqual(update({ ...old, resourceVersion: '6' }), []);
  assert.deepEqual(update({ ...old, uid: '2', generation: 1, resourceVersion: '' }), [
    'metadata.resourceVersion: Invalid value: "": must be specified for an update',
    'metadata.generation: Invalid value: 1: must not be decremented',
    'metadata.uid: Invalid value: "2": field is immutable',
  ]);
  const dying = { ...old, deletionTimestamp: creationTimestamp, finalizers: ['a/b'] };
  assert.deepEqual([...validateObjectMetaUpdate({ ...dying, finalizers: ['a/b', 'c/d'] }, dying, 'metadata')].map(describeFieldError), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
  ]);
});

test('bytes are counted as UTF-8 has them', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(byteLength(text), new TextEncoder().encode(text).length)));
});
