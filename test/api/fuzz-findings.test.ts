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
});
