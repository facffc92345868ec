/** Answers, bodies and watches in every media type, over HTTPS. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { ConfigMap } from '#api/core/config-map.ts';
import { decodeCbor, encodeCbor } from '#apimachinery/cbor.ts';
import { ListMeta, Status } from '#apimachinery/meta-schemas.ts';
import { decodeProtobuf, encodeProtobuf, openEnvelope, sealEnvelope } from '#apimachinery/protobuf.ts';
import { list, object, struct } from '#apimachinery/schema.ts';
import { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
/** As client-go asks when it is told to use protobuf. */
const clientGo = { accept: `${protobuf},application/json` };
const maps = '/api/v1/namespaces/default/configmaps';
const ConfigMapList = struct('ConfigMapList', { metadata: object(1, ListMeta), items: list(2, ConfigMap) });

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
  await api.request('POST', maps, { body: { metadata: { name: 'a', labels: { of: 'encodings' } }, data: { key: 'ümlaut' } } });
});
after(() => api.close());

test('an object comes in protobuf, in its envelope', async () => {
  const { headers, bytes } = await api.request('GET', `${maps}/a`, { headers: clientGo });
  assert.equal(headers['content-type'], protobuf);
  const { apiVersion, kind, raw } = openEnvelope(bytes);
  assert.deepEqual([apiVersion, kind], ['v1', 'ConfigMap']);
  const map = decodeProtobuf(ConfigMap, raw) as { readonly data: object; readonly metadata: { readonly name: string; readonly resourceVersion: string } };
  assert.deepEqual(map.data, { key: 'ümlaut' });
  assert.equal(map.metadata.name, 'a');
  assert.match(map.metadata.resourceVersion, /^\d+$/);
});

test('a list comes in protobuf, every time the same', async () => {
  const path = `${maps}?labelSelector=of%3Dencodings`;
  const first = await api.request('GET', path, { headers: clientGo });
  const second = await api.request('GET', path, { headers: clientGo });
  const { kind, raw } = openEnvelope(first.bytes);
  assert.equal(kind, 'ConfigMapList');
  const decoded = decodeProtobuf(ConfigMapList, raw) as { readonly items: readonly { readonly data: object }[]; readonly metadata: { readonly resourceVersion: string } };
  assert.deepEqual(decoded.items.map((each) => each.data), [{ key: 'ümlaut' }]);
  assert.match(decoded.metadata.resourceVersion, /^\d+$/);
  assert.deepEqual(openEnvelope(second.bytes).raw.length, raw.length);
});

test('what goes wrong is told in protobuf as well', async () => {
  const { code, bytes } = await api.request('GET', `${maps}/absent`, { headers: clientGo });
  assert.equal(code, 404);
  const status = decodeProtobuf(Status, openEnvelope(bytes).raw);
  assert.deepEqual([status['reason'], status['message'], status['code']], ['NotFound', 'configmaps "absent" not found', 404]);
});

test('bodies may be in protobuf, CBOR and YAML', async () => {
  const inProtobuf = Buffer.from(sealEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw: encodeProtobuf(ConfigMap, { metadata: { name: 'in-protobuf' }, data: { a: 'b' }, binaryData: { c: 'AAEC' } }) }));
  const bodies = [
    [protobuf, inProtobuf],
    ['application/cbor', Buffer.from(encodeCbor({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'in-cbor' }, data: { a: 'b' }, binaryData: { c: 'AAEC' } }))],
    ['application/yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: in-yaml}\ndata: {a: b}\nbinaryData: {c: AAEC}\n'],
  ] as const;
  for (const [type, body] of bodies) {
    const answer = await api.request('POST', maps, { body, headers: { 'content-type': type } });
    assert.equal(answer.code, 201, answer.text);
    const { data, binaryData } = answer.json<{ data: object; binaryData: object }>();
    assert.deepEqual({ data, binaryData }, { data: { a: 'b' }, binaryData: { c: 'AAEC' } }, type);
  }
  const options = Buffer.from(sealEnvelope({ apiVersion: 'v1', kind: 'DeleteOptions', raw: encodeProtobuf(DeleteOptions, { preconditions: { uid: 'another' } }) }));
  const refused = await api.request('DELETE', `${maps}/in-cbor`, { body: options, headers: { 'content-type': protobuf } });
  assert.equal(refused.code, 409);
});

test('an object comes in CBOR and YAML', async () => {
  const json = (await api.request('GET', `${maps}/a`)).json();
  const cbor = await api.request('GET', `${maps}/a`, { headers: { accept: 'application/cbor' } });
  assert.equal(cbor.headers['content-type'], 'application/cbor');
  assert.deepEqual(decodeCbor(cbor.bytes), json);
  const yaml = await api.request('GET', `${maps}/a`, { headers: { accept: 'application/yaml' } });
  assert.equal(yaml.headers['content-type'], 'application/yaml');
  assert.deepEqual(parse(yaml.text), json);
});

test('metadata alone comes in protobuf, tables do not', async () => {
  const partial = await api.request('GET', `${maps}/a`, { headers: { accept: `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` } });
  assert.equal(openEnvelope(partial.bytes).kind, 'PartialObjectMetadata');
  const lists = await api.request('GET', maps, { headers: { accept: `${protobuf};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1` } });
  assert.equal(openEnvelope(lists.bytes).kind, 'PartialObjectMetadataList');
  const table = await api.request('GET', maps, { headers: { accept: `${protobuf};as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1` } });
  assert.equal(table.json()['kind'], 'Table');
});

test('what a client likes best is taken, and what it takes none of is refused before anything is written', async () => {
  const preferred = await api.request('GET', `${maps}/a`, { headers: { accept: 'application/json;q=0.5, application/yaml;q=0.9, text/html' } });
  assert.equal(preferred.headers['content-type'], 'application/yaml');
  assert.equal((await api.request('GET', `${maps}/a`, { headers: { accept: 'text/html, */*' } })).headers['content-type'], 'application/json');
  const refused = await api.request('POST', maps, { body: { metadata: { name: 'unseen' } }, headers: { accept: 'text/html' } });
  assert.equal(refused.code, 406);
  assert.equal(refused.json()['message'], 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/cbor');
  assert.equal((await api.request('GET', `${maps}/unseen`)).code, 404);
});

test('a watch in protobuf is made of frames', async () => {
  const { contentType, frames } = await watchFrames(`${maps}?watch=true&labelSelector=of%3Dencodings&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, clientGo.accept, 2);
  assert.equal(contentType, `${protobuf};stream=watch`);
  assert.deepEqual(frames.map(({ type, kind }) => `${type} ${kind}`), ['ADDED ConfigMap', 'BOOKMARK ConfigMap']);
  const bookmark = decodeProtobuf(ConfigMap, frames[1]?.raw ?? new Uint8Array()) as { readonly metadata: { readonly annotations: object } };
  assert.deepEqual(bookmark.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
});

test('a watch in CBOR is a sequence of documents', async () => {
  const { contentType, bytes } = await firstBytes(`${maps}?watch=true&labelSelector=of%3Dencodings`, 'application/cbor', (received) => received.length > 300);
  assert.equal(contentType, 'application/cbor-seq');
  const { type, object: map } = decodeCbor(bytes) as { readonly type: string; readonly object: { readonly data: object } };
  assert.deepEqual([type, map.data], ['ADDED', { key: 'ümlaut' }]);
});

test('there is no watch in YAML', async () => {
  const refused = await api.request('GET', `${maps}?watch=true`, { headers: { accept: 'application/yaml' } });
  assert.equal(refused.code, 406);
});

interface ReceivedFrame {
  readonly type: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

async function watchFrames(path: string, accept: string, count: number): Promise<{ readonly contentType: string | undefined; readonly frames: readonly ReceivedFrame[] }> {
  let frames: ReceivedFrame[] = [];
  const { contentType } = await firstBytes(path, accept, (received) => (frames = framesOf(received)).length >= count);
  return { contentType, frames };
}

const RawExtension = struct('RawExtension', { raw: { number: 1, type: { is: 'scalar', scalar: 'bytes' }, options: {}, value: false } });
const Event = struct('Event', { type: { number: 1, type: { is: 'scalar', scalar: 'string' }, options: {}, value: false }, object: object(2, RawExtension) });

function framesOf(received: Buffer): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  for (let at = 0; at + 4 <= received.length;) {
    const end = at + 4 + received.readUInt32BE(at);
    if (end > received.length) break;
    const { type, object: extension } = decodeProtobuf(Event, received.subarray(at + 4, end)) as { readonly type: string; readonly object: { readonly raw: string } };
    const { kind, raw } = openEnvelope(Buffer.from(extension.raw, 'base64'));
    frames.push({ type, kind, raw });
    at = end;
  }
  return frames;
}

/** What has come when `isEnough` says so; then the watch is left. */
function firstBytes(path: string, accept: string, isEnough: (received: Buffer) => boolean): Promise<{ readonly contentType: string | undefined; readonly bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    https.get({ ...api.connection, path, headers: { accept } }, (response) => {
      let received = Buffer.alloc(0);
      response.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (!isEnough(received)) return;
        response.destroy();
        resolve({ contentType: response.headers['content-type'], bytes: received });
      });
    }).on('error', reject);
  });
}
