import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeDraft } from './decode.ts';
import { APIGroupDiscovery, ResourceListMessage, resourceListMessage } from './discovery-messages.ts';
import { decodeProtobuf, encodeProtobuf, openEnvelope, sealEnvelope } from './protobuf.ts';

const reference = new URL('../../../shared/spec/roundtrip/apidiscovery.k8s.io.v2.APIGroupDiscovery.pb', import.meta.url);
const skip = existsSync(reference) ? false : 'the reference data ../shared/spec is not here';

test('aggregated discovery has the bytes of Kubernetes', { skip }, () => {
  const bytes = readFileSync(reference);
  const envelope = openEnvelope(bytes);
  const { apiVersion: _version, kind: _kind, ...document } = decodeDraft(APIGroupDiscovery, JSON.parse(readFileSync(new URL(reference.href.replace(/pb$/, 'json')), 'utf8'))) as Record<string, unknown>;
  assert.deepEqual(decodeDraft(APIGroupDiscovery, decodeProtobuf(APIGroupDiscovery, envelope.raw)), document);
  assert.deepEqual(Buffer.from(sealEnvelope({ ...envelope, raw: encodeProtobuf(APIGroupDiscovery, document) })), bytes);
});

test('the verbs of a resource are a message of their own', () => {
  const message = encodeProtobuf(ResourceListMessage, resourceListMessage({ groupVersion: 'v1', resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] }] }));
  const decoded = decodeProtobuf(ResourceListMessage, message) as { readonly resources: readonly object[] };
  assert.deepEqual(decoded.resources.map((each) => (each as { readonly verbs: object }).verbs), [{ items: ['get', 'list'] }]);
  // groupVersion = 1; resources = 2: name = 1, namespaced = 2, kind = 3, verbs = 4 (items = 1), singularName = 6, group = 8, version = 9, storageVersionHash = 10.
  assert.equal(Buffer.from(message).toString('hex'), '0a02763112250a04706f647310011a03506f64220b0a036765740a046c6973743203706f6442004a005200');
});
