/** Tokens and rules that others know: webhooks, issuers of JSON Web Tokens, files. By the real command line. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SignJWT, exportJWK } from 'jose';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { loadServiceAccountKey } from '#pki/service-account-key.ts';
import type { SpawnedApiServer } from '../support/spawned-api-server.ts';
import { scratch, spawnApiServer } from '../support/spawned-api-server.ts';

type Json = Readonly<Record<string, unknown>>;

/** A service that answers documents; `asked` is what came. */
async function service(answer: (body: { readonly spec: Json }) => object): Promise<{ readonly kubeconfig: string; readonly asked: { readonly spec: Json; readonly apiVersion: string }[]; readonly server: Server }> {
  const asked: { readonly spec: Json; readonly apiVersion: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as (typeof asked)[number];
      asked.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...body, status: answer(body) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const kubeconfig = JSON.stringify({ clusters: [{ name: 'a', cluster: { server: url } }], users: [], contexts: [{ name: 'a', context: { cluster: 'a', user: '' } }], 'current-context': 'a' });
  return { kubeconfig, asked, server };
}

describe('webhooks for tokens and rules', { timeout: 60_000 }, () => {
  const directory = scratch();
  const servers: Server[] = [];
  let api: SpawnedApiServer;
  let tokens: Awaited<ReturnType<typeof service>>;
  let rules: Awaited<ReturnType<typeof service>>;
  before(async () => {
    tokens = await service(({ spec }) => (spec['token'] === 'good' ? { authenticated: true, user: { username: 'carol', groups: ['dev'] } } : { authenticated: false }));
    rules = await service(({ spec }) => {
      const { resource } = (spec['resourceAttributes'] ?? {}) as { readonly resource?: string };
      return { allowed: resource === 'configmaps', denied: resource === 'secrets', reason: resource === 'secrets' ? 'not today' : '' };
    });
    servers.push(tokens.server, rules.server);
    for (const [name, text] of [
      ['tokens.kubeconfig', tokens.kubeconfig], ['rules.kubeconfig', rules.kubeconfig],
      ['authorization.yaml', JSON.stringify({
        apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration',
        authorizers: [
          {
            type: 'Webhook', name: 'rules', webhook: {
              timeout: '3s', authorizedTTL: '5m', unauthorizedTTL: '30s', subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1', failurePolicy: 'Deny',
              connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: join(directory, 'rules.kubeconfig') },
              matchConditions: [{ expression: 'has(request.resourceAttributes)' }, { expression: 'request.user == "carol"' }],
            },
          },
          { type: 'Node', name: 'node' }, { type: 'RBAC', name: 'rbac' },
        ],
      })],
      ['static.csv', 'static-token,dave,1,"ops"\n'],
    ] as const) writeFileSync(join(directory, name), text);
    api = await spawnApiServer([
      `--authentication-token-webhook-config-file=${directory}/tokens.kubeconfig`, '--authentication-token-webhook-version=v1', `--authorization-config=${directory}/authorization.yaml`,
      `--token-auth-file=${directory}/static.csv`, '--enable-bootstrap-token-auth=true',
    ], directory);
  });
  after(async () => {
    for (const server of servers) server.close();
    await api.stop();
  });
  const as = (token: string, path: string): ReturnType<SpawnedApiServer['request']> => api.request('GET', path, { headers: { authorization: `Bearer ${token}` }, anonymous: true });

  it('believe the services, ask them once, and let what they deny be denied', async () => {
    for (let round = 0; round < 2; round++) {
      assert.equal((await as('good', '/api/v1/namespaces/default/configmaps')).code, 200);
      const denied = await as('good', '/api/v1/namespaces/default/secrets');
      assert.equal(denied.code, 403);
      assert.match(denied.text, /User \\"carol\\" cannot list resource \\"secrets\\".*not today/);
    }
    assert.equal(tokens.asked.length, 1);
    assert.equal(tokens.asked[0]?.apiVersion, 'authentication.k8s.io/v1');
    assert.deepEqual(rules.asked.map(({ spec }) => (spec['resourceAttributes'] as { readonly resource: string }).resource), ['configmaps', 'secrets']);
    assert.deepEqual(rules.asked[0]?.spec['groups'], ['dev', 'system:authenticated']);
    assert.equal((await as('bad', '/api')).code, 401);
  });

  it('leave to the others what they have no opinion on, and what they are not to be asked', async () => {
    const askedBefore = rules.asked.length;
    assert.equal((await as('good', '/api/v1/namespaces/default/pods')).code, 403);
    assert.equal((await as('good', '/version')).code, 200);
    assert.equal((await as('static-token', '/api/v1/namespaces/default/configmaps')).code, 403);
    assert.equal(rules.asked.length, askedBefore + 1);
  });

  it('are asked for reviews, too', async () => {
    const review = await api.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: 'good' } } });
    const { status } = review.json<{ readonly status: { readonly authenticated: boolean; readonly user: { readonly username: string } } }>();
    assert.deepEqual([status.authenticated, status.user.username], [true, 'carol']);
    const access = await api.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec: { user: 'carol', groups: ['x'], resourceAttributes: { verb: 'get', resource: 'secrets' } } } });
    assert.deepEqual(access.json<{ readonly status: object }>().status, { allowed: false, denied: true, reason: 'not today' });
  });

  it('answer expressions of policies, which ask them', async () => {
    const validations = [{ expression: '!authorizer.group("").resource("secrets").check("get").allowed() && authorizer.group("").resource("configmaps").check("approve").allowed()', message: 'somebody else\'s rules' }];
    const spec = { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] }, validations, matchConditions: [{ name: 'carol', expression: 'request.userInfo.username == "carol"' }] };
    const registration = '/apis/admissionregistration.k8s.io/v1';
    assert.equal((await api.request('POST', `${registration}/validatingadmissionpolicies`, { body: { metadata: { name: 'asks' }, spec } })).code, 201);
    assert.equal((await api.request('POST', `${registration}/validatingadmissionpolicybindings`, { body: { metadata: { name: 'asks' }, spec: { policyName: 'asks', validationActions: ['Deny'] } } })).code, 201);
    const created = await api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'asked' } }, headers: { authorization: 'Bearer good' }, anonymous: true });
    assert.equal(created.code, 201, created.text);
    assert.ok(rules.asked.some(({ spec: asked }) => (asked['resourceAttributes'] as { readonly verb?: string } | undefined)?.verb === 'approve'));
  });

  it('follow changes of the file, and not to one that does not hold', async () => {
    const file = join(directory, 'authorization.yaml');
    const whole = readFileSync(file, 'utf8');
    const logged = async (text: string): Promise<void> => {
      while (!api.stderr().includes(text)) await api.request('GET', '/livez');
    };
    writeFileSync(file, whole.replace('"Deny"', '"Maybe"'));
    await logged('does not hold; the old one stays');
    assert.equal((await as('good', '/api/v1/namespaces/default/configmaps')).code, 200);
    writeFileSync(file, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers: [{ type: 'RBAC', name: 'rbac' }] }));
    await logged('the authorization configuration has changed');
    assert.equal((await as('good', '/api/v1/namespaces/default/configmaps')).code, 403);
  });

  it('stand beside bootstrap tokens', async () => {
    const data = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' };
    const created = await api.request('POST', '/api/v1/namespaces/kube-system/secrets', { body: { metadata: { name: 'bootstrap-token-abcdef' }, type: 'bootstrap.kubernetes.io/token', stringData: data } });
    assert.equal(created.code, 201, created.text);
    const self = await api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, headers: { authorization: 'Bearer abcdef.0123456789abcdef' }, anonymous: true });
    assert.deepEqual(self.json<{ readonly status: { readonly userInfo: object } }>().status.userInfo, { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'] });
    assert.equal((await as('abcdef.0123456789abcdee', '/version')).code, 401);
  });
});

describe('issuers of JSON Web Tokens', { timeout: 60_000 }, () => {
  const directory = scratch();
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let api: SpawnedApiServer;
  let issuer: https.Server;
  let url = '';
  before(async () => {
    const ca = createAuthority({ commonName: 'issuer', clock: systemClock, validDays: 1 });
    const serving = issueCertificate(ca, { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k', use: 'sig', alg: 'RS256' };
    issuer = https.createServer({ cert: serving.certificatePem, key: serving.privateKeyPem }, (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/keys' ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` }));
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
    writeFileSync(join(directory, 'issuer.pem'), ca.certificatePem);
    writeFileSync(join(directory, 'authentication.json'), JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration',
      jwt: [{
        issuer: { url, audiences: ['skiff', 'other'], audienceMatchPolicy: 'MatchAny', certificateAuthority: ca.certificatePem },
        claimValidationRules: [{ expression: 'claims.hd == "example.com"', message: 'the hosted domain is example.com' }],
        claimMappings: { username: { expression: '"oidc:" + claims.sub' }, groups: { claim: 'roles', prefix: 'role:' }, uid: { claim: 'id' }, extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }] },
        userValidationRules: [{ expression: '!user.username.startsWith("system:")', message: 'reserved' }],
      }],
      anonymous: { enabled: true, conditions: [{ path: '/version' }, { path: '/livez' }] },
    }));
    api = await spawnApiServer([`--authentication-config=${directory}/authentication.json`], directory);
  });
  after(async () => {
    issuer.close();
    await api.stop();
  });
  const token = (claims: Json, audience = 'skiff'): Promise<string> => new SignJWT({ sub: 'eve', hd: 'example.com', roles: ['admin', 'dev'], id: 'u1', tenant: 't1', ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).setIssuer(url).setAudience(audience).setIssuedAt().setExpirationTime('1h').sign(keys.privateKey);
  const selfOf = async (bearer: string): Promise<{ readonly code: number; readonly user: unknown }> => {
    const answer = await api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, headers: { authorization: `Bearer ${bearer}` }, anonymous: true });
    return { code: answer.code, user: answer.json<{ readonly status?: { readonly userInfo?: unknown } | string }>().status };
  };

  it('say who users are by their claims', async () => {
    const { code, user } = await selfOf(await token({}));
    assert.equal(code, 201);
    assert.deepEqual(user, { userInfo: { username: 'oidc:eve', uid: 'u1', groups: ['role:admin', 'role:dev', 'system:authenticated'], extra: { 'example.com/tenant': ['t1'] } } });
    assert.equal((await selfOf(await token({}, 'other'))).code, 201);
  });

  it('are not believed beyond the rules', async () => {
    for (const each of [await token({ hd: 'evil.com' }), await token({}, 'nobody'), await token({ roles: [1] }), `${(await token({})).slice(0, -4)}AAAA`]) assert.equal((await selfOf(each)).code, 401);
  });

  it('may be named by the flags of OpenID Connect as well', async (t) => {
    const own = await spawnApiServer([
      `--oidc-issuer-url=${url}`, '--oidc-client-id=skiff', `--oidc-ca-file=${directory}/issuer.pem`, '--oidc-groups-claim=roles', '--oidc-groups-prefix=oidc:', '--oidc-required-claim=hd=example.com', '--oidc-required-claim', 'tenant=t1', '--oidc-signing-algs=RS256,ES256',
    ]);
    t.after(() => own.stop());
    const review = async (bearer: string): Promise<object> => (await own.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: bearer } } })).json<{ readonly status: object }>().status;
    assert.deepEqual(await review(await token({})), { authenticated: true, user: { username: `${url}#eve`, groups: ['oidc:admin', 'oidc:dev', 'system:authenticated'] }, audiences: ['https://kubernetes.default.svc.cluster.local'] });
    assert.equal((await review(await token({ tenant: 't2' })) as { readonly authenticated: boolean }).authenticated, false);
  });

  it('leave anonymous what may be', async () => {
    for (const path of ['/version', '/livez', '/livez?verbose']) assert.equal((await api.request('GET', path, { anonymous: true })).code, 200, path);
    for (const path of ['/api', '/readyz', '/livez/ping']) assert.equal((await api.request('GET', path, { anonymous: true })).code, 401, path);
  });

  it('follow changes of the file', async () => {
    writeFileSync(join(directory, 'authentication.json'), JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: [], anonymous: { enabled: false } }));
    while (!api.stderr().includes('the authentication configuration has changed')) await api.request('GET', '/livez');
    assert.equal((await selfOf(await token({}))).code, 401);
    assert.equal((await api.request('GET', '/version', { anonymous: true })).code, 401);
  });
});

describe('service-account tokens', { timeout: 60_000 }, () => {
  it('are signed with one key, believed with several, for the audiences asked for, no longer than allowed', async (t) => {
    const directory = scratch();
    const [own, old] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('rsa', { modulusLength: 2048 })];
    writeFileSync(join(directory, 'sign.key'), own.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(directory, 'old.pub'), old.publicKey.export({ type: 'spki', format: 'pem' }));
    const api = await spawnApiServer([
      `--service-account-signing-key-file=${directory}/sign.key`, `--service-account-key-file=${directory}/sign.key`, `--service-account-key-file=${directory}/old.pub`, '--service-account-issuer=https://new.example.com',
      '--service-account-issuer=https://old.example.com', '--api-audiences=api', '--service-account-max-token-expiration=1h', '--service-account-jwks-uri=https://keys.example.com/jwks', '--authorization-mode=AlwaysAllow',
    ], directory);
    t.after(() => api.stop());
    const account = (await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'robot' } } })).json<{ readonly metadata: { readonly uid: string } }>();
    const asked = await api.request('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', { body: { spec: { expirationSeconds: 86_400 } } });
    assert.equal(asked.headers['warning'], '299 - "requested expiration of 86400 seconds shortened to 3600 seconds"');
    const { status, spec } = asked.json<{ readonly status: { readonly token: string }; readonly spec: { readonly audiences: readonly string[] } }>();
    assert.deepEqual(spec.audiences, ['api']);
    const claims = { 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: account.metadata.uid } } };
    const oldKey = loadServiceAccountKey(old.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const sign = (issuer: string): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: oldKey.keyId }).setIssuer(issuer).setSubject('system:serviceaccount:default:robot').setAudience('api').setIssuedAt().setExpirationTime('1h').sign(old.privateKey);
    const codeOf = async (token: string): Promise<number> => (await api.request('GET', '/api', { headers: { authorization: `Bearer ${token}` }, anonymous: true })).code;
    assert.deepEqual([await codeOf(status.token), await codeOf(await sign('https://old.example.com')), await codeOf(await sign('https://else.example.com'))], [200, 200, 401]);
    const discovery = (await api.request('GET', '/.well-known/openid-configuration')).json<{ readonly jwks_uri: string; readonly issuer: string }>();
    assert.deepEqual([discovery.issuer, discovery.jwks_uri], ['https://new.example.com', 'https://keys.example.com/jwks']);
    assert.equal((await api.request('GET', '/openid/v1/jwks')).json<{ readonly keys: readonly object[] }>().keys.length, 2);
  });
});

describe('ABAC', { timeout: 60_000 }, () => {
  it('goes by the lines of its file', async (t) => {
    const directory = scratch();
    const line = (spec: object): string => JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });
    writeFileSync(join(directory, 'policy.jsonl'), `${line({ user: 'anna', namespace: 'default', resource: 'pods', readonly: true, apiGroup: '' })}\n\n${line({ group: 'system:authenticated', nonResourcePath: '/version' })}\n`);
    writeFileSync(join(directory, 'tokens.csv'), 'a,anna,1\n');
    const api = await spawnApiServer(['--authorization-mode=ABAC', `--authorization-policy-file=${directory}/policy.jsonl`, `--token-auth-file=${directory}/tokens.csv`], directory);
    t.after(() => api.stop());
    const codeOf = async (method: string, path: string): Promise<number> => (await api.request(method, path, { headers: { authorization: 'Bearer a' }, anonymous: true, ...(method === 'POST' && { body: {} }) })).code;
    assert.deepEqual(
      [await codeOf('GET', '/api/v1/namespaces/default/pods'), await codeOf('POST', '/api/v1/namespaces/default/pods'), await codeOf('GET', '/api/v1/namespaces/other/pods'), await codeOf('GET', '/version'), await codeOf('GET', '/metrics')],
      [200, 403, 403, 200, 403],
    );
  });
});
