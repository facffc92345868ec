import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { ResourceQuota } from '#api/core/resource-quota.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { startApiServer } from '../support/api-server.ts';

const namespace = 'default';

describe('a quota', { timeout: 30_000 }, () => {
  it('is never exceeded, however many ask at once, and dry runs take nothing', async (t) => {
    const api = await startApiServer();
    t.after(() => api.close());
    const made = await api.client.create(ResourceQuota, { metadata: { namespace, name: 'q' }, spec: { hard: { configmaps: '5' } } });
    await assert.rejects(api.client.create(ConfigMap, { metadata: { namespace, name: 'early' } }), /configmaps "early" is forbidden: status unknown for quota: q, resources: configmaps$/);
    await api.client.updateStatus(ResourceQuota, { ...made, status: { hard: { configmaps: '5' }, used: { configmaps: '0' } } });
    const create = (name: string, dryRun = false): Promise<string> =>
      api.client.create(ConfigMap, { metadata: { namespace, name } }, { dryRun }).then(() => 'made', (error: unknown) => (hasReason(error, 'Forbidden') ? 'refused' : String(error)));
    assert.equal(await create('dry', true), 'made');
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_each, index) => create(`c${index}`)));
    assert.deepEqual(outcomes.toSorted((left, right) => (left < right ? -1 : 1)), [...Array<string>(5).fill('made'), ...Array<string>(3).fill('refused')]);
    assert.deepEqual((await api.client.get(ResourceQuota, { namespace, name: 'q' })).status.used, { configmaps: '5' });
    assert.equal((await api.client.list(ConfigMap, { namespace })).items.length, 5);
  });
});
