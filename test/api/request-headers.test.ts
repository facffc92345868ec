/** A proxy in front of the API server that says in headers who asks. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { PemPair } from '#pki/authority.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const own = { clock: systemClock, validDays: 1 };
const authority = createAuthority({ commonName: 'front-proxy-ca', ...own });
const proxy = issueCertificate(authority, { commonName: 'front-proxy-client', usages: ['client'], ...own });
const otherProxy = issueCertificate(authority, { commonName: 'another-proxy', organizations: ['system:masters'], usages: ['client'], ...own });
const stranger = issueCertificate(createAuthority({ commonName: 'front-proxy-ca', ...own }), { commonName: 'front-proxy-client', organizations: ['system:masters'], usages: ['client'], ...own });

let api: TestApiServer;
before(async () => {
  api = await startApiServer({ frontProxy: { client: proxy, caPem: authority.certificatePem } });
});
after(() => api.close());

interface WhoAmI {
  readonly status: { readonly userInfo: { readonly username: string; readonly uid?: string; readonly groups: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> } };
}

/** Asks who it is, with a client certificate and headers. */
function ask(pair: PemPair | undefined, headers: Readonly<Record<string, string | readonly string[]>>): Promise<{ readonly code: number; readonly body: WhoAmI }> {
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: api.connection.host, port: api.connection.port, method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', agent: false, rejectUnauthorized: false,
      ...(pair !== undefined && { cert: pair.certificatePem, key: pair.privateKeyPem }),
      headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...headers as Readonly<Record<string, string>> },
    }, (response) => {
      void response.toArray().then((pieces) => resolve({ code: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(pieces as Buffer[]).toString()) as WhoAmI }), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

test('the proxy speaks for users: name, UID, groups and extras', async () => {
  const { code, body } = await ask(proxy, { 'X-Remote-User': 'jane', 'X-Remote-Uid': '42', 'X-Remote-Group': ['dev', 'ops'], 'X-Remote-Extra-Acme.com%2FProject': 'one' });
  assert.equal(code, 201);
  assert.deepEqual(body.status.userInfo, { username: 'jane', uid: '42', groups: ['dev', 'ops', 'system:authenticated'], extra: { 'acme.com/project': ['one'] } });
});

test('a proxy under another name is not believed, nor is its certificate that of a user', async () => {
  assert.equal((await ask(otherProxy, { 'X-Remote-User': 'jane' })).code, 401);
  assert.equal((await ask(otherProxy, {})).code, 401);
  assert.equal((await ask(proxy, {})).code, 401);
});

test('a certificate of an authority that nobody knows is a 401', async () => {
  assert.equal((await ask(stranger, { 'X-Remote-User': 'jane' })).code, 401);
});

test('the headers of anybody else say nothing', async () => {
  const admin = await api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, headers: { 'x-remote-user': 'jane' } });
  assert.equal(admin.json<WhoAmI>().status.userInfo.username, 'admin');
  assert.equal((await ask(undefined, { 'X-Remote-User': 'jane' })).code, 403, 'whoever shows nothing is anonymous');
});

test('names, headers and prefixes are those that are set, and extension servers are told them', async () => {
  const custom = await startApiServer({
    frontProxy: {
      client: proxy, caPem: authority.certificatePem,
      requestHeaders: { caPem: authority.certificatePem, allowedNames: [], usernameHeaders: ['X-My-User', 'X-Old-User'], uidHeaders: [], groupHeaders: ['X-My-Group'], extraHeaderPrefixes: [] },
    },
  });
  const first = api;
  try {
    api = custom;
    const { body } = await ask(otherProxy, { 'X-Old-User': 'joe', 'X-My-Group': 'dev', 'X-Remote-Uid': '42' });
    assert.deepEqual(body.status.userInfo, { username: 'joe', groups: ['dev', 'system:authenticated'] });
    const { data } = (await custom.request('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json<{ data: Readonly<Record<string, string>> }>();
    assert.deepEqual([data['requestheader-allowed-names'], data['requestheader-username-headers'], data['requestheader-uid-headers']], ['[]', '["X-My-User","X-Old-User"]', '[]']);
  } finally {
    api = first;
    await custom.close();
  }
});
