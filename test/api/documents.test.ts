/** Discovery and layout of answers over HTTPS. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { decodeDraft } from '#apimachinery/decode.ts';
import { APIGroupDiscoveryList } from '#apimachinery/discovery-messages.ts';
import { decodeProtobuf, openEnvelope } from '#apimachinery/protobuf.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
  for (const name of ['a', 'b']) await api.request('POST', maps, { body: { metadata: { name }, data: { key: 'one\ntwo', empty: '' } } });
});
after(() => api.close());

const maps = '/api/v1/namespaces/default/configmaps';
const aggregated = (version: string): string => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

function get(path: string, headers: Readonly<Record<string, string>> = {}): ReturnType<TestApiServer['request']> {
  return api.request('GET', path, { headers });
}

test('aggregated discovery comes in the version that the client prefers', async () => {
  for (const [accept, version] of [
    [`${aggregated('v2')},${aggregated('v2beta1')},application/json`, 'v2'], [`${aggregated('v2beta1')},application/json`, 'v2beta1'], [`${aggregated('v3')},${aggregated('v2')}`, 'v2'],
  ] as const) {
    for (const path of ['/api', '/apis']) {
      const { headers, text } = await get(path, { accept });
      const { kind, apiVersion, items } = JSON.parse(text) as { readonly kind: string; readonly apiVersion: string; readonly items: readonly object[] };
      assert.deepEqual([kind, apiVersion, headers['content-type']], ['APIGroupDiscoveryList', `apidiscovery.k8s.io/${version}`, aggregated(version)]);
      assert.equal(items.length > 1, path === '/apis');
    }
  }
  for (const accept of ['application/json', `application/json,${aggregated('v2')}`, `${aggregated('v3')},application/json`]) {
    assert.equal((await get('/apis', { accept })).json()['kind'], 'APIGroupList', accept);
  }
});

test('of custom resources discovery says what Kubernetes says', async () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const subresources = { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } };
  await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.sea.example.com' },
    spec: {
      group: 'sea.example.com', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', shortNames: ['bo'], categories: ['all'] },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources }, { name: 'v1beta1', served: true, storage: false, schema }],
    },
  } });
  for (let attempt = 0; attempt < 1000 && (await get('/apis/sea.example.com')).code !== 200; attempt++);
  const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
  const named = { singularName: 'boat', namespaced: true, kind: 'Boat', verbs, shortNames: ['bo'], categories: ['all'], storageVersionHash: 'eBfBLFf7gOA=' };
  const ofParts = { singularName: '', namespaced: true, verbs: ['get', 'patch', 'update'] };
  assert.deepEqual((await get('/apis/sea.example.com/v1')).json()['resources'], [
    { name: 'boats', ...named }, { name: 'boats/status', kind: 'Boat', ...ofParts }, { name: 'boats/scale', group: 'autoscaling', version: 'v1', kind: 'Scale', ...ofParts },
  ]);
  assert.deepEqual((await get('/apis/sea.example.com/v1beta1')).json()['resources'], [{ name: 'boats', ...named }]);
  const { items } = (await get('/apis', { accept: aggregated('v2') })).json<{ readonly items: readonly { readonly metadata: object; readonly versions: readonly { readonly resources: readonly object[] }[] }[] }>();
  const last = items.at(-1);
  assert.deepEqual(last?.metadata, { name: 'sea.example.com' });
  const responseKind = { group: 'sea.example.com', version: 'v1', kind: 'Boat' };
  assert.deepEqual(last.versions[0]?.resources, [{
    resource: 'boats', responseKind, scope: 'Namespaced', singularResource: 'boat', verbs, shortNames: ['bo'], categories: ['all'],
    subresources: [
      { subresource: 'status', responseKind, verbs: ofParts.verbs }, { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ofParts.verbs },
    ],
  }]);
});

test('aggregated discovery is not sent again to whoever has it', async () => {
  const accept = aggregated('v2');
  const { headers } = await get('/apis', { accept });
  const etag = String(headers['etag']);
  assert.match(etag, /^"[0-9A-F]{128}"$/);
  assert.deepEqual([headers['vary'], headers['cache-control']], ['Accept', 'public']);
  const again = await get('/apis', { accept, 'if-none-match': etag });
  assert.deepEqual([again.code, again.text, again.headers['etag']], [304, '', etag]);
  assert.equal((await get('/apis', { accept, 'if-none-match': '"other"' })).code, 200);
  assert.notEqual((await get('/api', { accept })).headers['etag'], etag);
});

test('JSON is laid out for people who ask for it, and for their tools', async () => {
  const compact = await get(`${maps}/a`);
  const laidOut = JSON.stringify(compact.json(), undefined, 2);
  assert.equal(compact.text.includes('\n'), false);
  assert.equal((await get(`${maps}/a?pretty=true`)).text, laidOut);
  assert.equal((await get(`${maps}/a?pretty=1`)).text, laidOut);
  for (const agent of ['curl/8.5.0', 'Wget/1.21', 'Mozilla/5.0 (X11; Linux x86_64)']) assert.equal((await get(`${maps}/a`, { 'user-agent': agent })).text, laidOut, agent);
  assert.equal((await get(`${maps}/a?pretty=false`, { 'user-agent': 'curl/8.5.0' })).text, compact.text);
  assert.equal((await get(`${maps}/a`, { 'user-agent': 'kubectl/v1.36.0' })).text, compact.text);
});

test('lists in all their forms are laid out too', async () => {
  const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';
  const partial = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  for (const accept of ['application/json', table, partial]) {
    for (const path of [maps, `${maps}?fieldSelector=metadata.name%3Dnone`]) {
      const and = path.includes('?') ? '&' : '?';
      const { text } = await get(path, { accept });
      const pretty = await get(`${path}${and}pretty=true`, { accept });
      // Ages may differ by a second.
      assert.equal(JSON.stringify(pretty.json(), undefined, 2), pretty.text, accept);
      assert.deepEqual(Object.keys(pretty.json()), Object.keys(JSON.parse(text) as object));
    }
  }
});

test('what goes wrong, discovery and the version are laid out too', async () => {
  assert.match((await get(`${maps}/none?pretty=true`)).text, /^\{\n {2}"kind": "Status",\n/);
  assert.match((await get('/apis?pretty=true')).text, /^\{\n {2}"kind": "APIGroupList",\n/);
  assert.match((await get('/version')).text, /^\{\n {2}"major": "1",\n/);
  assert.match((await get('/')).text, /^\{\n {2}"paths": \[\n/);
});

test('plain discovery comes in protobuf as well', async () => {
  for (const [path, name] of [['/api', 'APIVersions'], ['/apis', 'APIGroupList'], ['/apis/apps', 'APIGroup'], ['/api/v1', 'APIResourceList'], ['/apis/apps/v1', 'APIResourceList']] as const) {
    const { headers, bytes } = await get(path, { accept: 'application/vnd.kubernetes.protobuf' });
    assert.equal(headers['content-type'], 'application/vnd.kubernetes.protobuf');
    const { apiVersion, kind } = openEnvelope(bytes);
    assert.deepEqual([apiVersion, kind], ['v1', name]);
  }
});

test('aggregated discovery in protobuf says the same as in JSON', async () => {
  for (const path of ['/api', '/apis']) {
    const accept = `${aggregated('v2').replace('json', 'vnd.kubernetes.protobuf')},${aggregated('v2')}`;
    const { headers, bytes } = await get(path, { accept });
    assert.equal(headers['content-type'], aggregated('v2').replace('json', 'vnd.kubernetes.protobuf'));
    const { apiVersion, kind, raw } = openEnvelope(bytes);
    assert.deepEqual([apiVersion, kind], ['apidiscovery.k8s.io/v2', 'APIGroupDiscoveryList']);
    const document = (await get(path, { accept: aggregated('v2') })).json();
    assert.deepEqual(decodeDraft(APIGroupDiscoveryList, decodeProtobuf(APIGroupDiscoveryList, raw)), decodeDraft(APIGroupDiscoveryList, document));
    assert.equal((await get(path, { accept, 'if-none-match': String(headers['etag']) })).code, 304);
  }
});

test('the root names every path that is served, and they are there', async () => {
  const { paths } = (await get('/')).json<{ readonly paths: readonly string[] }>();
  assert.deepEqual(paths, paths.toSorted());
  for (const path of paths) assert.equal((await get(path)).code, 200, path);
});

test('watches stay lines, YAML stays YAML', async () => {
  for await (const event of api.watch(`${maps}?watch=true&resourceVersion=0&pretty=true`)) {
    assert.equal(event.type, 'ADDED');
    break;
  }
  const { headers, text } = await get(`${maps}/a?pretty=true`, { accept: 'application/yaml' });
  assert.equal(headers['content-type'], 'application/yaml');
  assert.deepEqual((parse(text) as { readonly data: object }).data, { key: 'one\ntwo', empty: '' });
  const words = { switch: 'yes', mode: '0777', other: '0o17', time: '2026-01-01', empty: '~', list: '- a' };
  await api.request('POST', maps, { body: { metadata: { name: 'words' }, data: words } });
  const written = await get(`${maps}/words`, { accept: 'application/yaml' });
  for (const version of ['1.1', '1.2'] as const) assert.deepEqual((parse(written.text, { version }) as { readonly data: object }).data, words);
  assert.equal((await api.request('PUT', `${maps}/words`, { body: written.text, headers: { 'content-type': 'application/yaml' } })).code, 200);
  for (const path of ['/apis', '/api', '/version', maps, `${maps}/none`]) {
    const answer = await get(path, { accept: 'application/yaml' });
    assert.equal(answer.headers['content-type'], 'application/yaml', path);
    assert.equal(typeof parse(answer.text), 'object', path);
  }
});

test('administrators see where time and memory go, and nobody else does', async () => {
  const { code, bytes, headers } = await get('/debug/pprof/profile?seconds=0.05');
  assert.deepEqual([code, headers['content-type']], [200, 'application/octet-stream']);
  assert.ok(gunzipSync(bytes).includes('nanoseconds'));
  assert.equal((await get('/debug/pprof/goroutine?debug=1')).code, 501);
  assert.equal((await api.request('GET', '/debug/pprof/', { anonymous: true })).code, 403);
});

test('files of a folder are shown at /logs/ to administrators, where the server is told to', async (t) => {
  assert.equal((await get('/logs/')).code, 404);
  const folder = mkdtempSync(join(tmpdir(), 'skiff-logs-'));
  writeFileSync(join(folder, 'audit.log'), 'one\ntwo\n');
  const showing = await startApiServer({ logFolder: folder });
  t.after(async () => {
    await showing.close();
    rmSync(folder, { recursive: true });
  });
  assert.match((await showing.request('GET', '/logs/')).text, /<a href="audit.log">audit.log<\/a>/);
  assert.equal((await showing.request('GET', '/logs/audit.log', { headers: { range: 'bytes=4-6' } })).text, 'two');
  assert.equal((await showing.request('GET', '/logs/audit.log', { anonymous: true })).code, 403);
  assert.equal((await showing.request('POST', '/logs/audit.log', { body: {} })).code, 405);
  assert.ok((await showing.request('GET', '/')).json<{ readonly paths: readonly string[] }>().paths.includes('/logs'));
});
