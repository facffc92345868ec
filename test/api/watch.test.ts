import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { Pod } from '#api/core/pod.ts';
import type { TestApiServer, WatchLine } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const path = '/api/v1/namespaces/default/configmaps';
const namespace = 'default';

/** `ADDED a`, for comparing streams at a glance. */
function short({ type, object }: WatchLine): string {
  return `${type} ${object.metadata?.name ?? object.reason}`;
}

/** The next `count` events. */
async function take(stream: AsyncGenerator<WatchLine, void>, count: number): Promise<WatchLine[]> {
  const lines: WatchLine[] = [];
  while (lines.length < count) {
    const { value, done } = await stream.next();
    if (done === true) break;
    lines.push(value);
  }
  return lines;
}

describe('a watch', { timeout: 30_000 }, () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());
  beforeEach(async () => {
    for (const { metadata } of (await api.client.list(ConfigMap, { namespace })).items) await api.client.delete(ConfigMap, { namespace, name: metadata.name });
  });
  const create = (name: string, labels: Record<string, string> = {}): Promise<ConfigMap> => api.client.create(ConfigMap, { metadata: { namespace, name, labels } });

  it('from the version of a list tells every change after it, in order, with growing versions', async () => {
    await create('before');
    const { metadata } = await api.client.list(ConfigMap, { namespace });
    const first = await create('a');
    await api.client.update(ConfigMap, { ...first, data: { x: '1' } });
    await api.client.delete(ConfigMap, { namespace, name: 'a' });
    const stream = api.watch(`${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    const lines = await take(stream, 3);
    await create('b');
    lines.push(...await take(stream, 1));
    await stream.return();
    assert.deepEqual(lines.map(short), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b']);
    const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion));
    assert.deepEqual(versions, [...versions].sort((left, right) => left - right));
    assert.equal(new Set(versions).size, 4);
  });

  it('without a version, or with 0, begins with what is there', async () => {
    await create('a');
    await create('b');
    for (const query of ['', '&resourceVersion=0', '&resourceVersion=']) {
      const stream = api.watch(`${path}?watch=1${query}`);
      assert.deepEqual((await take(stream, 2)).map(short), ['ADDED a', 'ADDED b'], query);
      await stream.return();
    }
  });

  it('sends the state and marks its end when asked for initial events', async () => {
    await create('a');
    const stream = api.watch(`${path}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    const [added, mark] = await take(stream, 2);
    assert.equal(added?.type, 'ADDED');
    assert.equal(mark?.type, 'BOOKMARK');
    assert.equal(mark?.object.kind, 'ConfigMap');
    assert.equal(mark?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
    assert.ok(Number(mark?.object.metadata.resourceVersion) >= Number(added?.object.metadata.resourceVersion));
    await create('b');
    assert.deepEqual((await take(stream, 1)).map(short), ['ADDED b']);
    await stream.return();
  });

  it('that wants no initial events begins after the version it names', async () => {
    const first = await create('a');
    await create('b');
    const stream = api.watch(`${path}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${first.metadata.resourceVersion}`);
    assert.deepEqual((await take(stream, 1)).map(short), ['ADDED b']);
    await stream.return();
  });

  it('refuses initial events without resourceVersionMatch, and the other way round', async () => {
    const first = await api.request('GET', `${path}?watch=true&sendInitialEvents=true`);
    assert.equal(first.code, 422);
    assert.match(first.text, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/);
    assert.equal((await api.request('GET', `${path}?watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan`)).code, 422);
  });

  it('with a label selector sees objects come and go as they begin and cease to match', async () => {
    const { metadata } = await api.client.list(ConfigMap, { namespace });
    const stream = api.watch(`${path}?watch=true&labelSelector=app%3Dweb&resourceVersion=${metadata.resourceVersion}`);
    const without = await create('a');
    const matching = await api.client.update(ConfigMap, { ...without, metadata: { ...without.metadata, labels: { app: 'web' } } });
    const changed = await api.client.update(ConfigMap, { ...matching, data: { x: '1' } });
    const gone = await api.client.update(ConfigMap, { ...changed, metadata: { ...changed.metadata, labels: { app: 'db' } } });
    await create('b', { app: 'web' });
    await api.client.delete(ConfigMap, { namespace, name: 'b' });
    const lines = await take(stream, 5);
    await stream.return();
    assert.deepEqual(lines.map(short), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b', 'DELETED b']);
    // Of what ceased to match, the last matching state is shown, at the version of the change.
    assert.deepEqual(lines[2]?.object.metadata.labels, { app: 'web' });
    assert.equal(lines[2]?.object.metadata.resourceVersion, gone.metadata.resourceVersion);
  });

  it('with a field selector likewise', async () => {
    const { metadata } = await api.client.list(Pod, { namespace });
    const stream = api.watch(`/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1&resourceVersion=${metadata.resourceVersion}`);
    await api.client.create(Pod, { metadata: { namespace, name: 'elsewhere' }, spec: { nodeName: 'n2', containers: [{ name: 'c', image: 'i' }] } });
    await api.client.create(Pod, { metadata: { namespace, name: 'later' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    const bound = await api.request('POST', '/api/v1/namespaces/default/pods/later/binding', { body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'later' }, target: { kind: 'Node', name: 'n1' } } });
    assert.equal(bound.code, 201, bound.text);
    await api.client.delete(Pod, { namespace, name: 'later' }, { gracePeriodSeconds: 0 });
    assert.deepEqual((await take(stream, 2)).map(short), ['ADDED later', 'DELETED later']);
    await stream.return();
  });

  it('of one object by its name sees that object only', async () => {
    await create('a');
    const stream = api.watch(`${path}?watch=true&fieldSelector=metadata.name%3Da`);
    assert.deepEqual((await take(stream, 1)).map(short), ['ADDED a']);
    await create('b');
    await api.client.delete(ConfigMap, { namespace, name: 'a' });
    assert.deepEqual((await take(stream, 1)).map(short), ['DELETED a']);
    await stream.return();
  });

  it('ends by itself after timeoutSeconds', async () => {
    const stream = api.watch(`${path}?watch=true&timeoutSeconds=1`);
    assert.deepEqual((await take(stream, 1)).map(short), []);
  });

  it('shows tables and metadata when asked for them', async () => {
    await create('a', { app: 'web' });
    const table = api.watch<{ type: string; object: { kind: string; columnDefinitions: unknown[] | null; rows: { cells: unknown[]; object: { kind: string; metadata: { name: string } } }[] } }>(
      `${path}?watch=true`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    const first = (await table.next()).value;
    await table.return();
    assert.equal(first?.object.kind, 'Table');
    assert.equal(first?.object.rows[0]?.cells[0], 'a');
    assert.equal(first?.object.rows[0]?.object.kind, 'PartialObjectMetadata');
    const partial = api.watch(`${path}?watch=true`, { headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' } });
    const [line] = await take(partial, 1);
    await partial.return();
    assert.equal(line?.object.kind, 'PartialObjectMetadata');
    assert.deepEqual(line?.object.metadata.labels, { app: 'web' });
  });

  it('refuses versions that are none and waits in vain for versions to come', async () => {
    assert.equal((await api.request('GET', `${path}?watch=true&resourceVersion=abc`)).code, 400);
    const ahead = await api.request('GET', `${path}?watch=true&resourceVersion=99999999&timeoutSeconds=1`);
    assert.equal(ahead.code, 504, ahead.text);
    assert.match(ahead.text, /Too large resource version: 99999999, current: \d+/);
  });
});

describe('on a clock that is moved by hand', { timeout: 30_000 }, () => {
  it('bookmarks tell quiet watchers how far the world has come', async (t) => {
    const clock = new SimulatedClock();
    const api = await startApiServer({ clock });
    t.after(() => api.close());
    await api.client.create(ConfigMap, { metadata: { namespace, name: 'a' } });
    const stream = api.watch(`${path}?watch=true&allowWatchBookmarks=true`);
    assert.deepEqual((await take(stream, 1)).map(short), ['ADDED a']);
    await api.client.create(ConfigMap, { metadata: { namespace: 'kube-system', name: 'elsewhere' } });
    const { metadata } = await api.client.list(ConfigMap, {});
    await clock.advance(121_000);
    const [mark] = await take(stream, 1);
    assert.equal(mark?.type, 'BOOKMARK');
    assert.ok(Number(mark?.object.metadata.resourceVersion) >= Number(metadata.resourceVersion));
    await stream.return();
  });

  it('a watch from a version the log no longer reaches is told 410, and a list sets it right', async (t) => {
    const clock = new SimulatedClock();
    const api = await startApiServer({ clock });
    t.after(() => api.close());
    const { metadata: old } = await api.client.list(ConfigMap, { namespace });
    let object = await api.client.create(ConfigMap, { metadata: { namespace, name: 'busy' } });
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 200; index++) object = await api.client.update(ConfigMap, { ...object, data: { n: `${round}-${index}` } });
      await clock.advance(100_000);
    }
    const late = api.watch(`${path}?watch=true&resourceVersion=${old.resourceVersion}`);
    const lines = await take(late, 2);
    assert.deepEqual(lines.map(({ type, object: { kind, code, reason } }) => [type, kind, code, reason]), [['ERROR', 'Status', 410, 'Expired']]);
    assert.match(lines[0]?.object.message ?? '', /^too old resource version: \d+ \(\d+\)$/);
    const { metadata } = await api.client.list(ConfigMap, { namespace });
    const stream = api.watch(`${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    await api.client.delete(ConfigMap, { namespace, name: 'busy' });
    assert.deepEqual((await take(stream, 1)).map(short), ['DELETED busy']);
    await stream.return();
  });
});
