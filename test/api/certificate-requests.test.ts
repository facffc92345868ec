import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { certificateRequest } from '../support/certificate-request.ts';

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

test('who asks for a certificate is written down by the server, whatever the request claims', async () => {
  const body = {
    apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'claims' },
    spec: { request: certificateRequest, signerName: 'example.com/signer', usages: ['client auth'], username: 'system:admin', groups: ['system:masters'], uid: 'x' },
  };
  const created = await api.request('POST', path, { body });
  assert.equal(created.code, 201, created.text);
  const { spec } = await api.client.get(CertificateSigningRequest, { name: 'claims' });
  assert.equal(spec.username, 'admin');
  assert.deepEqual(spec.groups, ['system:masters', 'system:authenticated']);
  assert.equal(spec.uid, undefined);
  const replaced = await api.request('PUT', `${path}/claims`, { body: { ...created.json<object>(), spec: { ...spec, username: 'other' }, metadata: { name: 'claims', labels: { a: 'b' } } } });
  assert.equal(replaced.code, 200, replaced.text);
  assert.equal((await api.client.get(CertificateSigningRequest, { name: 'claims' })).spec.username, 'admin');
});

test('what is no request is refused, and so is one that is not signed with its own key', async () => {
  const pem = Buffer.from(certificateRequest, 'base64').toString();
  // A byte of the signature is another.
  const forged = pem.replace('XNgHJwM2', 'XNgHJwM3');
  for (const text of ['-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n', forged, 'x']) {
    const body = { metadata: { name: 'bad' }, spec: { request: Buffer.from(text).toString('base64'), signerName: 'example.com/signer', usages: ['client auth'] } };
    const answer = await api.request('POST', path, { body });
    assert.equal(answer.code, 422, answer.text);
    assert.match(answer.text, /spec\.request/);
  }
});

test('the server writes down when a signer has said something', async () => {
  const body = { metadata: { name: 'timed' }, spec: { request: certificateRequest, signerName: 'example.com/signer', usages: ['client auth'] } };
  const made = (await api.request('POST', path, { body })).json<object>();
  const answer = await api.request('PUT', `${path}/timed/status`, { body: { ...made, status: { conditions: [{ type: 'Failed', status: 'True' }] } } });
  assert.equal(answer.code, 200, answer.text);
  const [condition] = (await api.client.get(CertificateSigningRequest, { name: 'timed' })).status.conditions ?? [];
  assert.match(`${condition?.lastUpdateTime} ${condition?.lastTransitionTime}`, /^\d{4}-\S+Z \d{4}-\S+Z$/);
});
