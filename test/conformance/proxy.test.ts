import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';
import { ok } from './api-operations.ts';
import { conformance } from './conformance.ts';

/** The pod's address; what it serves runs in this process. */
const podIp = '10.244.1.7';
const authority = createAuthority({ commonName: 'porter', clock: systemClock, validDays: 1 });
const pair = issueCertificate(authority, { commonName: 'porter', dnsNames: ['porter'], usages: ['server'], clock: systemClock, validDays: 1 });
const ns = '/api/v1/namespaces/default';

/** What each port of the pod answers. */
const answers: Readonly<Record<number, (request: http.IncomingMessage) => { readonly type: string; readonly text: string }>> = {
  80: ({ method, url }) => (method === 'GET' && url === '/' ? { type: 'text/html', text: '<a href="/rewriteme">test</a>' } : { type: 'application/json', text: JSON.stringify({ Method: method, Body: 'foo' }) }),
  160: () => ({ type: 'text/plain', text: 'foo' }),
  162: () => ({ type: 'text/plain', text: 'bar' }),
  443: () => ({ type: 'text/plain', text: 'tls baz' }),
};
const servers = new Map<number, http.Server | https.Server>();
let api: TestApiServer;

before(async () => {
  for (const [port, answer] of Object.entries(answers)) {
    const respond = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      request.resume();
      const { type, text } = answer(request);
      response.writeHead(200, { 'content-type': type });
      response.end(text);
    };
    const server = port === '443' ? https.createServer({ cert: pair.certificatePem, key: pair.privateKeyPem }, respond) : http.createServer(respond);
    servers.set(Number(port), server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
  api = await startApiServer({ egress: ({ host, port }) => ({ host: '127.0.0.1', port: host === podIp ? ((servers.get(port)?.address() as AddressInfo | undefined)?.port ?? port) : port }) });
  const ports = [80, 160, 162, 443].map((containerPort) => ({ name: `p${containerPort}`, containerPort }));
  ok(await api.request('POST', `${ns}/pods`, { body: { metadata: { name: 'porter', labels: { app: 'porter' } }, spec: { containers: [{ name: 'c', image: 'i', ports }] } } }), 201);
  ok(await api.request('PATCH', `${ns}/pods/porter/status`, { body: { status: { podIP: podIp, podIPs: [{ ip: podIp }] } }, headers: { 'content-type': 'application/merge-patch+json' } }));
  const servicePorts = [{ name: 'portname1', port: 80, targetPort: 160 }, { name: 'portname2', port: 81, targetPort: 162 }, { name: 'tlsportname1', port: 443, targetPort: 443 }, { name: 'methods', port: 8080, targetPort: 80 }];
  ok(await api.request('POST', `${ns}/services`, { body: { metadata: { name: 'porter' }, spec: { selector: { app: 'porter' }, ports: servicePorts } } }), 201);
  const slice = { metadata: { name: 'porter-1', labels: { 'kubernetes.io/service-name': 'porter' } }, addressType: 'IPv4', endpoints: [{ addresses: [podIp] }], ports: servicePorts.map(({ name, targetPort }) => ({ name, port: targetPort })) };
  ok(await api.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice }), 201);
});
after(async () => {
  await api.close();
  for (const server of servers.values()) {
    server.closeAllConnections();
    server.close();
  }
});

describe('Proxy version v1', () => {
  conformance('[sig-network] Proxy version v1 should proxy through a service and a pod [Conformance]', async () => {
    const pod = `${ns}/pods/porter/proxy`;
    const expected: Readonly<Record<string, string>> = {
      [`${ns}/services/porter:portname1/proxy/`]: 'foo', [`${ns}/services/http:porter:portname1/proxy/`]: 'foo',
      [`${ns}/services/porter:portname2/proxy/`]: 'bar', [`${ns}/services/porter:81/proxy/`]: 'bar', [`${ns}/services/http:porter:81/proxy/`]: 'bar',
      [`${ns}/services/https:porter:443/proxy/`]: 'tls baz', [`${ns}/services/https:porter:tlsportname1/proxy/`]: 'tls baz',
      [`${pod}/`]: `<a href="${pod}/rewriteme">test</a>`, [`${ns}/pods/porter:160/proxy/`]: 'foo', [`${ns}/pods/porter:162/proxy/`]: 'bar', [`${ns}/pods/http:porter:162/proxy/`]: 'bar',
      [`${ns}/pods/https:porter:443/proxy/`]: 'tls baz',
    };
    for (const [path, text] of Object.entries(expected)) assert.equal((await api.request('GET', path)).text, text, path);
  });

  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'];
  const checkMethods = async (path: string): Promise<void> => {
    for (const method of methods) {
      const answer = await api.request(method, path, method === 'POST' || method === 'PUT' || method === 'PATCH' ? { body: 'x' } : {});
      assert.equal(answer.code, 200, `${method} ${path}: ${answer.text}`);
      if (method !== 'HEAD') assert.deepEqual(answer.json(), { Method: method, Body: 'foo' });
    }
  };

  conformance('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service Proxy [Conformance]', async () => {
    for (const base of [`${ns}/pods/porter/proxy`, `${ns}/services/porter:methods/proxy`]) {
      await checkMethods(`${base}/?method=any`);
      for (const method of ['GET', 'HEAD']) assert.equal((await api.request(method, `${base}?method=${method}`)).code, 301);
    }
  });

  conformance('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath [Conformance]', async () => {
    for (const base of [`${ns}/pods/porter/proxy`, `${ns}/services/porter:methods/proxy`]) await checkMethods(`${base}/some/path/with/METHOD`);
  });
});
