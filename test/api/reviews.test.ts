/** Questions to the API server that make no sense are refused as upstream refuses them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const access = '/apis/authorization.k8s.io/v1';
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

async function ask(path: string, body: object): Promise<{ readonly code: number; readonly message: unknown }> {
  const answer = await api.request('POST', path, { body });
  return { code: answer.code, message: answer.json()['message'] };
}

test('a question that names nothing is invalid', async () => {
  assert.deepEqual(await ask(`${access}/subjectaccessreviews`, { spec: { user: 'anna' } }), {
    code: 422,
    message: 'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
  });
});

test('a question about a namespace is asked there', async () => {
  const about = (namespace: string): object => ({ spec: { user: 'anna', resourceAttributes: { namespace, verb: 'get', resource: 'pods' } } });
  assert.equal((await ask(`${access}/namespaces/default/localsubjectaccessreviews`, about('default'))).code, 201);
  assert.deepEqual(await ask(`${access}/namespaces/default/localsubjectaccessreviews`, about('other')), {
    code: 422,
    message: 'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
  });
});

test('rules are asked for a namespace, and a review for a token', async () => {
  assert.deepEqual(await ask(`${access}/selfsubjectrulesreviews`, { spec: {} }), { code: 400, message: 'no namespace on request' });
  assert.deepEqual(await ask('/apis/authentication.k8s.io/v1/tokenreviews', { spec: {} }), { code: 400, message: 'token is required for TokenReview in authentication' });
});
