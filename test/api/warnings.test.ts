import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

describe('a writer is told beside the answer', () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  const pod = (name: string, container: object, metadata: object = {}): object => ({
    apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers: [{ name: 'c', image: 'i', ...container }] },
  });
  const create = async (path: string, body: object): Promise<string | readonly string[] | undefined> => {
    const answer = await api.request('POST', path, { body });
    assert.equal(answer.code, 201, answer.text);
    return answer.headers['warning'];
  };
  const pods = '/api/v1/namespaces/default/pods';

  it('what is odd in what he creates', async () => {
    const twice = { env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] };
    assert.equal(await create(`${pods}?dryRun=All`, pod('a', twice)), '299 - "spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be dropped when using apply"');
    assert.equal(await create(pods, pod('b', {})), undefined);
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', ...twice }] } };
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
    assert.equal(await create('/apis/apps/v1/namespaces/default/deployments', deployment), '299 - "spec.template.spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be dropped when using apply"');
  });

  it('what is odd in what he changes', async () => {
    const patch = async (path: string, body: object): Promise<string | readonly string[] | undefined> => {
      const answer = await api.request('PATCH', path, { body, headers: { 'content-type': 'application/merge-patch+json' } });
      assert.equal(answer.code, 200, answer.text);
      return answer.headers['warning'];
    };
    const metadata = { annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } };
    const told = await patch('/apis/apps/v1/namespaces/default/deployments/d', { spec: { template: { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } } } });
    assert.equal(told, '299 - "spec.template.metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the \\"priorityClassName\\" field instead"');
    assert.equal(await patch(`${pods}/b`, { metadata }), undefined, 'pods are changed too often to look each time');
  });

  it('that a kind is on its way out', async () => {
    const answer = await api.request('GET', '/api/v1/namespaces/default/endpoints');
    assert.equal(answer.headers['warning'], '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
  });
});
