import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

test('who asks for a certificate is written down by the server, whatever the request claims', async () => {
  const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n').toString('base64');
  const body = {
    apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'claims' },
    spec: { request, signerName: 'example.com/signer', usages: ['client auth'], username: 'system:admin', groups: ['system:masters'], uid: 'x' },
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
