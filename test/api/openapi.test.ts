/** OpenAPI documents over HTTPS: forms, caching, and what kubectl makes of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { JsonObject } from '#apimachinery/json.ts';
import { descriptionsVersion } from '#apiserver/documents/text-packages.ts';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

const protobufV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const protobufV3 = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';
/** As kubectl up to 1.26 asks. */
const oldKubectl = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

type Index = { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> };

function get(path: string, headers: Readonly<Record<string, string>> = {}): ReturnType<TestApiServer['request']> {
  return api.request('GET', path, { headers });
}

/** Names of the definitions, read from the wire: Document 9 > Definitions 1 > NamedSchema 1. */
function definitionNames(bytes: Buffer): readonly string[] {
  const { root } = protobuf.parse(`syntax = "proto3"; message Document { Definitions definitions = 9; } message Definitions { repeated Named named = 1; } message Named { string name = 1; }`);
  const type = root.lookupType('Document');
  const { definitions } = type.toObject(type.decode(bytes)) as { readonly definitions: { readonly named: readonly { readonly name: string }[] } };
  return definitions.named.map(({ name }) => name);
}

test('version 2 comes in JSON, and in protobuf under its old and its new name', async () => {
  const json = await get('/openapi/v2');
  assert.equal(json.headers['content-type'], 'application/json');
  const { definitions } = JSON.parse(json.bytes.toString()) as { readonly definitions: object };
  for (const accept of [protobufV2, oldKubectl, `${protobufV2};q=0.9, text/html`]) {
    const { code, headers, bytes } = await get('/openapi/v2', { accept });
    assert.equal(code, 200);
    assert.equal(headers['content-type'], protobufV2);
    assert.deepEqual(definitionNames(bytes), Object.keys(definitions));
  }
  assert.equal((await get('/openapi/v2', { accept: '*/*' })).headers['content-type'], 'application/json');
  assert.equal((await get('/openapi/v2', { accept: 'text/html' })).code, 406);
});

test('who has a document is told when it has not changed', async () => {
  const { headers } = await get('/openapi/v2', { accept: protobufV2 });
  const { etag = '', 'last-modified': modified = '' } = headers as Readonly<Record<string, string>>;
  assert.match(etag, /^"[0-9A-F]{128}"$/);
  assert.equal(headers['vary'], 'Accept');
  const same = await get('/openapi/v2', { 'if-none-match': etag });
  assert.deepEqual([same.code, same.bytes.length, same.headers['etag']], [304, 0, etag]);
  assert.equal((await get('/openapi/v2', { 'if-none-match': '"other"' })).code, 200);
  assert.equal((await get('/openapi/v2', { 'if-modified-since': modified })).code, 304);
  assert.equal((await get('/openapi/v2', { 'if-none-match': '"other"', 'if-modified-since': modified })).code, 200);
});

test('those who ask at the same time get the same, each in the form they ask for', async () => {
  const all = await Promise.all(['application/json', protobufV2, 'application/json', protobufV2].map((accept) => get('/openapi/v2', { accept })));
  assert.deepEqual(all.map(({ headers }) => headers['content-type']), ['application/json', protobufV2, 'application/json', protobufV2]);
  assert.ok(all[0]?.bytes.equals(all[2]?.bytes ?? Buffer.alloc(0)) === true && all[1]?.bytes.equals(all[3]?.bytes ?? Buffer.alloc(0)) === true);
});

test('documents are compressed for who takes that', async () => {
  const plain = await get('/openapi/v3/apis/apps/v1');
  const compressed = await get('/openapi/v3/apis/apps/v1', { 'accept-encoding': 'gzip' });
  assert.equal(compressed.headers['content-encoding'], 'gzip');
  assert.deepEqual(gunzipSync(compressed.bytes), plain.bytes);
});

test('a document of version 3 lasts for ever under its hash, and a wrong hash leads to the right one', async () => {
  const index = await get('/openapi/v3');
  assert.equal(index.headers['content-type'], 'application/json');
  assert.match(String(index.headers['etag']), /^"[0-9A-F]{128}"$/);
  const url = (JSON.parse(index.bytes.toString()) as Index).paths['apis/apps/v1']?.serverRelativeURL ?? '';
  assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
  const lasting = await get(url);
  assert.equal(lasting.code, 200);
  assert.equal(lasting.headers['cache-control'], 'public, immutable');
  assert.ok(Date.parse(String(lasting.headers['expires'])) > 0);
  assert.equal(lasting.headers['etag'], `"${url.split('=')[1] ?? ''}"`);
  const bare = await get('/openapi/v3/apis/apps/v1');
  assert.deepEqual([bare.code, bare.headers['cache-control']], [200, undefined]);
  const wrong = await get('/openapi/v3/apis/apps/v1?hash=0');
  assert.deepEqual([wrong.code, wrong.headers['location']], [301, url]);
  const inProtobuf = await get(url, { accept: protobufV3 });
  assert.equal(inProtobuf.headers['content-type'], protobufV3);
  assert.ok(inProtobuf.bytes.length > 10_000 && inProtobuf.bytes.length < lasting.bytes.length);
  assert.equal((await get('/openapi/v3/apis/none/v1')).code, 404);
});

test('every document that the index names is there', async () => {
  const { paths } = JSON.parse((await get('/openapi/v3')).bytes.toString()) as Index;
  for (const { serverRelativeURL } of Object.values(paths)) assert.equal((await get(serverRelativeURL)).code, 200, serverRelativeURL);
});

test('a new kind changes the documents it belongs to, and no others', async () => {
  const before_ = JSON.parse((await get('/openapi/v3')).bytes.toString()) as Index;
  const { etag } = (await get('/openapi/v2')).headers;
  await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.sea.example.com' },
    spec: {
      group: 'sea.example.com', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat', listKind: 'Fleet' },
      versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', properties: { rows: { type: 'integer' } } } } }],
    },
  } });
  let index = before_;
  for (let attempt = 0; attempt < 1000 && index.paths['apis/sea.example.com/v1'] === undefined; attempt++) index = JSON.parse((await get('/openapi/v3')).bytes.toString()) as Index;
  assert.deepEqual({ ...index.paths, 'apis/sea.example.com/v1': undefined }, { ...before_.paths, 'apis/sea.example.com/v1': undefined });
  const changed = await get('/openapi/v2', { 'if-none-match': String(etag) });
  assert.equal(changed.code, 200);
  assert.ok('com.example.sea.v1.Fleet' in (JSON.parse(changed.bytes.toString()) as { readonly definitions: object }).definitions);
  const { info, paths } = JSON.parse((await get('/openapi/v3/apis/sea.example.com/v1')).bytes.toString()) as { readonly info: object; readonly paths: object };
  assert.deepEqual(info, { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' });
  assert.deepEqual(Object.keys(paths), [
    '/apis/sea.example.com/v1/boats', '/apis/sea.example.com/v1/namespaces/{namespace}/boats', '/apis/sea.example.com/v1/namespaces/{namespace}/boats/{name}',
    '/apis/sea.example.com/v1/namespaces/{namespace}/boats/{name}/status',
  ]);
});

test('operations of custom resources say less than is served', async () => {
  const { paths } = JSON.parse((await get('/openapi/v3/apis/sea.example.com/v1')).bytes.toString()) as { readonly paths: Readonly<Record<string, Readonly<Record<string, CustomOperation>>>> };
  const boats = '/apis/sea.example.com/v1/namespaces/{namespace}/boats';
  const { get: list, post, delete: collection } = paths[boats] ?? {};
  const { get: read, patch } = paths[`${boats}/{name}`] ?? {};
  assert.ok(list !== undefined && post !== undefined && collection !== undefined && read !== undefined && patch !== undefined);
  assert.deepEqual([list.operationId, list.tags, list.description], ['listSeaExampleComV1NamespacedBoat', ['seaExampleCom_v1'], 'list objects of kind Boat']);
  assert.deepEqual(list['x-kubernetes-group-version-kind'], { group: 'sea.example.com', kind: 'Boat', version: 'v1' });
  assert.deepEqual(Object.keys(list.responses['200']?.content ?? {}), ['application/json', 'application/yaml']);
  assert.deepEqual(Object.keys(post.responses), ['200', '201', '202', '401']);
  assert.equal(collection.requestBody, undefined);
  assert.ok(collection.parameters.some(({ name }) => name === 'watch'));
  assert.deepEqual(read.parameters.map(({ name }) => name), ['resourceVersion']);
  assert.deepEqual(Object.keys(patch.requestBody?.content ?? {}), ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']);
  assert.deepEqual(Object.keys(patch.responses), ['200', '401']);
});

test('what custom resources refer to is part of their document', async () => {
  const { components } = JSON.parse((await get('/openapi/v3/apis/sea.example.com/v1')).bytes.toString()) as { readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> } };
  const { schemas } = components;
  assert.ok('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' in schemas);
  const list = schemas['com.example.sea.v1.Fleet'] ?? {};
  assert.deepEqual([list['description'], list['required'], list['x-kubernetes-group-version-kind']], ['Fleet is a list of Boat', ['items'], [{ group: 'sea.example.com', kind: 'Fleet', version: 'v1' }]]);
  const deletion = schemas['io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'] ?? {};
  assert.ok((deletion['x-kubernetes-group-version-kind'] as readonly object[]).length > 50);
});

interface CustomOperation {
  readonly operationId: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
  readonly 'x-kubernetes-group-version-kind': object;
}

describe('kubectl explain', { skip: kubectlMissing }, () => {
  test('reads version 3, and version 2 in protobuf', async () => {
    const kubectl = new Kubectl(api.kubeconfig);
    for (const output of ['plaintext', 'plaintext-openapiv2']) {
      const stdout = await kubectl.out(`explain pod.spec.containers.env.valueFrom.fileKeyRef --output=${output}`);
      assert.match(stdout, /volumeName/);
      if (descriptionsVersion() !== '') assert.match(stdout, /name of the volume mount/);
    }
    kubectl.close();
  });
});
