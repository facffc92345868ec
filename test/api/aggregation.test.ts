/** API servers behind the API server, over HTTPS. */
import assert from 'node:assert/strict';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, test } from 'node:test';
import { APIService } from '#api/apiregistration/api-service.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const endpoint = '10.244.0.20';
const authority = createAuthority({ commonName: 'extension', clock: systemClock, validDays: 1 });
const pair = issueCertificate(authority, { commonName: 'extension', dnsNames: ['flunders.default.svc'], usages: ['server'], clock: systemClock, validDays: 1 });
const frontProxyCa = createAuthority({ commonName: 'front-proxy-ca', clock: systemClock, validDays: 1 });
const frontProxyClient = issueCertificate(frontProxyCa, { commonName: 'front-proxy-client', usages: ['client'], clock: systemClock, validDays: 1 });
const caBundle = Buffer.from(authority.certificatePem).toString('base64');

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly peer: string;
  readonly body: string;
}
const resources = [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list', 'create'] }, { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] }];
/** What the server answers to the question whether it is there. */
let code = 200;
const extension = https.createServer({ cert: pair.certificatePem, key: pair.privateKeyPem, requestCert: true, ca: frontProxyCa.certificatePem, rejectUnauthorized: false }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/apis/wardle.test/v1') return response.writeHead(code).end(JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.test/v1', resources }));
    const socket = request.socket as TLSSocket;
    const asked: Asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers as Record<string, string>, peer: socket.authorized ? String(socket.getPeerCertificate().subject.CN) : '', body: Buffer.concat(chunks).toString() };
    return response.end(JSON.stringify(asked));
  });
});
let api: TestApiServer;

before(async () => {
  await new Promise<void>((resolve) => extension.listen(0, '127.0.0.1', resolve));
  const { port } = extension.address() as AddressInfo;
  api = await startApiServer({
    egress: (target) => (target.host === endpoint ? { host: '127.0.0.1', port } : target), frontProxy: { client: frontProxyClient, caPem: frontProxyCa.certificatePem },
  });
});
after(async () => {
  await api.close();
  extension.close();
  extension.closeAllConnections();
});

interface Condition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Waits on the watch of APIServices until the condition is as `isWanted` says. */
async function available(isWanted: (condition: Condition) => boolean): Promise<Condition> {
  for await (const batch of api.client.watch(APIService, {})) {
    for (const { object } of batch) {
      const condition = object.status.conditions?.find(({ type }) => type === 'Available') as Condition | undefined;
      if (object.metadata.name === 'v1.wardle.test' && condition !== undefined && isWanted(condition)) return condition;
    }
  }
  throw new Error('the watch ended');
}

test('every group version that is served has a local APIService', async () => {
  const names = [...(await api.client.list(APIService)).items].map(({ metadata }) => metadata.name);
  for (const name of ['v1.', 'v1.apps', 'v2.autoscaling', 'v1.rbac.authorization.k8s.io', 'v1.apiextensions.k8s.io']) assert.ok(names.includes(name), name);
  const core = await api.client.get(APIService, { name: 'v1.' });
  assert.deepEqual([core.spec.groupPriorityMinimum, core.spec.versionPriority, core.status.conditions?.[0]?.reason], [18_000, 1, 'Local']);
});

const slice = { metadata: { namespace: 'default', name: 'flunders-1', labels: { 'kubernetes.io/service-name': 'flunders' } }, addressType: 'IPv4' } as const;

test('an APIService whose Service is missing says so, and its requests are a 503', async () => {
  await api.client.create(APIService, { metadata: { name: 'v1.wardle.test' }, spec: { group: 'wardle.test', version: 'v1', service: { namespace: 'default', name: 'flunders' }, caBundle, groupPriorityMinimum: 2000, versionPriority: 200 } });
  const { status, reason, message } = await available(() => true);
  assert.deepEqual([status, reason, message], ['False', 'ServiceNotFound', 'service/flunders in "default" is not present']);
  const refused = await api.request('GET', '/apis/wardle.test/v1/namespaces/default/flunders');
  assert.deepEqual([refused.code, refused.headers['content-type'], refused.text], [503, 'text/plain; charset=utf-8', 'service unavailable\n']);
});

test('what is wrong with its Service is said as it changes', async () => {
  const service = await api.client.create(Service, { metadata: { namespace: 'default', name: 'flunders' }, spec: { selector: { app: 'flunders' }, ports: [{ port: 8080, targetPort: 8443 }] } });
  assert.equal((await available(({ reason }) => reason === 'ServicePortError')).message, 'service/flunders in "default" is not listening on port 443');
  await api.client.update(Service, { ...service, spec: { ...service.spec, ports: [{ protocol: 'TCP', port: 443, targetPort: 8443 }] } });
  assert.equal((await available(({ reason }) => reason === 'EndpointsNotFound')).message, 'cannot find endpointslices for service/flunders in "default"');
  await api.client.create(EndpointSlice, { ...slice, endpoints: [{ addresses: [endpoint], conditions: { ready: false } }], ports: [{ name: '', port: 8443 }] });
  assert.equal((await available(({ reason }) => reason === 'MissingEndpoints')).message, 'endpointslices for service/flunders in "default" have no addresses with port name ""');
});

test('once its Service leads somewhere, requests are handed on with the name of the user', async () => {
  code = 500;
  const found = await api.client.get(EndpointSlice, { namespace: 'default', name: 'flunders-1' });
  await api.client.update(EndpointSlice, { ...found, endpoints: [{ addresses: [endpoint], conditions: { ready: true } }] });
  assert.match((await available(({ reason }) => reason === 'FailedDiscoveryCheck')).message, /^failing or missing response from (https:\/\/10\.96\.\d+\.\d+:443\/apis\/wardle\.test\/v1): bad status from \1: 500$/);
  // Asked again without anything having changed in the cluster.
  code = 200;
  assert.equal((await available(({ status }) => status === 'True')).reason, 'Passed');
  const answer = await api.request('POST', '/apis/wardle.test/v1/namespaces/default/flunders?dryRun=All', { body: { any: 'thing' }, headers: { 'x-remote-user': 'somebody-else' } });
  assert.equal(answer.code, 200, answer.text);
  const asked = answer.json<Asked>();
  assert.deepEqual([asked.method, asked.url, asked.body], ['POST', '/apis/wardle.test/v1/namespaces/default/flunders?dryRun=All', '{"any":"thing"}']);
  assert.deepEqual([asked.headers['x-remote-user'], asked.headers['x-remote-group'], asked.peer, asked.headers['host']], ['admin', 'system:masters, system:authenticated', 'front-proxy-client', 'flunders.default.svc:443']);
});

test('discovery shows what is served elsewhere, in both forms', async () => {
  const { groups } = (await api.request('GET', '/apis')).json<{ groups: { name: string }[] }>();
  assert.ok(groups.some(({ name }) => name === 'wardle.test'));
  assert.deepEqual((await api.request('GET', '/apis/wardle.test')).json()['preferredVersion'], { groupVersion: 'wardle.test/v1', version: 'v1' });
  assert.deepEqual((await api.request('GET', '/apis/wardle.test/v1')).json()['resources'], resources);
  const aggregated = await api.request('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } });
  const { items } = aggregated.json<{ items: { metadata: { name: string }; versions: { freshness: string; resources: { resource: string; subresources: object[] }[] }[] }[] }>();
  const [version] = items.find(({ metadata }) => metadata.name === 'wardle.test')?.versions ?? [];
  assert.deepEqual([version?.freshness, version?.resources.map(({ resource, subresources }) => [resource, subresources.length])], ['Current', [['flunders', 1]]]);
  assert.ok((await api.request('GET', '/')).json<{ paths: readonly string[] }>().paths.includes('/apis/wardle.test/v1'));
});

test('a condition that somebody else overwrites is corrected, and the fall of a server is counted', async () => {
  const key = { name: 'v1.wardle.test' };
  const current = await api.client.get(APIService, key);
  await api.client.updateStatus(APIService, { ...current, status: { conditions: [{ type: 'Available', status: 'False', lastTransitionTime: undefined, reason: 'Rumour', message: '' }] } });
  assert.equal((await available(({ status }) => status === 'True')).reason, 'Passed');
  const found = await api.client.get(EndpointSlice, { namespace: 'default', name: 'flunders-1' });
  await api.client.update(EndpointSlice, { ...found, endpoints: [] });
  await available(({ reason }) => reason === 'MissingEndpoints');
  const { text } = await api.request('GET', '/metrics');
  assert.match(text, /^aggregator_unavailable_apiservice\{name="v1\.wardle\.test"\} 1$/m);
  assert.match(text, /^aggregator_unavailable_apiservice\{name="v1\.apps"\} 0$/m);
  assert.match(text, /^aggregator_unavailable_apiservice_total\{name="v1\.wardle\.test",reason="MissingEndpoints"\} 1$/m);
  await api.client.update(EndpointSlice, { ...await api.client.get(EndpointSlice, { namespace: 'default', name: 'flunders-1' }), endpoints: found.endpoints });
  await available(({ status }) => status === 'True');
});

test('a server that cannot prove who it is gets no requests, unless that is waived', async () => {
  const key = { name: 'v1.wardle.test' };
  const other = createAuthority({ commonName: 'other', clock: systemClock, validDays: 1 });
  await api.client.patch(APIService, key, { type: 'merge', patch: { spec: { caBundle: Buffer.from(other.certificatePem).toString('base64') } } });
  await available(({ status }) => status === 'True');
  const refused = await api.request('GET', '/apis/wardle.test/v1/namespaces/default/flunders');
  assert.deepEqual([refused.code, refused.text], [503, 'error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n']);
  await api.client.patch(APIService, key, { type: 'merge', patch: { spec: { caBundle: null, insecureSkipTLSVerify: true } } });
  assert.equal((await api.request('GET', '/apis/wardle.test/v1/namespaces/default/flunders')).code, 200);
});

test('connections that leave HTTP are handed on as well', async () => {
  const seen: string[] = [];
  extension.once('upgrade', (request, socket) => {
    seen.push(String(request.headers['x-remote-user']), request.url ?? '');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n');
    socket.pipe(socket);
  });
  const answer = await new Promise<string>((resolve, reject) => {
    const request = https.request({ ...api.connection, path: '/apis/wardle.test/v1/namespaces/default/flunders/x/attach', headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' } });
    request.on('upgrade', (_, socket) => {
      socket.once('data', (data: Buffer) => {
        resolve(data.toString());
        socket.destroy();
      });
      socket.write('hello');
    });
    request.on('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
    request.on('error', reject);
    request.end();
  });
  assert.deepEqual([answer, ...seen], ['hello', 'admin', '/apis/wardle.test/v1/namespaces/default/flunders/x/attach']);
});

test('what is served here from now on is available as such', async () => {
  await api.client.create(APIService, { metadata: { name: 'v3.wardle.test' }, spec: { group: 'wardle.test', version: 'v3', service: { namespace: 'default', name: 'nobody' }, groupPriorityMinimum: 2000, versionPriority: 1 } });
  const reasonOf = async (wanted: string): Promise<void> => {
    for await (const batch of api.client.watch(APIService, {})) {
      for (const { object } of batch) if (object.metadata.name === 'v3.wardle.test' && object.status.conditions?.[0]?.reason === wanted) return;
    }
  };
  await reasonOf('ServiceNotFound');
  await api.client.patch(APIService, { name: 'v3.wardle.test' }, { type: 'merge', patch: { spec: { service: null } } });
  await reasonOf('Local');
  await api.client.delete(APIService, { name: 'v3.wardle.test' });
});

test('groups stand in the order of their priorities', async () => {
  const spec = { service: { namespace: 'default', name: 'flunders' }, insecureSkipTLSVerify: true };
  await api.client.create(APIService, { metadata: { name: 'v2.wardle.test' }, spec: { ...spec, group: 'wardle.test', version: 'v2', groupPriorityMinimum: 2000, versionPriority: 100 } });
  await api.client.create(APIService, { metadata: { name: 'v1.early.test' }, spec: { ...spec, group: 'early.test', version: 'v1', groupPriorityMinimum: 17_850, versionPriority: 15 } });
  const { groups } = (await api.request('GET', '/apis')).json<{ groups: { name: string; versions: { version: string }[] }[] }>();
  assert.deepEqual([groups[1]?.name, groups.at(-1)?.name, groups.at(-1)?.versions.map(({ version }) => version)], ['early.test', 'wardle.test', ['v1', 'v2']]);
  for (const name of ['v2.wardle.test', 'v1.early.test']) await api.client.delete(APIService, { name });
});

test('versions of custom kinds come and go with their definitions', async () => {
  const definition = { metadata: { name: 'xs.custom.test' }, spec: { group: 'custom.test', scope: 'Cluster', names: { plural: 'xs', kind: 'X' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] } };
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const seen = (async () => {
    const types: string[] = [];
    for await (const batch of api.client.watch(APIService, {})) {
      for (const { type, object } of batch) if (object.metadata.name === 'v1.custom.test') types.push(type);
      if (types.includes('ADDED') && !types.includes('DELETED')) await api.request('DELETE', `${definitions}/xs.custom.test`);
      if (types.includes('DELETED')) return types;
    }
    return types;
  })();
  assert.equal((await api.request('POST', definitions, { body: definition })).code, 201);
  assert.deepEqual(await seen, ['ADDED', 'DELETED']);
});

test('extension API servers find out how to know the front proxy', async () => {
  const { data } = (await api.request('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json<{ data: Readonly<Record<string, string>> }>();
  assert.equal(data['requestheader-client-ca-file'], frontProxyCa.certificatePem);
  assert.equal(data['requestheader-username-headers'], '["X-Remote-User"]');
  assert.match(data['client-ca-file'] ?? '', /BEGIN CERTIFICATE/);
});
