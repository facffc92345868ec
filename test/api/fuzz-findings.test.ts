import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

/** What `skiff bench fuzz` has found, one request each. */
describe('requests that once broke the API server', () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  async function answers(code: number, method: string, path: string, body?: string | object, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const answer = await api.request(method, path, { ...(body !== undefined && { body }), headers });
    assert.equal(answer.code, code, answer.text);
    return answer;
  }

  it('an object without a required field is refused for that, whatever the rules behind it rely on', async () => {
    const answer = await answers(422, 'POST', '/apis/networking.k8s.io/v1/ipaddresses', { spec: { parentRef: { resource: 'services', name: 'x' } } });
    assert.match(answer.text, /name or generateName is required/);
    await answers(422, 'POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {});
    await answers(422, 'POST', '/apis/batch/v1/namespaces/default/jobs', { metadata: {}, spec: { template: { spec: { containers: [] } } } });
  });

  it('a warning may name a field in any script', async () => {
    const answer = await answers(201, 'POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'warned' }, '😀': 1, 'a\u0000b': 2 });
    const warning = Buffer.from(String(answer.headers['warning']), 'latin1').toString();
    assert.match(warning, /unknown field \\"😀\\"/);
  });

  it('a time that is on no calendar is refused', async () => {
    for (const renewTime of ['2026-13-45T99:99:99Z', '2026-02-29T00:00:00Z', '2026-01-01T00:00:00+99:99']) {
      await answers(400, 'POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata: { name: 'x' }, spec: { renewTime } });
    }
    await answers(201, 'POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata: { name: 'x' }, spec: { renewTime: '2024-02-29T23:59:59.5+01:00' } });
  });

  it('an event series without a time is shown in a form that is taken back', async () => {
    await answers(201, 'POST', '/api/v1/namespaces/default/events', { metadata: { name: 'x' }, involvedObject: { namespace: 'default' }, series: { count: 2 } });
    const shown = await answers(200, 'GET', '/apis/events.k8s.io/v1/namespaces/default/events/x');
    await answers(200, 'PUT', '/apis/events.k8s.io/v1/namespaces/default/events/x', shown.text);
  });

  it('a patch that takes the name away is refused', async () => {
    await answers(201, 'POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'named' }, value: 1 });
    const patch = { metadata: { $patch: 'delete' } };
    await answers(400, 'PATCH', '/apis/scheduling.k8s.io/v1/priorityclasses/named', patch, { 'content-type': 'application/strategic-merge-patch+json' });
  });

  it('a claim template of a stateful set may lack a name', async () => {
    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
    const spec = { selector: { matchLabels: { app: 'x' } }, serviceName: 'x', template, volumeClaimTemplates: [{}] };
    await answers(201, 'POST', '/apis/apps/v1/namespaces/default/statefulsets', { metadata: { name: 'x' }, spec });
  });

  it('a secret may be of any type, also one called as what every object has', async () => {
    for (const type of ['__proto__', 'constructor', 'toString']) {
      await answers(201, 'POST', '/api/v1/namespaces/default/secrets', { metadata: { name: type.toLowerCase().replaceAll('_', '') }, type });
    }
  });

  it('what is no whole base64 is refused, so that every stored object has a protobuf form', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    for (const content of ['A', 'AAAAA', 'AA=', 'AA AA', '=']) await answers(400, 'POST', path, { metadata: { name: 'base64' }, binaryData: { content } });
    await answers(201, 'POST', path, { metadata: { name: 'base64' }, binaryData: { content: 'aGF\nsbG8=\r\n', empty: '' } });
    await answers(200, 'GET', `${path}/base64`, undefined, { accept: 'application/vnd.kubernetes.protobuf' });
  });

  it('half a surrogate pair is read as the replacement character', async () => {
    const body = String.raw`{"metadata":{"name":"half"},"data":{"a":"\ud800x","b":"\\ud800","c":"\ud83d\ude00"}}`;
    const made = await answers(201, 'POST', '/api/v1/namespaces/default/configmaps', body);
    assert.deepEqual(made.json<{ data: unknown }>().data, { a: '\ufffdx', b: '\\ud800', c: '\u{1f600}' });
    await answers(201, 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', String.raw`{"metadata":{"name":"\udfff"}}`);
    await answers(200, 'GET', `/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/${encodeURIComponent('\ufffd')}`);
  });
});
