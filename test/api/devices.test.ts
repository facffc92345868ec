/** Claims, classes and slices of devices: what the server checks and writes itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Namespace } from '#api/core/namespace.ts';
import { ResourceSlice } from '#api/resource/resource-slice.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const group = '/apis/resource.k8s.io/v1';
let api: TestApiServer;
let serial = 0;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

async function refusal(path: string, spec: object): Promise<string | undefined> {
  const answer = await api.request('POST', `${group}/${path}`, { body: { metadata: { name: `d${++serial}` }, spec } });
  return answer.code === 201 ? undefined : String(answer.json()['message']);
}

const claims = 'namespaces/default/resourceclaims';
const selecting = (expression: string): object => ({ selectors: [{ cel: { expression } }] });
const asking = (exactly: object): object => ({ devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu', ...exactly } }] } });

test('an expression that chooses devices has to be one', async () => {
  for (const expression of ['device.driver == "gpu.example.com"', 'device.attributes["gpu.example.com"].model == "a"', 'device.capacity["gpu.example.com"].memory.compareTo(quantity("1Gi")) >= 0', 'device.attributes["d"].ready', 'cel.bind(a, device.driver, a == "x")']) {
    assert.equal(await refusal('deviceclasses', selecting(expression)), undefined, expression);
  }
  assert.match(await refusal('deviceclasses', selecting('device.name')) ?? '', /spec\.selectors\[0\]\.cel\.expression: Invalid value: "device\.name": compilation failed: /);
  assert.match(await refusal(claims, asking(selecting('device.driver'))) ?? '', /spec\.devices\.requests\[0\]\.exactly\.selectors\[0\]\.cel\.expression: Invalid value: "device\.driver": must evaluate to bool or the unknown type, not string$/);
  assert.match(await refusal('namespaces/default/resourceclaimtemplates', { spec: asking(selecting('nothing')) }) ?? '', /spec\.spec\.devices\.requests\[0\]\.exactly\.selectors\[0\]\.cel\.expression: Invalid value: "nothing": compilation failed: /);
});

test('devices are administered from namespaces that are labelled for it', async () => {
  assert.match(await refusal(claims, asking({ adminAccess: true })) ?? '', /spec\.devices\.requests\[0\]\.adminAccess: Forbidden: admin access to devices requires the `resource\.kubernetes\.io\/admin-access: true` label on the containing namespace$/);
  await api.client.create(Namespace, { metadata: { name: 'admin', labels: { 'resource.kubernetes.io/admin-access': 'true' } } });
  assert.equal(await refusal('namespaces/admin/resourceclaims', asking({ adminAccess: true })), undefined);
});

test('the server notes when a device was tainted', async () => {
  const spec = { driver: 'gpu.example.com', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, allNodes: true, devices: [{ name: 'a', taints: [{ key: 'k', effect: 'NoSchedule' }, { key: 'l', effect: 'None', timeAdded: '2026-01-01T00:00:00Z' }] }] };
  const answer = await api.request('POST', `${group}/resourceslices`, { body: { metadata: { name: 's' }, spec } });
  assert.equal(answer.code, 201, answer.text);
  const [fresh, older] = (await api.client.get(ResourceSlice, { name: 's' })).spec.devices?.[0]?.taints ?? [];
  assert.match(fresh?.timeAdded ?? '', /^\d{4}-\S+Z$/);
  assert.equal(older?.timeAdded, '2026-01-01T00:00:00Z');
});
