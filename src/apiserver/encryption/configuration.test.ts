import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupResource, means, parseEncryptionConfiguration } from './configuration.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const of = (resources: unknown): string => JSON.stringify({ kind: 'EncryptionConfiguration', apiVersion: 'apiserver.config.k8s.io/v1', resources });

test('a configuration is read as it stands', () => {
  const [first] = parseEncryptionConfiguration(of([{ resources: ['secrets', 'pandas.awesome.bears.example'], providers: [{ aescbc: { keys: [{ name: 'key1', secret: key }] } }, { identity: {} }] }]));
  assert.deepEqual(first?.resources, ['secrets', 'pandas.awesome.bears.example']);
});

test('what is wrong is told by its field, without the secret', () => {
  for (const [resources, text] of [
    [[], /^resources: Required value: at least one resources is required/],
    [[{ resources: [], providers: [{ identity: {} }] }], /resources\[0\]\.resources: Required value/],
    [[{ resources: ['secrets'], providers: [] }], /resources\[0\]\.providers: Required value/],
    [[{ resources: ['Secrets'], providers: [{ identity: {} }] }], /resources\[0\]\.resources\[0\]: Invalid value: "Secrets": resource name should not contain capital letters/],
    [[{ resources: ['secrets', '*.'], providers: [{ identity: {} }] }], /overlapping resources/],
    [[{ resources: ['events.events.k8s.io'], providers: [{ identity: {} }] }], /Use 'events' instead/],
    [[{ resources: ['secrets'], providers: [{ identity: {}, aescbc: { keys: [] } }] }], /more than one provider specified/],
    [[{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'a', secret: 'YWJj' }] } }] }], /providers\[0\]\.aesgcm\.keys\[0\]\.secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of \[16 24 32\]/],
    [[{ resources: ['secrets'], providers: [{ kms: { name: 'a', endpoint: 'http://x', apiVersion: 'v2' } }] }], /providers\[0\]\.kms\.endpoint: Invalid value: .*only unix is supported/],
    [[{ resources: ['secrets'], providers: [{ kms: { name: 'a', endpoint: 'unix:///x' } }] }], /KMSv1 is deprecated/],
  ] as const) assert.throws(() => parseEncryptionConfiguration(of(resources)), (error: Error) => text.test(error.message) && !error.message.includes('YWJj'), String(text));
  assert.throws(() => parseEncryptionConfiguration('kind: Other'), /no kind "Other" is registered/);
});

test('wildcards mean a group or everything', () => {
  const secrets = { group: '', resource: 'secrets' };
  const deployments = { group: 'apps', resource: 'deployments' };
  assert.deepEqual(['secrets', '*.', '*.apps', '*.*'].map((text) => [means(groupResource(text), secrets), means(groupResource(text), deployments)]), [[true, false], [true, false], [false, true], [true, true]]);
});
