import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const key = { namespace: 'default', name: 'contended' };
const writers = Array.from({ length: 8 }, (_, index) => `w${index}`);
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
  await api.client.create(ConfigMap, { metadata: key });
});
after(() => api.close());

test('patches that name no version all get through, and none undoes another', async () => {
  await Promise.all(writers.map((writer) => api.client.patch(ConfigMap, key, { type: 'merge', patch: { data: { [writer]: '1' } } })));
  await Promise.all(writers.map((writer) => api.client.patch(ConfigMap, key, { type: 'strategic', patch: { metadata: { labels: { [writer]: '1' } } } })));
  await Promise.all(writers.map((writer) => api.client.apply(ConfigMap, { metadata: { ...key, annotations: { [writer]: '1' } } }, { fieldManager: writer })));
  const { data, metadata } = await api.client.get(ConfigMap, key);
  for (const found of [data, metadata.labels, metadata.annotations]) assert.deepEqual(Object.keys(found ?? {}).toSorted(), writers);
});

test('of updates of one version exactly one gets through, and so with patches that name it', async () => {
  const current = await api.client.get(ConfigMap, key);
  const { resourceVersion } = current.metadata;
  const outcomes = await Promise.all(writers.map((writer, index) =>
    (index % 2 === 0
      ? api.client.update(ConfigMap, { ...current, data: { ...current.data, winner: writer } })
      : api.client.patch(ConfigMap, key, { type: 'merge', patch: { metadata: { resourceVersion }, data: { winner: writer } } })
    ).then(() => 'done', (error: unknown) => (error instanceof StatusError ? error.reason : String(error)))));
  assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: writers.length - 1 }, () => 'Conflict'), 'done'].toSorted());
});
